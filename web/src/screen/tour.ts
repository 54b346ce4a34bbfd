/** The order in which the wall walks through the areas: down to a depth, then along, then back to where it began. */
import type { Area } from "../shared/types";

export type ChildrenOf = (area: Area) => Promise<Area[]>;

/**
 * The stop after the last one of `trail`. The tour stays inside `trail[base]` and goes `depth` levels down from it.
 *
 * @returns the trail (city first) of the next stop
 */
export async function nextStop(trail: Area[], base: number, depth: number, childrenOf: ChildrenOf): Promise<Area[]> {
  const here = trail.at(-1);
  if (!here) return trail;
  if (trail.length - 1 - base < depth) {
    const [first] = await childrenOf(here);
    if (first) return [...trail, first];
  }
  for (let level = trail.length - 1; level > base; level--) {
    const sibling = await neighbour(trail.slice(0, level + 1), 1, childrenOf);
    if (sibling) return sibling;
  }
  return trail.slice(0, base + 1);
}

/** The trail of the sibling `step` places along, or null beyond either end. */
export async function neighbour(trail: Area[], step: number, childrenOf: ChildrenOf): Promise<Area[] | null> {
  const parent = trail.at(-2);
  const here = trail.at(-1);
  if (!parent || !here) return null;
  const siblings = await childrenOf(parent);
  const at = siblings.findIndex((area) => area.code === here.code);
  const found = at < 0 ? undefined : siblings[at + step];
  return found ? [...trail.slice(0, -1), found] : null;
}
