/** Single keys as shortcuts, which can be turned off; they rest while somebody types or a dialog is open. */
import { onBeforeUnmount, onMounted, ref, watch } from "vue";
import { remember, remembered } from "../shared/i18n";

const KEY = "yiwangtu.desk.keys";
export const areKeysOn = ref(remembered(KEY) !== "off");
watch(areKeysOn, (isOn) => remember(KEY, isOn ? "on" : "off"));

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export interface Pressed {
  key: string;
  isShift: boolean;
  /** Where the keyboard is. */
  target: Element | null;
}

/** `press` answers whether the key was its own. Escape comes through from anywhere but a dialog. */
export function useKeys(press: (pressed: Pressed) => boolean): void {
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const isEscape = event.key === "Escape";
    if (!isEscape && (!areKeysOn.value || isTyping(event.target))) return;
    // The map pans by its own arrow keys.
    if (event.target instanceof HTMLCanvasElement && event.key.startsWith("Arrow")) return;
    const target = event.target instanceof Element ? event.target : null;
    if (press({ key: event.key, isShift: event.shiftKey, target })) event.preventDefault();
  }
  onMounted(() => window.addEventListener("keydown", onKey));
  onBeforeUnmount(() => window.removeEventListener("keydown", onKey));
}
