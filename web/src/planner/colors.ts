/** Colours of the planner's map: states of grids, moved units, gap verdicts. Each has a sign of its own beside it. */
import type { BandState } from "./band";
import type { Verdict } from "./grids";

export const BAND_COLORS: Record<BandState, string> = { below: "#2c7fb8", in: "#8fbf9f", above: "#d95f0e" };
export const BAND_INK: Record<BandState, string> = { below: "#0f4a75", in: "#2f5c40", above: "#8f3703" };
export const MOVED_COLOR = "#6a1b9a";
export const GAP_COLORS: Record<Verdict, string> = { covered: "#2b6f9e", gap: "#b2182b", unknown: "#5c5c5c" };
