/** What `GET /api/plans/{id}/workbench` sends: a plan in columns, with the lots and neighbours of its units. */
import type { FeatureCollection, MultiPolygon, Polygon, Position } from "geojson";

export type Lot = Position[][] | Position[][][];

export interface PayloadGrid {
  code: string;
  community: string;
  name: string | null;
}
export interface PlanLocks {
  grids: string[];
  units: string[];
}
export interface Workbench {
  version: number;
  band: { floor: number; ceiling: number; target: number };
  grids: PayloadGrid[];
  /** Codes of today's grids. */
  today: string[];
  /** Codes that grids had before; no new grid gets one of them. */
  retired: string[];
  /** Where codes are new altogether (a redrawn plan): code of the grid to the code of today's that it goes on as. */
  successor_of: Record<string, string>;
  communities: string[];
  compounds: string[];
  units: {
    code: string[];
    households: number[];
    workload: number[];
    community: number[];
    /** -1: in no compound. */
    compound: number[];
    /** Position in `grids`; -1: in no grid. */
    grid: number[];
    /** Position in `today`; -1: in no grid today. */
    today: number[];
    /** A point on the building itself; a lot may reach far beyond it. */
    lon: number[];
    lat: number[];
    lot: Lot[];
  };
  pairs: { a: number[]; b: number[]; border_m: number[]; is_cut: boolean[]; is_bridge: boolean[] };
  barriers: FeatureCollection;
  locks: PlanLocks;
}

/** The geometry of a lot: a polygon's rings are two levels deep, a multi-polygon's three. */
export function lotGeometry(lot: Lot): Polygon | MultiPolygon {
  const isMulti = Array.isArray((lot as Position[][][])[0]?.[0]?.[0]);
  return isMulti
    ? { type: "MultiPolygon", coordinates: lot as Position[][][] }
    : { type: "Polygon", coordinates: lot as Position[][] };
}

/** All rings of a lot, outer ones and holes. */
export function ringsOf(lot: Lot): Position[][] {
  const shape = lotGeometry(lot);
  return shape.type === "Polygon" ? shape.coordinates : shape.coordinates.flat();
}
