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

/** Add to today's grids what each weighs, where the scheme in use weighs more than households. */
export async function weigh(grids: GridFeature[], within: string, signal?: AbortSignal): Promise<GridFeature[]> {
  const found = await get<{ is_weighed: boolean; grids: { grid: string; workload: number }[] }>("/api/workload", { within }, signal);
  return found.is_weighed ? withWorkload(grids, new Map(found.grids.map((one) => [one.grid, one.workload]))) : grids;
}
export function withWorkload(grids: GridFeature[], workloads: ReadonlyMap<string, number>): GridFeature[] {
  return grids.map((grid) => {
    const workload = workloads.get(grid.properties.code);
    return workload === undefined ? grid : { ...grid, properties: { ...grid.properties, workload } };
  });
}

/** The grids in force on a day. */
export async function loadGridsOf(day: string, within: string, signal?: AbortSignal): Promise<GridFeature[]> {
  const page = await get<Collection<GridProperties>>("/api/grids", { as_of: day, within }, signal);
  return page.features as unknown as GridFeature[];
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

/** Units that change their grid against another plan; against today's grids without one. */
export async function loadPlanChanges(plan: string, against: string | null = null): Promise<ChangeFeature[]> {
  const page = await get<Collection<PlanChangeProperties>>(`/api/plans/${plan}/changes`, { against });
  return page.features as unknown as ChangeFeature[];
}

/** Why a grid changes, what binds it and whom it concerns. */
export interface GridReason {
  code: string;
  sentence: string;
  sentence_en: string;
  binding: string | null;
  households_in: number;
  households_out: number;
  units: number;
  /** Workers whose round changes. */
  workers: number;
}

export async function loadReasons(plan: string): Promise<GridReason[]> {
  return (await get<{ grids: GridReason[] }>(`/api/plans/${plan}/reasons`)).grids;
}
