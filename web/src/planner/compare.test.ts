import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { bandLabel, bandState, outsideBy } from "./band";
import { type ChangeFeature, comparePlans, type GridFeature, polsbyPopper } from "./compare";

const BAND = { floor: 400, ceiling: 800 };

function square(west: number, side: number): Position[] {
  return [
    [west, 0],
    [west + side, 0],
    [west + side, side],
    [west, side],
    [west, 0],
  ];
}
function grid(code: string, households: number): GridFeature {
  return {
    type: "Feature",
    geometry: { type: "Polygon", coordinates: [square(0, 0.001)] },
    properties: { code, name: `网格${code}`, community: "C", households, compactness: 0.5 },
  };
}
function move(code: string, households: number, from_grid: string | null, to_grid: string): ChangeFeature {
  return {
    type: "Feature",
    geometry: { type: "Point", coordinates: [0, 0] },
    properties: { code, households, from_grid, to_grid },
  };
}

describe("band", () => {
  it("is closed at both ends", () => {
    expect([399, 400, 800, 801].map((n) => bandState(n, BAND))).toEqual(["below", "in", "in", "above"]);
    expect([399, 400, 800, 801].map((n) => outsideBy(n, BAND))).toEqual([1, 0, 0, 1]);
  });
  it("says the state without colour", () => {
    expect([120, 600, 950].map((n) => bandLabel(n, BAND))).toEqual(["▼120", "600", "▲950"]);
  });
});

describe("polsbyPopper", () => {
  it("is π/4 for a square at the equator", () => {
    expect(polsbyPopper({ type: "Polygon", coordinates: [square(0, 0.001)] })).toBeCloseTo(Math.PI / 4, 6);
  });
  it("counts a hole as lost area and added border", () => {
    // side 3 with a hole of side 1: A = 9 - 1 = 8, P = 12 + 4 = 16, 4π·8/256 = π/8
    const coordinates = [square(0, 0.003), square(0.001, 0.001)];
    expect(polsbyPopper({ type: "Polygon", coordinates })).toBeCloseTo(Math.PI / 8, 5);
  });
  it("has no answer for a point", () => {
    expect(polsbyPopper({ type: "Point", coordinates: [0, 0] })).toBeNull();
  });
});

describe("comparePlans", () => {
  // Today A 900 (100 too many), B 300 (100 too few), C 600. The plan moves 150 + 50 from A to B and leaves C alone.
  const before = [grid("A", 900), grid("B", 300), grid("C", 600)];
  const after = [grid("A", 700), grid("B", 500), grid("C", 600)];
  const changes = [move("u1", 150, "A", "B"), move("u2", 50, "A", "B")];
  const comparison = comparePlans(before, after, changes, BAND);

  it("adds up the totals of both sides", () => {
    expect(comparison.before).toEqual({
      grids: 3,
      grids_in_band: 1,
      households: 1800,
      households_outside: 200,
      compactness: 0.5,
    });
    expect(comparison.after).toMatchObject({ grids: 3, grids_in_band: 3, households: 1800, households_outside: 0 });
    expect(comparison.households_moved).toBe(200);
    expect(comparison.units_moved).toBe(2);
  });

  it("has one row a grid, the changed ones first", () => {
    expect(comparison.rows.map((row) => row.code)).toEqual(["A", "B", "C"]);
    expect(comparison.rows[0]).toMatchObject({
      before: { households: 900, state: "above" },
      after: { households: 700, state: "in" },
      units_out: 2,
      households_out: 200,
      units_in: 0,
      households_in: 0,
    });
    expect(comparison.rows[1]).toMatchObject({ units_in: 2, households_in: 200, households_out: 0 });
    expect(comparison.rows[2]).toMatchObject({ units_in: 0, units_out: 0 });
  });

  it("shows a grid that appears and one that is dissolved", () => {
    const split = comparePlans([grid("A", 900)], [grid("N", 900)], [move("u", 900, "A", "N")], BAND);
    const byCode = Object.fromEntries(split.rows.map((row) => [row.code, row]));
    expect(byCode["A"]).toMatchObject({ after: null, households_out: 900 });
    expect(byCode["N"]).toMatchObject({ before: null, households_in: 900 });
  });

  it("takes a unit that was in no grid as new to its grid only", () => {
    const { rows } = comparePlans([], [grid("N", 500)], [move("u", 500, null, "N")], BAND);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ households_in: 500, households_out: 0 });
  });

  it("answers empty sides", () => {
    expect(comparePlans([], [], [], BAND).before).toMatchObject({ grids: 0, compactness: null });
  });
});
