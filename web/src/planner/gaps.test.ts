import { describe, expect, it } from "vitest";
import { coveredRatio, gapTotals, rankCommunities } from "./gaps";
import type { GapProperties, Verdict } from "./grids";

function unit(community: string | null, households: number, verdict: Verdict): GapProperties {
  return {
    code: `${community}-${households}`,
    facility_kind: "station",
    radius_m: 300,
    households,
    verdict,
    community,
  };
}

describe("gap totals", () => {
  const rows = [unit("A", 30, "covered"), unit("A", 50, "gap"), unit("B", 80, "gap"), unit("C", 40, "unknown")];

  it("add up households by verdict", () => {
    expect(gapTotals(rows)).toEqual({ covered: 30, gap: 130, unknown: 40 });
  });
  it("never count the unknown as covered", () => {
    // 30 of 30 + 130 + 40 = 200
    expect(coveredRatio(gapTotals(rows))).toBe(0.15);
  });
  it("have no ratio without households", () => {
    expect(coveredRatio(gapTotals([]))).toBeNull();
  });
  it("rank communities by uncovered, then unknown households", () => {
    expect(rankCommunities([...rows, unit("D", 5, "covered")]).map((one) => one.code)).toEqual(["B", "A", "C", "D"]);
  });
  it("keep units outside every community together", () => {
    expect(rankCommunities([unit(null, 1, "gap"), unit(null, 2, "gap")])).toEqual([
      { code: "", totals: { covered: 0, gap: 3, unknown: 0 } },
    ]);
  });
});
