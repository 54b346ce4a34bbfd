/** One plan being edited: the model, what is selected, which tool is in hand, and how it is saved. */
import { computed, nextTick, ref, shallowRef } from "vue";
import { ApiError, get, request } from "../../shared/api";
import { formatCount } from "../../shared/format";
import type { Plan } from "../../shared/types";
import { rebase, type Choice, type Conflict } from "./conflict";
import { te } from "./messages";
import { EditModel, type Delta, type Outcome } from "./model";
import type { Workbench } from "./payload";
import { cutByLine, unitsInside, withCompounds } from "./select";

export type Tool = "select" | "box" | "lasso" | "line" | "target";

/** Who draws: told what changed, in the order it changed. */
export interface Painter {
  show(model: EditModel): void;
  apply(delta: Delta): void;
  select(units: readonly number[]): void;
}

export interface Note {
  text: string;
  isBad: boolean;
}

export type Editor = ReturnType<typeof useEditor>;

export function useEditor(planId: string) {
  const model = shallowRef<EditModel | null>(null);
  /** Counts the changes of the model, which is no reactive thing itself. */
  const revision = ref(0);
  const selection = shallowRef<readonly number[]>([]);
  const tool = ref<Tool>("select");
  const activeGrid = ref<number | null>(null);
  const note = shallowRef<Note | null>(null);
  const version = ref(0);
  const isSaving = ref(false);
  const conflict = shallowRef<Conflict | null>(null);
  const error = ref("");
  let painter: Painter | null = null;

  const say = (text: string, isBad = false): void => void (note.value = { text, isBad });
  const labelOf = (grid: number): string => model.value!.grids[grid]!.name || model.value!.grids[grid]!.code;

  async function load(): Promise<void> {
    error.value = "";
    try {
      const payload = await get<Workbench>(`/api/plans/${planId}/workbench`);
      take(new EditModel(payload));
    } catch (reason) {
      error.value = reason instanceof ApiError ? reason.message : String(reason);
    }
  }
  function take(next: EditModel): void {
    model.value = next;
    version.value = next.payload.version;
    selection.value = [];
    activeGrid.value = null;
    revision.value++;
    painter?.show(next);
  }
  function attach(next: Painter | null): void {
    painter = next;
  }

  // ------------------------------------------------------------------ selecting
  function select(units: readonly number[]): void {
    selection.value = [...new Set(units)];
    painter?.select(selection.value);
  }
  function selectMore(units: readonly number[], how: "replace" | "add" | "toggle"): void {
    if (how === "replace") return select(units);
    const chosen = new Set(selection.value);
    const areAll = units.every((unit) => chosen.has(unit));
    for (const unit of units) if (how === "toggle" && areAll) chosen.delete(unit);
    else chosen.add(unit);
    select([...chosen]);
  }
  function selectShape(shape: Parameters<typeof unitsInside>[1], keys: { shift: boolean; ctrl: boolean }): void {
    if (!model.value) return;
    const inside = unitsInside(model.value, shape);
    selectMore(keys.shift ? withCompounds(model.value, inside) : inside, keys.ctrl ? "add" : "replace");
    tool.value = "select";
  }
  function takeCompounds(): void {
    if (model.value) select(withCompounds(model.value, selection.value));
  }
  const selected = computed(() => {
    const edited = model.value;
    const units = selection.value;
    void revision.value;
    if (!edited) return { units: 0, households: 0, grids: [] as number[], areLocked: false };
    return {
      units: units.length,
      households: units.reduce((sum, unit) => sum + edited.households[unit]!, 0),
      grids: [...new Set(units.map((unit) => edited.grid[unit]!))].filter((grid) => grid >= 0),
      areLocked: units.length > 0 && units.every((unit) => edited.unitLocked[unit] === 1),
    };
  });
  /** Where the selection could go, with what would come of it; the nine nearest have a key. */
  const targets = computed(() => {
    const edited = model.value;
    void revision.value;
    if (!edited || selection.value.length === 0) return [];
    return edited
      .targetsOf(selection.value)
      .filter((grid) => !edited.gridLocked[grid])
      .slice(0, 9)
      .map((grid) => ({ grid, code: edited.grids[grid]!.code, ...edited.preview(selection.value, grid) }));
  });

  // ------------------------------------------------------------------ editing
  function finish(edit: () => Outcome, text: (outcome: Outcome) => string): boolean {
    const start = performance.now();
    const outcome = edit();
    if (!outcome.ok) {
      say(te(`refused_${outcome.reason}`), true);
      return false;
    }
    redraw(outcome.delta, start);
    say([text(outcome), outcome.skipped ? te("skipped", { n: formatCount(outcome.skipped) }) : ""].join(" ").trim());
    return true;
  }
  /** Draw a step; the browser's own clock keeps how long each took, page and map. */
  function redraw(delta: Delta, start: number): void {
    revision.value++;
    painter?.apply(delta);
    void nextTick(() => performance.measure("planner-edit", { start }));
  }
  const changed = (outcome: Outcome): number[] => (outcome.ok ? Array.from(outcome.delta.units) : []);
  const sumOf = (units: readonly number[]): string =>
    formatCount(units.reduce((sum, unit) => sum + model.value!.households[unit]!, 0));

  function moveTo(grid: number): void {
    const edited = model.value!;
    const isDone = finish(() => edited.move(selection.value, grid), (outcome) => {
      const units = changed(outcome);
      const now = formatCount(edited.totals[grid]!.households);
      return te("did_move", { units: units.length, households: sumOf(units), grid: labelOf(grid), now });
    });
    // A target that is refused leaves the tool in hand, for another one.
    if (!isDone) return;
    tool.value = "select";
    activeGrid.value = grid;
  }
  /** Move to the grid of a unit that was pointed at; beside all grids it is said so. */
  function moveToGridOf(unit: number | null): void {
    const grid = unit === null ? -1 : model.value!.grid[unit]!;
    if (grid >= 0) moveTo(grid);
    else say(te("refused_no_grid"), true);
  }
  function splitOff(units: readonly number[] = selection.value): void {
    const edited = model.value!;
    const isDone = finish(() => edited.split(units), (outcome) => {
      const moved = changed(outcome);
      return te("did_split", { grid: labelOf(edited.grids.length - 1), units: moved.length, households: sumOf(moved) });
    });
    if (isDone) activeGrid.value = edited.grids.length - 1;
  }
  function cutAlong(line: Parameters<typeof cutByLine>[1]): void {
    const edited = model.value;
    if (!edited) return;
    tool.value = "select";
    const cut = cutByLine(edited, line, activeGrid.value) ?? cutByLine(edited, line, null);
    if (!cut) return say(te("refused_line"), true);
    splitOff(cut.units);
    select(cut.units);
  }
  function merge(grid: number, into: number): void {
    const edited = model.value!;
    const gone = labelOf(grid);
    finish(() => edited.merge([grid], into), () =>
      te("did_merge", { gone, grid: labelOf(into), now: formatCount(edited.totals[into]!.households) }),
    );
    activeGrid.value = into;
  }
  function toggleLocks(what: { grids?: readonly number[]; units?: readonly number[] }): void {
    finish(() => model.value!.toggleLocks(what), () => te("did_lock"));
  }
  function step(direction: "undo" | "redo"): void {
    const start = performance.now();
    const delta = model.value?.[direction]();
    if (!delta) return;
    redraw(delta, start);
    say(te(`did_${direction}`));
  }

  // ------------------------------------------------------------------ saving
  const unsaved = computed(() => {
    void revision.value;
    const edited = model.value;
    return { isDirty: edited?.isDirty ?? false, moves: edited?.isDirty ? edited.unsavedMoves().length : 0 };
  });

  /** Write the plan; true when the server has it. A conflict that touches no common unit is merged and sent again. */
  async function save(): Promise<boolean> {
    const edited = model.value;
    if (!edited || isSaving.value) return false;
    isSaving.value = true;
    error.value = "";
    try {
      const plan = await request<Plan>("PUT", `/api/plans/${planId}/assignment`, { json: bodyOf(edited) });
      version.value = plan.version;
      edited.markSaved();
      revision.value++;
      say(te("saved", { version: plan.version }));
      return true;
    } catch (reason) {
      const found = conflictOf(reason);
      if (!found) error.value = reason instanceof ApiError ? reason.message : String(reason);
      else if (found.conflicts.length > 0) conflict.value = found;
      else {
        isSaving.value = false;
        return await mergeWithTheirs(found, () => "mine");
      }
      return false;
    } finally {
      isSaving.value = false;
    }
  }
  function bodyOf(edited: EditModel): object {
    const grids = edited.liveGrids().map((grid) => {
      const { code, community } = edited.grids[grid]!;
      return { code, community: edited.payload.communities[community] };
    });
    return { version: version.value, moves: edited.unsavedMoves(), grids, locks: edited.locks() };
  }
  /** Put my moves on the newer version and save again. */
  async function mergeWithTheirs(found: Conflict, choiceOf: (unit: string) => Choice): Promise<boolean> {
    const mine = model.value!;
    try {
      const newer = await get<Workbench>(`/api/plans/${planId}/workbench`);
      const { model: merged, dropped } = rebase(newer, mine, choiceOf);
      conflict.value = null;
      take(merged);
      const isDone = merged.isDirty ? await save() : true;
      const by = found.theirs.by ?? te("conflict_somebody");
      const lines = [te("conflict_merged", { by, version: found.theirs.version })];
      if (dropped.length) lines.push(te("conflict_dropped", { n: formatCount(dropped.length) }));
      if (isDone) say(lines.join(" "));
      return isDone;
    } catch (reason) {
      error.value = reason instanceof ApiError ? reason.message : String(reason);
      return false;
    }
  }

  return {
    planId, model, revision, selection, selected, targets, tool, activeGrid, note, version, isSaving, conflict, error, unsaved,
    load, attach, select, selectMore, selectShape, takeCompounds, moveTo, moveToGridOf, splitOff, cutAlong, merge, toggleLocks, step, save,
    mergeWithTheirs,
  };
}

/** The conflict that an answer tells of; null for any other failure. */
export function conflictOf(reason: unknown): Conflict | null {
  if (!(reason instanceof ApiError) || reason.code !== "conflict") return null;
  const { theirs, conflicts } = reason.problem as Partial<Conflict>;
  return theirs ? { theirs, conflicts: conflicts ?? [] } : null;
}
