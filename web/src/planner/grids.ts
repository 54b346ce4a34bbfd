/** Reading the grids and the gap verdicts of an area. */
import { get, itemPages } from "../shared/api";
import type { Area, Feature, PlanChangeProperties, PlanGridProperties } from "../shared/types";
import type { ChangeFeature, GridFeature, GridProperties } from "./compare";

/** More than this is no table to work through: the planner chooses a smaller area. */
export const MAX_GRIDS = 3000;
const PAGE = 500;

export async function loadGrids(within: string, signal?: AbortSignal): Promise<GridFeature[]> {
  const grids: GridFeature[] = [];
  for await (const page of itemPages<GridProperties>("grid", { within, limit: PAGE }, signal)) {
    grids.push(...(page as unknown as GridFeature[]));
    if (grids.length > MAX_GRIDS) break;
  }
  return grids;
}

export async function loadAreas(parent: string | null): Promise<Area[]> {
  return (await get<{ areas: Area[] }>("/api/areas", { parent })).areas;
}

interface Collection<P> {
  features: Feature<P>[];
}

export async function loadPlanGrids(plan: string): Promise<GridFeature[]> {
  const page = await get<Collection<PlanGridProperties>>(`/api/plans/${plan}/grids`);
  return page.features as unknown as GridFeature[];
}

export async function loadPlanChanges(plan: string): Promise<ChangeFeature[]> {
  const page = await get<Collection<PlanChangeProperties>>(`/api/plans/${plan}/changes`);
  return page.features as unknown as ChangeFeature[];
}

export type Verdict = "covered" | "gap" | "unknown";

export interface GapProperties {
  code: string;
  facility_kind: string;
  radius_m: number | null;
  households: number;
  verdict: Verdict;
  community: string | null;
}

export async function loadGaps(within: string, facility: string, signal?: AbortSignal): Promise<GapProperties[]> {
  const rows: GapProperties[] = [];
  const params = { within, facility_kind: facility, limit: PAGE };
  for await (const page of itemPages<GapProperties>("service_gap", params, signal)) {
    rows.push(...page.map((feature) => feature.properties));
  }
  return rows;
}
