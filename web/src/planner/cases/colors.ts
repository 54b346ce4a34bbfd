/** Purple to orange, which colour-blind people tell apart; each has a word or a shape beside it. */
export const CELL_COLORS = { hot: "#b35806", cold: "#5e4fa2", "": "#9aa39e" } as const;
export const CLUSTER_COLOR = "#7f1d4e";
export const GRADE_COLORS = { good: "#0f5c8a", watch: "#8a5a00", poor: "#a3145b" } as const;
export const LEVEL_COLORS: Record<string, string> = { grid: "#08519c", community: "#3182bd", street: "#fdae61", district: "#b35806", unknown: "#d0d5d2" };
