/** How far a plan's moved households are from the least that was proven. */
import type { Value } from "../../shared/types";

export interface CommunityRow {
  community: string;
  grids: number;
  grids_in_band: number;
  moved: number | null;
  bound: number | null;
  /** Share of the moved households above the bound; 0 is optimal, null unknown. */
  gap: number | null;
}

export function gapOf(moved: number | null, bound: number | null): number | null {
  if (moved === null || bound === null) return null;
  return moved > 0 ? Math.max(0, (moved - bound) / moved) : 0;
}

/** The communities of a plan's figures, the widest gap first, then the most moved. */
export function communityRows(value: Value | undefined): CommunityRow[] {
  if (!Array.isArray(value)) return [];
  const number = (one: Value | undefined): number | null => (typeof one === "number" ? one : null);
  return value
    .map((entry) => {
      const row = entry as Record<string, Value>;
      const [moved, bound] = [number(row["moved_households"]), number(row["moved_bound_households"])];
      return {
        community: String(row["community"]),
        grids: number(row["grids"]) ?? 0,
        grids_in_band: number(row["grids_in_band"]) ?? 0,
        moved,
        bound,
        gap: gapOf(moved, bound),
      };
    })
    .sort((a, b) => (b.gap ?? 0) - (a.gap ?? 0) || (b.moved ?? 0) - (a.moved ?? 0) || a.community.localeCompare(b.community));
}
