/** The areas of one's post: their names, how they lie in each other, whose time zone counts. */
import { computed, shallowRef } from "vue";
import { childAreas, trailTo } from "../shared/areas";
import { nameOf } from "../shared/i18n";
import { account } from "../shared/session";
import type { Area, Bbox } from "../shared/types";

export interface AreaChoice {
  area: Area;
  /** 0 for the topmost. */
  depth: number;
}

async function below(area: Area, depth: number): Promise<AreaChoice[]> {
  if (area.level === "community" || area.level === "grid") return [{ area, depth }];
  const children = (await childAreas(area.code)).filter((one) => one.level !== "grid");
  const lists = await Promise.all(children.map((child) => below(child, depth + 1)));
  return [{ area, depth }, ...lists.flat()];
}

export function useAreas() {
  const choices = shallowRef<AreaChoice[]>([]);
  const names = computed(() => new Map(choices.value.map(({ area }) => [area.code, area])));
  const timeZone = computed(() => choices.value[0]?.area.time_zone ?? "Asia/Shanghai");
  const bounds = computed<Bbox | undefined>(() => choices.value[0]?.area.bbox);

  async function load(): Promise<void> {
    const paths = [...new Set((account.value?.memberships ?? []).map(({ path }) => path))];
    const tops = await Promise.all(paths.map(async (path) => (path === "" ? childAreas(null) : (await trailTo(path)).slice(-1))));
    choices.value = (await Promise.all(tops.flat().map((top) => below(top, 0)))).flat();
  }
  /** The name of an area of one's post; of any other, what it is called elsewhere, or its code. */
  function placeName(code: string | null | undefined, otherwise?: string | null): string {
    const area = names.value.get(code ?? "");
    return area ? nameOf(area) : (otherwise ?? code ?? "");
  }
  return { choices, names, timeZone, bounds, load, placeName };
}

export type Areas = ReturnType<typeof useAreas>;
