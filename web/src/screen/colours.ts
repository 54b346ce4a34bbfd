/** The wall's own colours on the map: bright enough over every grid, told apart without hue by their rim. */
export const GROUND = "#0a0f13";
export const EDGE = "#e9eff1";
export const OPEN_COLOR = "#ffffff";
export const OVERDUE_COLOR = "#ff4d4d";
export const OVERDUE_RIM = "#ffffff";
export const FRESH_COLOR = "#ffd166";
