import { describe, expect, it } from "vitest";
import type { Job } from "../../shared/types";
import { axisOf, findFront, frontOf } from "./front";

function job(id: string, within: string, result: Job["result"], status: Job["status"] = "succeeded"): Job {
  return {
    id, within, status, result, kind: "rebalance", progress_ratio: 1, message: null, parameters: {},
    created_at: "2026-11-22T00:00:00Z", started_at: null, finished_at: null,
  };
}
const FRONT = [
  { plan_id: 12, shape: 1, moved_households: 200, mean_compactness: 0.63, grids_in_band: 10, households_in_band_ratio: 1 },
  { plan_id: 11, shape: 0, moved_households: 44, mean_compactness: 0.38, grids_in_band: 10, households_in_band_ratio: 1 },
];
const RUN = job("a", "C1", { front: FRONT, metrics: { households: 1000 } });

describe("the front", () => {
  it("starts with least change and knows the share that moves", () => {
    expect(frontOf(RUN).map((point) => [point.plan_id, point.moved_ratio])).toEqual([["11", 0.044], ["12", 0.2]]);
  });
  it("is empty for a run with one plan", () => {
    expect(frontOf(job("b", "C1", { plan_id: 3 }))).toEqual([]);
    expect(frontOf(job("b", "C1", null))).toEqual([]);
  });
  it("is found by one of its plans or by its area", () => {
    const jobs = [job("x", "C1", { front: FRONT }, "running"), job("b", "C2", { plan_id: 3 }), RUN];
    expect(findFront(jobs, { plan: "12" })).toHaveLength(2);
    expect(findFront(jobs, { within: "C1" })).toHaveLength(2);
    expect(findFront(jobs, { within: "C2" })).toEqual([]);
    expect(findFront(jobs, { plan: "3" })).toEqual([]);
  });
});

describe("an axis", () => {
  it("has round ends around its values", () => {
    expect(axisOf([0.044, 0.2])).toEqual({ from: 0, to: 0.2, ticks: [0, 0.05, 0.1, 0.15, 0.2] });
    expect(axisOf([0.38, 0.63])).toEqual({ from: 0.3, to: 0.7, ticks: [0.3, 0.4, 0.5, 0.6, 0.7] });
  });
  it("stands one value and none that differ", () => {
    expect(axisOf([0.5]).to).toBeGreaterThan(0.5 - 1e-9);
    expect(axisOf([0, 0]).ticks.length).toBeGreaterThan(1);
  });
});
