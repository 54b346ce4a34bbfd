/** Colours of grids while a plan is edited: by the band, or one tint a grid so that neighbours differ. */
import { bandState } from "../band";
import { BAND_COLORS } from "../colors";
import type { EditModel } from "./model";

export type Coloring = "band" | "grid";

/** Eight light tints that stay apart for colour-blind eyes (after Paul Tol's "light" scheme). */
export const TINTS = ["#77aadd", "#eedd88", "#44bb99", "#ee8866", "#99ddff", "#bbcc33", "#ffaabb", "#aaaa00"] as const;
export const UNASSIGNED = "#ffffff";

export class Tints {
  private readonly tintOf: number[] = [];

  constructor(private readonly model: EditModel) {}

  color(grid: number, coloring: Coloring): string {
    if (grid < 0) return UNASSIGNED;
    if (coloring === "band") return BAND_COLORS[bandState(this.model.totals[grid]!.households, this.model.band)];
    return TINTS[(this.tintOf[grid] ??= this.pick(grid))]!;
  }

  /** The first tint that no neighbouring grid has; grids keep the tint they were given. */
  private pick(grid: number): number {
    const { start, near } = this.model.graph;
    const used = new Set<number>();
    for (const unit of this.model.unitsOf(grid)) {
      for (let i = start[unit]!; i < start[unit + 1]!; i++) {
        const tint = this.tintOf[this.model.grid[near[i]!]!];
        if (tint !== undefined) used.add(tint);
      }
    }
    const free = TINTS.findIndex((_, tint) => !used.has(tint));
    return free < 0 ? grid % TINTS.length : free;
  }
}
