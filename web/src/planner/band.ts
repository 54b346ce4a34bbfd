/** Households of a grid against the band the planner asks for. */
export interface Band {
  floor: number;
  ceiling: number;
}

export type BandState = "below" | "in" | "above";

export const DEFAULT_BAND: Band = { floor: 400, ceiling: 800 };

/** The band is closed: a grid of exactly the floor or the ceiling is in it. */
export function bandState(households: number, band: Band): BandState {
  if (households < band.floor) return "below";
  return households > band.ceiling ? "above" : "in";
}

/** Households by which a grid misses the band, 0 inside it. */
export function outsideBy(households: number, band: Band): number {
  return Math.max(0, band.floor - households, households - band.ceiling);
}

/** A short label that says the state without colour: ▲ above, ▼ below. */
export function bandLabel(households: number, band: Band): string {
  return { below: "▼", in: "", above: "▲" }[bandState(households, band)] + String(households);
}
