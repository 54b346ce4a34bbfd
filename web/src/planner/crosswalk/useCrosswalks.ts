/** The crosswalks of an area, the one that is open, where its layers conflict, and what of that is chosen. */
import { computed, ref, shallowRef } from "vue";
import { get, request } from "../../shared/api";
import { wordsOf } from "../upload";
import { layerParams, unitsOf, type Conflicts, type Crosswalk, type LayerForm, type Overlap } from "./crosswalk";

export type Crosswalks = ReturnType<typeof useCrosswalks>;

const pathOf = (id: number, tail = ""): string => `/api/crosswalks/${id}${tail}`;
const layerPath = (id: number, name: string): string => pathOf(id, `/layers/${encodeURIComponent(name)}`);

/** `start` is the one that the page's address asks for. */
export function useCrosswalks(start: string | null = null) {
  let wanted = start === null ? null : Number(start);
  const list = shallowRef<Crosswalk[]>([]);
  const chosen = shallowRef<Crosswalk | null>(null);
  const conflicts = shallowRef<Conflicts | null>(null);
  const overlap = shallowRef<Overlap | null>(null);
  const unit = ref<string | null>(null);
  const isReading = ref(false);
  const error = ref("");
  let turn = 0;

  /** Run a call; what it was refused for is shown, and the answer is null. */
  async function attempt<T>(call: () => Promise<T>): Promise<T | null> {
    error.value = "";
    try {
      return await call();
    } catch (reason) {
      error.value = wordsOf(reason);
      return null;
    }
  }
  /** Read the crosswalks in an area; the open one is closed when it lies elsewhere. */
  async function load(within: string): Promise<void> {
    const answer = await attempt(() => get<{ crosswalks: Crosswalk[] }>("/api/crosswalks", { within }));
    if (!answer) return;
    list.value = answer.crosswalks;
    const own = answer.crosswalks.find((one) => one.id === (chosen.value?.id ?? wanted));
    wanted = null;
    if (!own) close();
    else if (chosen.value) chosen.value = own;
    else take(own);
  }
  function take(next: Crosswalk): void {
    list.value = [next, ...list.value.filter((one) => one.id !== next.id)].sort((a, b) => b.id - a.id);
    chosen.value = next;
    void compare();
  }
  function close(): void {
    turn++;
    chosen.value = conflicts.value = overlap.value = unit.value = null;
    isReading.value = false;
  }
  async function compare(): Promise<void> {
    const mine = ++turn;
    conflicts.value = overlap.value = unit.value = null;
    isReading.value = false;
    const crosswalk = chosen.value;
    if (!crosswalk || crosswalk.layers.length < 2) return;
    isReading.value = true;
    const found = await attempt(() => get<Conflicts>(pathOf(crosswalk.id, "/conflicts")));
    if (mine !== turn) return;
    conflicts.value = found;
    isReading.value = false;
  }

  async function make(within: string, name: string): Promise<boolean> {
    const made = await attempt(() => request<Crosswalk>("POST", "/api/crosswalks", { json: { within, name } }));
    if (made) take(made);
    return made !== null;
  }
  async function remove(crosswalk: Crosswalk): Promise<void> {
    const isDone = await attempt(() => request<void>("DELETE", pathOf(crosswalk.id)).then(() => true));
    if (!isDone) return;
    list.value = list.value.filter((one) => one.id !== crosswalk.id);
    close();
  }
  async function putLayer(form: LayerForm, file: Blob | null): Promise<Crosswalk | null> {
    const { id } = chosen.value!;
    const body = file ? { body: new Blob([file], { type: "application/octet-stream" }) } : {};
    const path = layerPath(id, form.name.trim());
    const next = await attempt(() => request<Crosswalk>("PUT", path, { params: layerParams(form), ...body }));
    if (next) take(next);
    return next;
  }
  async function removeLayer(name: string): Promise<void> {
    const next = await attempt(() => request<Crosswalk>("DELETE", layerPath(chosen.value!.id, name)));
    if (next) take(next);
  }

  function pick(next: Overlap | null): void {
    overlap.value = next;
    unit.value = null;
  }
  const units = computed(() => unitsOf(conflicts.value?.features ?? [], overlap.value));

  return {
    list, chosen, conflicts, overlap, unit, units, isReading, error,
    load, open: take, close, make, remove, putLayer, removeLayer, pick,
  };
}
