/** What a proposed plan changes against the grids of today. */
import type { Feature, Geometry, MultiPolygon, Point, Polygon, Position } from "geojson";
import { type Band, type BandState, bandState, outsideBy } from "./band";

export interface GridProperties {
  code: string;
  name?: string | null;
  community: string;
  households: number;
  compactness?: number | null;
  /** What the grid weighs, of today's grids where the scheme weighs more than households. */
  workload?: number;
}
export interface ChangeProperties {
  code: string;
  households: number;
  from_grid: string | null;
  to_grid: string | null;
}
export type GridFeature = Feature<Polygon | MultiPolygon, GridProperties>;
export type ChangeFeature = Feature<Point, ChangeProperties>;

export interface GridSide {
  households: number;
  state: BandState;
  compactness: number | null;
}
export interface GridChange {
  code: string;
  name: string;
  community: string;
  before: GridSide | null;
  after: GridSide | null;
  households_in: number;
  households_out: number;
  units_in: number;
  units_out: number;
}
export interface SideTotals {
  grids: number;
  grids_in_band: number;
  households: number;
  households_outside: number;
  compactness: number | null;
}
export interface Comparison {
  rows: GridChange[];
  before: SideTotals;
  after: SideTotals;
  units_moved: number;
  households_moved: number;
}

const EARTH_RADIUS_M = 6371008.8;

/** Polsby-Popper compactness (4πA/P², 1 for a circle) on a local plane at the shape's own latitude. */
export function polsbyPopper(geometry: Geometry): number | null {
  const polygons =
    geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  let area = 0;
  let perimeter = 0;
  for (const polygon of polygons) {
    polygon.forEach((ring, index) => {
      const { area: ringArea, length } = measureRing(ring);
      area += index === 0 ? ringArea : -ringArea;
      perimeter += length;
    });
  }
  return perimeter > 0 ? (4 * Math.PI * area) / perimeter ** 2 : null;
}

function measureRing(ring: Position[]): { area: number; length: number } {
  const latitude = ring.reduce((sum, p) => sum + p[1]!, 0) / Math.max(1, ring.length);
  const scale = (Math.PI / 180) * EARTH_RADIUS_M;
  const shrink = Math.cos((latitude * Math.PI) / 180);
  const origin = ring[0];
  const points = ring.map((p) => [(p[0]! - origin![0]!) * scale * shrink, (p[1]! - origin![1]!) * scale] as const);
  let doubled = 0;
  let length = 0;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1]!;
    const [x1, y1] = points[i]!;
    doubled += x0 * y1 - x1 * y0;
    length += Math.hypot(x1 - x0, y1 - y0);
  }
  return { area: Math.abs(doubled) / 2, length };
}

function sideOf(grid: GridFeature, band: Band): GridSide {
  const { households, compactness } = grid.properties;
  return {
    households,
    state: bandState(households, band),
    compactness: compactness ?? polsbyPopper(grid.geometry),
  };
}

export function totalsOf(grids: GridFeature[], band: Band): SideTotals {
  const sides = grids.map((grid) => sideOf(grid, band));
  const shapes = sides.flatMap((side) => (side.compactness === null ? [] : [side.compactness]));
  return {
    grids: sides.length,
    grids_in_band: sides.filter((side) => side.state === "in").length,
    households: sides.reduce((sum, side) => sum + side.households, 0),
    households_outside: sides.reduce((sum, side) => sum + outsideBy(side.households, band), 0),
    compactness: shapes.length ? shapes.reduce((sum, value) => sum + value, 0) / shapes.length : null,
  };
}

/**
 * One row a grid that exists before or after, ordered by the households that move in or out, then by code;
 * grids that nothing touches come last.
 */
export function comparePlans(
  before: GridFeature[],
  after: GridFeature[],
  changes: ChangeFeature[],
  band: Band,
): Comparison {
  const rows = new Map<string, GridChange>();
  const rowOf = (code: string): GridChange => {
    let row = rows.get(code);
    if (!row) {
      row = {
        code,
        name: "",
        community: "",
        before: null,
        after: null,
        households_in: 0,
        households_out: 0,
        units_in: 0,
        units_out: 0,
      };
      rows.set(code, row);
    }
    return row;
  };
  for (const [key, grids] of [["before", before] as const, ["after", after] as const]) {
    for (const grid of grids) {
      const row = rowOf(grid.properties.code);
      row[key] = sideOf(grid, band);
      row.name ||= grid.properties.name ?? "";
      row.community ||= grid.properties.community;
    }
  }
  for (const { properties: change } of changes) {
    if (change.from_grid) {
      const from = rowOf(change.from_grid);
      from.households_out += change.households;
      from.units_out += 1;
    }
    if (change.to_grid) {
      const to = rowOf(change.to_grid);
      to.households_in += change.households;
      to.units_in += 1;
    }
  }
  const weight = (row: GridChange) => row.households_in + row.households_out;
  return {
    rows: [...rows.values()].sort((a, b) => weight(b) - weight(a) || a.code.localeCompare(b.code)),
    before: totalsOf(before, band),
    after: totalsOf(after, band),
    units_moved: changes.length,
    households_moved: changes.reduce((sum, change) => sum + change.properties.households, 0),
  };
}
