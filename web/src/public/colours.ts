/** Colours of what the map draws over its style; the legend has them too. */
export const ROUTE_COLOR = "#1d5fd0";
export const DELIVERS_COLOR = "#c96a00";
