import { describe, expect, it } from "vitest";
import { communityRows, gapOf } from "./bounds";

describe("the gap to the proven bound", () => {
  it("is the share above the bound, and none where nothing moves", () => {
    expect(gapOf(100, 98)).toBeCloseTo(0.02);
    expect([gapOf(100, 100), gapOf(0, 0), gapOf(90, 95)]).toEqual([0, 0, 0]);
    expect([gapOf(null, 3), gapOf(3, null)]).toEqual([null, null]);
  });
  it("puts the widest first and the unknown with the optimal", () => {
    const rows = communityRows([
      { community: "A", grids: 3, grids_in_band: 3, moved_households: 50, moved_bound_households: 50 },
      { community: "B", grids: 4, grids_in_band: 3, moved_households: 100, moved_bound_households: 90 },
      { community: "C", grids: 2, grids_in_band: 2, moved_households: 70, moved_bound_households: null },
    ]);
    expect(rows.map((row) => [row.community, row.gap])).toEqual([["B", 0.1], ["C", null], ["A", 0]]);
  });
  it("has no rows without figures", () => {
    expect(communityRows(undefined)).toEqual([]);
  });
});
