/** Colours of the editing map beside those of the desk. */
export { BEFORE_COLOR as TODAY_COLOR, INK } from "../colors";
export const SELECTED_COLOR = "#ffd21f";
export const BARRIER_COLOR = "#6b3d1e";
export const STRAY_COLOR = "#b2182b";
