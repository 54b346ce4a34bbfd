/** The front of undominated plans: share of households moved against compactness. */
import type { Job, Value } from "../../shared/types";

export interface FrontPoint {
  plan_id: string;
  shape: number;
  moved_households: number;
  mean_compactness: number;
  grids_in_band: number;
  households_in_band_ratio: number;
  /** Share of all households that move, 0-1; null while the total is not known. */
  moved_ratio: number | null;
}

/** The front of a job, least change first; empty when it made none. */
export function frontOf(job: Job): FrontPoint[] {
  const points = job.result?.["front"];
  if (!Array.isArray(points)) return [];
  const households = Number((job.result?.["metrics"] as Record<string, Value> | undefined)?.["households"] ?? 0);
  return points
    .map((value) => {
      const point = value as Record<string, Value>;
      const moved = Number(point["moved_households"] ?? 0);
      return {
        plan_id: String(point["plan_id"]),
        shape: Number(point["shape"] ?? 0),
        moved_households: moved,
        mean_compactness: Number(point["mean_compactness"] ?? 0),
        grids_in_band: Number(point["grids_in_band"] ?? 0),
        households_in_band_ratio: Number(point["households_in_band_ratio"] ?? 0),
        moved_ratio: households > 0 ? moved / households : null,
      };
    })
    .sort((a, b) => a.moved_households - b.moved_households || a.mean_compactness - b.mean_compactness);
}

/** The newest finished run that has a front with the plan in it, or of the area when no plan is given. */
export function findFront(jobs: readonly Job[], of: { plan?: string; within?: string }): FrontPoint[] {
  for (const job of jobs) {
    if (job.status !== "succeeded" || job.kind !== "rebalance") continue;
    const front = frontOf(job);
    const isMeant = of.plan ? front.some((point) => point.plan_id === of.plan) : job.within === of.within;
    if (front.length > 1 && isMeant) return front;
  }
  return [];
}

export interface Axis {
  from: number;
  to: number;
  ticks: number[];
}

/** An axis over the values with round ends and three to six ticks. */
export function axisOf(values: number[]): Axis {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const span = most - least || Math.abs(most) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? power;
  const first = Math.floor(least / step);
  const last = Math.max(Math.ceil(most / step), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return { from: ticks[0]!, to: ticks.at(-1)!, ticks };
}
