/** Drawn towns for the tests: square lots in rows and columns, neighbours where sides touch. */
import type { Position } from "geojson";
import type { Workbench } from "./payload";

export interface TownPlan {
  columns: number;
  rows: number;
  /** Grid of each unit, row by row. */
  grid: number[];
  households?: number[];
  compound?: number[];
  today?: number[];
  /** Pairs "a-b" that a barrier cuts. */
  cuts?: string[];
  /** Community of each grid; all in the first without. */
  communityOfGrid?: number[];
}

export const SIDE_DEG = 0.001;
/** That side in metres; the town lies at the equator. */
export const SIDE_M = 111.195;

function square(x: number, y: number): Position[][] {
  const at = (column: number, row: number): Position => [
    Number((114 + column * SIDE_DEG).toFixed(6)),
    Number((row * SIDE_DEG).toFixed(6)),
  ];
  return [[at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1), at(x, y)]];
}

export function drawTown(plan: TownPlan): Workbench {
  const { columns, rows, grid } = plan;
  const size = columns * rows;
  const communityOfGrid = plan.communityOfGrid ?? [];
  const communities = [...new Set([0, ...communityOfGrid])].map((index) => `C${index}`);
  const gridCount = Math.max(...grid, ...(plan.today ?? []), communityOfGrid.length - 1) + 1;
  const code = (index: number): string => `C${communityOfGrid[index] ?? 0}-${String(index + 1).padStart(3, "0")}`;
  const pairs: Workbench["pairs"] = { a: [], b: [], border_m: [], is_cut: [], is_bridge: [] };
  const join = (a: number, b: number): void => {
    pairs.a.push(a);
    pairs.b.push(b);
    pairs.border_m.push(SIDE_M);
    pairs.is_cut.push(plan.cuts?.includes(`${a}-${b}`) ?? false);
    pairs.is_bridge.push(false);
  };
  for (let unit = 0; unit < size; unit++) {
    if ((unit + 1) % columns !== 0) join(unit, unit + 1);
    if (unit + columns < size) join(unit, unit + columns);
  }
  const all = Array.from({ length: size }, (_, unit) => unit);
  const compound = plan.compound ?? all.map(() => -1);
  return {
    version: 1,
    band: { floor: 400, ceiling: 800, target: 600 },
    grids: Array.from({ length: gridCount }, (_, index) => ({
      code: code(index),
      community: `C${communityOfGrid[index] ?? 0}`,
      name: null,
    })),
    today: Array.from({ length: gridCount }, (_, index) => code(index)),
    retired: [],
    successor_of: {},
    communities,
    compounds: Array.from({ length: Math.max(-1, ...compound) + 1 }, (_, index) => `P${index}`),
    units: {
      code: all.map((unit) => `u${unit}`),
      households: plan.households ?? all.map(() => 100),
      workload: plan.households ?? all.map(() => 100),
      community: all.map((unit) => communities.indexOf(`C${communityOfGrid[grid[unit]!] ?? 0}`)),
      compound,
      grid,
      today: plan.today ?? grid,
      lon: all.map((unit) => 114 + ((unit % columns) + 0.5) * SIDE_DEG),
      lat: all.map((unit) => (Math.floor(unit / columns) + 0.5) * SIDE_DEG),
      lot: all.map((unit) => square(unit % columns, Math.floor(unit / columns))),
    },
    pairs,
    barriers: { type: "FeatureCollection", features: [] },
    locks: { grids: [], units: [] },
  };
}

/** A small seeded generator (mulberry32), so that a failing town can be drawn again. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
