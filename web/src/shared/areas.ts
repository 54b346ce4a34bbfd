/** The tree of areas, read level by level and kept. */
import { get } from "./api";
import type { Area } from "./types";

const known = new Map<string, Promise<Area[]>>();

/** The areas under `parent`; the cities without one. */
export function childAreas(parent: string | null): Promise<Area[]> {
  const key = parent ?? "";
  const kept = known.get(key);
  if (kept) return kept;
  const read = get<{ areas: Area[] }>("/api/areas", { parent }).then((answer) => answer.areas);
  known.set(key, read);
  read.catch(() => known.delete(key));
  return read;
}

/** Forget what was read, because areas or grids changed or someone else signed in. */
export function forgetAreas(): void {
  known.clear();
}

/** The areas from the city down to the one whose path is given; shorter where a level is missing. */
export async function trailTo(path: string): Promise<Area[]> {
  const trail: Area[] = [];
  for (;;) {
    const last = trail.at(-1);
    if (last?.path === path || last?.level === "grid") return trail;
    const areas = await childAreas(last?.code ?? null);
    const next = areas.find((area) => area.path === path || path.startsWith(`${area.path}.`));
    if (!next) return trail;
    trail.push(next);
  }
}
