/** What the keys do in the editor. Single letters count only while the map or its tools have the focus. */
import type { Editor, Tool } from "./useEditor";

const TOOLS: Record<string, Tool> = { v: "select", b: "box", l: "lasso", x: "line", m: "target" };

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, select, textarea, [contenteditable]");
}

/** Do what the key means; true when it meant something. */
export function actOnKey(editor: Editor, event: KeyboardEvent, isOnMap: boolean): boolean {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) return actOnCommand(editor, key, event);
  if (event.altKey || isWriting(event.target)) return false;
  if (key === "escape") {
    if (editor.tool.value !== "select") editor.tool.value = "select";
    else editor.select([]);
    return true;
  }
  return isOnMap && actOnLetter(editor, key);
}

function actOnCommand(editor: Editor, key: string, event: KeyboardEvent): boolean {
  if (key === "s") {
    void editor.save();
    return true;
  }
  if (isWriting(event.target) && !(event.target as HTMLElement).matches("[type=checkbox]")) return false;
  if (key !== "z" && key !== "y") return false;
  editor.step(key === "y" || event.shiftKey ? "redo" : "undo");
  return true;
}

function actOnLetter(editor: Editor, key: string): boolean {
  const tool = TOOLS[key];
  if (tool) {
    if (tool !== "target" || editor.selection.value.length > 0) editor.tool.value = tool;
    return true;
  }
  const target = editor.targets.value[Number(key) - 1];
  if (target) editor.moveTo(target.grid);
  else if (key === "n") editor.splitOff();
  else if (key === "k") editor.toggleLocks({ units: editor.selection.value });
  else return false;
  return true;
}
