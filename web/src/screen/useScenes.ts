/** The scenes of an area's walls: read, shown in turn, arranged by a dispatcher. */
import { computed, ref, shallowRef } from "vue";
import { ApiError, get, request } from "../shared/api";
import type { Bbox } from "../shared/types";

export interface Scene {
  name: string;
  /** The area or grid in view. */
  code: string;
  /** Of the map; null is the whole of the area. */
  bounds: Bbox | null;
  layers: string[];
  figures: string[];
  dwell_s: number;
  /** Where `code` lies today; null where a later plan has no such grid. */
  path: string | null;
}

export interface SceneList {
  within: string;
  version: string;
  may_edit: boolean;
  scenes: Scene[];
}

export function useScenes() {
  const list = shallowRef<SceneList | null>(null);
  const at = ref(-1);
  const shown = computed(() => list.value?.scenes[at.value] ?? null);
  /** Those that can be shown: their place still exists. */
  const count = computed(() => list.value?.scenes.filter((one) => one.path !== null).length ?? 0);

  async function read(within: string): Promise<void> {
    const answer = await get<SceneList>(`/api/scenes/${encodeURIComponent(within)}`);
    if (answer.within !== list.value?.within) at.value = -1;
    if (answer.version !== list.value?.version || answer.within !== list.value.within) list.value = answer;
  }

  /** The scene `step` places along, round and round; null where none can be shown. */
  function move(step: number): Scene | null {
    const scenes = list.value?.scenes ?? [];
    if (at.value < 0 && step < 0) at.value = 0; // back from none is the last
    for (let tried = 0; tried < scenes.length; tried++) {
      at.value = (at.value + step + 2 * scenes.length) % scenes.length;
      if (scenes[at.value]!.path !== null) return scenes[at.value]!;
    }
    return null;
  }

  /** Keep other scenes; when somebody else changed them meanwhile, `ApiError` 409 holds theirs as `problem.current`. */
  async function save(scenes: Scene[]): Promise<void> {
    const known = list.value;
    if (!known) return;
    const kept = scenes.map(({ path: _, ...rest }) => rest);
    const json = { version: known.version, scenes: kept };
    list.value = await request<SceneList>("PUT", `/api/scenes/${encodeURIComponent(known.within)}`, { json });
    at.value = -1;
  }

  /** Take what somebody else kept, as a refused `save` told it. */
  function takeTheirs(error: ApiError): Scene[] {
    const current = error.problem["current"] as SceneList;
    list.value = { ...current, may_edit: list.value?.may_edit ?? false };
    return current.scenes;
  }

  return { list, at, shown, count, read, move, save, takeTheirs, leave: () => void (at.value = -1) };
}

export type Scenes = ReturnType<typeof useScenes>;
