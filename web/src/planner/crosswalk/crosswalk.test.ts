import { describe, expect, it } from "vitest";
import { defaultParameters } from "../run/parameters";
import {
  firstRows, isWeight, layerParams, markPoint, mergeRequest, originOf, outcomeOf, rankOverlaps, unitsOf,
  type ConflictFeature, type Crosswalk, type Overlap,
} from "./crosswalk";

/** Two layers, four units: U3 is in P1 with Z2, which belong to different ones; P1 goes with Z1 and P2 with Z2. */
function overlap(grid_a: string, grid_b: string, households: number, is_matched: boolean): Overlap {
  return { community: "C1", layer_a: "党建", grid_a, layer_b: "综治", grid_b, units: 1, households, is_matched };
}
function unit(code: string, party: string | null, police: string | null, community = "C1"): ConflictFeature {
  const properties = { code, community, households: 100, grids: { 党建: party, 综治: police } };
  return { type: "Feature", geometry: { type: "Point", coordinates: [115, 30] }, properties };
}

describe("overlaps", () => {
  const rows = [overlap("P1", "Z1", 600, true), overlap("P1", "Z2", 100, false), overlap("P2", "Z1", 300, false)];
  it("lists what disagrees, the most households first", () => {
    expect(rankOverlaps(rows, false).map((one) => one.households)).toEqual([300, 100]);
  });
  it("puts matches last where they are asked for", () => {
    expect(rankOverlaps(rows, true).map((one) => one.households)).toEqual([300, 100, 600]);
  });
});

describe("units of an overlap", () => {
  const features = [unit("U1", "P1", "Z2"), unit("U2", "P2", "Z1"), unit("U3", "P1", "Z2", "C2"), unit("U4", "P1", null)];
  it("are those in both grids of the community", () => {
    expect(unitsOf(features, overlap("P1", "Z2", 100, false)).map((one) => one.properties.code)).toEqual(["U1"]);
    expect(unitsOf(features, null)).toHaveLength(4);
  });
  it("keep the selected one in a short list", () => {
    const codes = (selected: string | null): string[] =>
      firstRows(features, 2, (one) => one.properties.code === selected).map((one) => one.properties.code);
    expect([codes(null), codes("U2"), codes("U4"), codes("U9")]).toEqual([["U1", "U2"], ["U1", "U2"], ["U4", "U1"], ["U1", "U2"]]);
  });
});

describe("a unit's mark", () => {
  it("stands inside its outline", () => {
    expect(markPoint({ type: "Point", coordinates: [1, 2] })).toEqual([1, 2]);
    const [lon, lat] = markPoint({ type: "Polygon", coordinates: [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]] });
    expect(lon > 0 && lon < 2 && lat > 0 && lat < 2).toBe(true);
  });
});

describe("what the server is told", () => {
  it("names the code field of a file only", () => {
    expect(layerParams({ name: "综治", source: "file", weight: 2, field: " 编码 " })).toEqual({ source: "file", weight: 2, field: "编码" });
    expect(layerParams({ name: "综治", source: "file", weight: 2, field: " " })).toEqual({ source: "file", weight: 2 });
    expect(layerParams({ name: "现行", source: "today", weight: 1, field: "编码" })).toEqual({ source: "today", weight: 1 });
  });
  it("holds weights above 0 up to 1000", () => {
    expect([0, -1, 0.5, 1000, 1001, NaN, ""].map(isWeight)).toEqual([false, false, true, true, false, false, false]);
  });
  it("says a merge without what only a rebalance takes", () => {
    expect(mergeRequest(7, defaultParameters(), "")).toEqual({
      crosswalk: 7, floor: 400, ceiling: 800, target: 600, keep_compounds: true, use_barriers: true, seed: 0,
    });
    expect(mergeRequest(7, { ...defaultParameters(), scheme: "s" }, "综治")).toMatchObject({ scheme: "s", codes_from: "综治" });
  });
});

describe("the outcome of a merge", () => {
  it("is read from the plan's figures", () => {
    const layers = [{ name: "综治", weight: 3, grids: 2, households: 800, moved_households: 200 }];
    expect(outcomeOf({ crosswalk: 7, moved_households: 600, moved_bound_households: 600, layers })).toEqual({
      crosswalk: "7", moved: 600, bound: 600, layers,
    });
  });
  it("is none for other plans", () => {
    expect([outcomeOf(undefined), outcomeOf(null), outcomeOf([]), outcomeOf({})]).toEqual([null, null, null, null]);
  });
});

describe("the crosswalk a plan came from", () => {
  const made: Crosswalk = {
    id: 7, name: "两网", within: "C1", plan_id: 3, is_stale: false, created_by: null, created_at: "2026-05-01T00:00:00Z", layers: [],
  };
  it("has the table of codes of its own plan only", () => {
    expect(originOf(made, 3)).toBe("same");
    expect(originOf({ ...made, is_stale: true }, 3)).toBe("stale");
    expect(originOf(made, 4)).toBe("other_plan");
    expect(originOf({ ...made, plan_id: null }, 3)).toBe("other_plan");
    expect(originOf(null, 3)).toBe("gone");
  });
});
