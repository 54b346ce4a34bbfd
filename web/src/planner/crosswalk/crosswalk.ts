/** Crosswalks of the contract, and what the page makes of their conflicts. */
import type { Feature, Geometry, MultiPolygon, Point, Polygon } from "geojson";
import { insidePoint } from "../../shared/shape";
import type { LonLat, Value } from "../../shared/types";
import { requestOf, type RunParameters } from "../run/parameters";

export interface Layer {
  name: string;
  weight: number;
  source: string;
  grids: number;
  units: number;
}
export interface Crosswalk {
  id: number;
  name: string;
  within: string;
  plan_id: number | null;
  /** Whether layers changed since that plan was made. */
  is_stale: boolean;
  created_by: string | null;
  created_at: string;
  layers: Layer[];
}
export interface ConflictProperties {
  code: string;
  community: string;
  households: number;
  /** Code of the unit's grid in each layer; null where the layer does not hold it. */
  grids: Record<string, string | null>;
}
export type ConflictFeature = Feature<Geometry, ConflictProperties>;
export interface Overlap {
  community: string;
  layer_a: string;
  grid_a: string;
  layer_b: string;
  grid_b: string;
  units: number;
  households: number;
  is_matched: boolean;
}
export interface Conflicts {
  features: ConflictFeature[];
  overlaps: Overlap[];
  totals: {
    units: number;
    conflict_units: number;
    households: number;
    conflict_households: number;
    units_unknown_to_a_layer: number;
  };
}
export interface MergeOutcome {
  crosswalk: string;
  moved: number;
  bound: number;
  layers: { name: string; weight: number; grids: number; households: number; moved_households: number }[];
}

export function keyOf({ community, layer_a, grid_a, layer_b, grid_b }: Overlap): string {
  return JSON.stringify([community, layer_a, grid_a, layer_b, grid_b]);
}

/** What disagrees first, the most households on top; matches only where they are asked for. */
export function rankOverlaps(overlaps: readonly Overlap[], withMatched: boolean): Overlap[] {
  return overlaps
    .filter((one) => withMatched || !one.is_matched)
    .sort(
      (a, b) =>
        Number(a.is_matched) - Number(b.is_matched) || b.households - a.households || keyOf(a).localeCompare(keyOf(b)),
    );
}

/** The units in conflict that two overlapping grids share; all of them without an overlap. */
export function unitsOf(features: readonly ConflictFeature[], overlap: Overlap | null): ConflictFeature[] {
  if (!overlap) return [...features];
  const { community, layer_a, grid_a, layer_b, grid_b } = overlap;
  return features.filter(({ properties: { community: home, grids } }) =>
    home === community && grids[layer_a] === grid_a && grids[layer_b] === grid_b);
}

/** The first rows of a list, the chosen one among them. */
export function firstRows<T>(list: readonly T[], count: number, isChosen: (one: T) => boolean): T[] {
  const rows = list.slice(0, count);
  const own = list.find(isChosen);
  return own !== undefined && !rows.includes(own) ? [own, ...rows.slice(0, count - 1)] : rows;
}

/** Where a unit's mark stands: the point itself, or a point inside its outline. */
export function markPoint(geometry: Geometry): LonLat {
  if (geometry.type === "Point") return (geometry as Point).coordinates as LonLat;
  return insidePoint(geometry as Polygon | MultiPolygon) as LonLat;
}

export interface LayerForm {
  name: string;
  source: "file" | "today";
  weight: number;
  field: string;
}
export function isWeight(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0 && value <= 1000;
}
/** The query of a layer: the code field only where a file is sent. */
export function layerParams(form: LayerForm): Record<string, string | number> {
  const { source, weight, field } = form;
  return { source, weight, ...(source === "file" && field.trim() ? { field: field.trim() } : {}) };
}

/** What a merge is told: the band of the desk's runs, and whose codes grids keep. */
export function mergeRequest(crosswalk: number, form: RunParameters, codesFrom: string): Record<string, unknown> {
  const { scheme, floor, ceiling, target, keep_compounds, use_barriers, seed } = requestOf(form);
  return {
    crosswalk, floor, ceiling, target, keep_compounds, use_barriers, seed,
    ...(scheme ? { scheme } : {}),
    ...(codesFrom ? { codes_from: codesFrom } : {}),
  };
}

/** What a merged plan's figures tell of the merge; null for any other plan. */
export function outcomeOf(value: Value | undefined): MergeOutcome | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const { crosswalk, moved_households, moved_bound_households, layers } = value;
  if (!Array.isArray(layers)) return null;
  return {
    crosswalk: String(crosswalk),
    moved: Number(moved_households),
    bound: Number(moved_bound_households),
    layers: layers as unknown as MergeOutcome["layers"],
  };
}

/** What can be said of the crosswalk that a plan came from: it may be gone, or have another plan by now. */
export type Origin = "same" | "stale" | "other_plan" | "gone";
export function originOf(crosswalk: Crosswalk | null, planId: number): Origin {
  if (!crosswalk) return "gone";
  if (crosswalk.plan_id !== planId) return "other_plan";
  return crosswalk.is_stale ? "stale" : "same";
}
