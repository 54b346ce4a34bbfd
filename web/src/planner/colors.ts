/** Colours of the planner's map: states of grids, moved units, gap verdicts. Each has a sign of its own beside it. */
import type { BandState } from "./band";
import type { GridChange } from "./compare";
import type { Verdict } from "./gaps/findings";

export const BAND_COLORS: Record<BandState, string> = { below: "#2c7fb8", in: "#8fbf9f", above: "#d95f0e" };
export const BAND_INK: Record<BandState, string> = { below: "#0f4a75", in: "#2f5c40", above: "#8f3703" };
export const MOVED_COLOR = "#6a1b9a";
export const GAP_COLORS: Record<Verdict, string> = { covered: "#2b6f9e", gap: "#b2182b", unknown: "#5c5c5c" };
export const INK = "#17201d";
export const BEFORE_COLOR = "#a3145b";
export const CONFLICT_COLOR = "#b2182b";
/** Borders of grids that are only the ground of another picture. */
export const QUIET_COLOR = "#7c857f";

/** What a plan does to a grid: households come, go, or come and go alike. */
export type Change = "gain" | "loss" | "same" | "none";
export const CHANGE_COLORS: Record<Change, string> = { gain: "#5e3c99", loss: "#e08214", same: "#a6a6a6", none: "#f3f3f0" };

export function changeOf(change: Pick<GridChange, "households_in" | "households_out" | "units_in" | "units_out"> | undefined): Change {
  if (!change || change.units_in + change.units_out === 0) return "none";
  const net = change.households_in - change.households_out;
  return net > 0 ? "gain" : net < 0 ? "loss" : "same";
}
