/** The chosen area, its grids of today or of another day, and the names of all areas that were met. */
import { reactive, ref, shallowRef, watch } from "vue";
import { get } from "../../shared/api";
import { nameOf } from "../../shared/i18n";
import type { Area, Bbox } from "../../shared/types";
import type { GridFeature } from "../compare";
import { loadGrids, loadGridsOf, weigh } from "../grids";

export function useGrids(fail: (reason: unknown) => void) {
  const area = ref<Area | null>(null);
  const trail = ref<Area[]>([]);
  const grids = shallowRef<GridFeature[]>([]);
  const bounds = shallowRef<Bbox>();
  const isLoading = ref(false);
  /** The day whose grids are shown; null for today. */
  const asOf = ref<string | null>(null);
  const names = reactive(new Map<string, Area>());
  let loading: AbortController | null = null;

  async function read(): Promise<void> {
    if (!area.value) return;
    loading?.abort();
    const turn = (loading = new AbortController());
    isLoading.value = true;
    try {
      const { code } = area.value;
      const found = asOf.value ? await loadGridsOf(asOf.value, code, turn.signal) : await weigh(await loadGrids(code, turn.signal), code, turn.signal);
      if (turn === loading) grids.value = found;
    } catch (reason) {
      if (!turn.signal.aborted) fail(reason);
    } finally {
      if (turn === loading) isLoading.value = false;
    }
  }
  function choose(next: Area, path: Area[]): void {
    area.value = next;
    trail.value = path;
    grids.value = [];
    asOf.value = null;
    bounds.value = next.bbox;
    void read();
  }
  function showDay(day: string | null): void {
    asOf.value = day;
    void read();
  }
  function know(areas: Area[]): void {
    for (const one of areas) names.set(one.code, one);
  }
  function nameOfArea(code: string): string {
    const known = names.get(code);
    return known ? nameOf(known) : code;
  }

  /** Read streets and communities of the known districts when a grid's community has no name yet. */
  async function knowCommunities(list: { properties: { community: string } }[]): Promise<void> {
    if (list.every((grid) => names.has(grid.properties.community))) return;
    for (const district of [...names.values()].filter((one) => one.level === "district")) {
      const streets = (await get<{ areas: Area[] }>("/api/areas", { parent: district.code })).areas;
      know(streets);
      for (const street of streets.filter((one) => one.level === "street")) {
        know((await get<{ areas: Area[] }>("/api/areas", { parent: street.code })).areas);
      }
    }
  }
  watch(grids, (list) => void knowCommunities(list).catch(fail));

  return { area, trail, grids, bounds, isLoading, asOf, names, read, choose, showDay, know, knowCommunities, nameOfArea };
}
