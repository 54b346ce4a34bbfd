/** Colours of siting: who is served, and sites. Each has a size or a mark of its own beside it. */
import { GAP_COLORS } from "../colors";
import type { UnitState } from "./siting";

export const STATE_COLORS: Record<UnitState, string> = { before: "#9bb8cc", new: "#1b7a43", left: GAP_COLORS.gap, unknown: GAP_COLORS.unknown };
export const SITE_COLOR = "#5e3c99";
export const CANDIDATE_COLOR = "#8f6b00";
export const EXISTING_COLOR = "#1f2933";
