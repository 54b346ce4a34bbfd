import { describe, expect, it } from "vitest";
import type { GridFeature } from "./compare";
import { withWorkload } from "./grids";

function grid(code: string): GridFeature {
  const properties = { code, community: "C1", households: 500 };
  return { type: "Feature", geometry: { type: "Polygon", coordinates: [] }, properties };
}

describe("the workload of today's grids", () => {
  it("is that of the grid's own code; a grid nobody weighed has none", () => {
    const weighed = withWorkload([grid("G1"), grid("G2"), grid("G3")], new Map([["G2", 0], ["G1", 612.5], ["G9", 1]]));
    expect(weighed.map(({ properties }) => [properties.code, properties.workload])).toEqual([
      ["G1", 612.5], ["G2", 0], ["G3", undefined],
    ]);
  });
  it("leaves the grids it was given as they are", () => {
    const given = grid("G1");
    withWorkload([given], new Map([["G1", 1]]));
    expect("workload" in given.properties).toBe(false);
  });
});
