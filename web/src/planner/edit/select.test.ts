import { describe, expect, it } from "vitest";
import { findBorders } from "./borders";
import { rebase } from "./conflict";
import { EditModel } from "./model";
import { cutByLine, sideOf, unitsInside, withCompounds } from "./select";
import { drawTown } from "./town";

// Columns 114.000-114.004, rows 0-0.002; unit 4 lies above unit 0.
const HALVES = { columns: 4, rows: 2, grid: [0, 0, 1, 1, 0, 0, 1, 1] };
const S = 0.001;
const at = (x: number, y: number): [number, number] => [114 + x * S, y * S];

describe("a drawn shape", () => {
  it("means the units whose inside point it holds", () => {
    const model = new EditModel(drawTown(HALVES));
    const box = [at(0.4, 0.1), at(2.2, 0.1), at(2.2, 0.9), at(0.4, 0.9), at(0.4, 0.1)];
    expect(unitsInside(model, { type: "Polygon", coordinates: [box] })).toEqual([0, 1]);
  });
  it("can take in whole compounds", () => {
    const model = new EditModel(drawTown({ ...HALVES, compound: [0, -1, -1, -1, 0, -1, -1, -1] }));
    expect(withCompounds(model, [0, 1])).toEqual([0, 4, 1]);
  });
});

describe("a line", () => {
  it("has a left and a right, and goes on behind its ends", () => {
    const line = [at(1, 0), at(1, 1)];
    expect([at(0, 0.5), at(2, 0.5), at(0, 7), at(2, -7)].map((point) => sideOf(point, line))).toEqual([1, -1, 1, -1]);
  });
  it("takes the stretch that the point faces at a corner", () => {
    // From the east to the corner (0, 0), then north: a point south-west of the corner is right of both.
    const line = [at(2, 0), at(0, 0), at(0, 2)];
    expect(sideOf(at(-1, -0.5), line)).toBe(sideOf(at(-0.5, -1), line));
    expect(sideOf(at(1, 1), line)).toBe(-sideOf(at(-1, -1), line));
  });
  it("cuts the grid it divides; the smaller side leaves", () => {
    const model = new EditModel(drawTown({ ...HALVES, households: [10, 100, 100, 100, 10, 100, 100, 100] }));
    expect(cutByLine(model, [at(1, -0.5), at(1, 2.5)], null)).toEqual({ grid: 0, units: [0, 4] });
  });
  it("keeps to the grid that is asked for, and says when it divides nothing", () => {
    const model = new EditModel(drawTown(HALVES));
    expect(cutByLine(model, [at(-1, 1), at(5, 1)], 1)).toMatchObject({ grid: 1 });
    expect(cutByLine(model, [at(2, -1), at(2, 3)], 0)).toBeNull();
  });
});

describe("borders between lots", () => {
  const town = drawTown(HALVES);
  const borders = findBorders(town.units.lot);

  it("are one for each touching pair and one for each lot's outside", () => {
    // 4 x 2 lots: 3·2 + 4 = 10 pairs; every lot has an outer side.
    expect(borders.b.filter((other) => other >= 0)).toHaveLength(town.pairs.a.length);
    expect(borders.b.filter((other) => other < 0)).toHaveLength(8);
  });
  it("lie where the lots touch", () => {
    const id = [...borders.a.keys()].find((one) => borders.a[one] === 0 && borders.b[one] === 1)!;
    const xs = borders.features[id]!.geometry.coordinates.flat().map((point) => point[0]);
    expect(new Set(xs)).toEqual(new Set([114.001]));
    expect(borders.ofUnit[0]).toContain(id);
    expect(borders.ofUnit[1]).toContain(id);
  });
  it("run in one line round an outer corner", () => {
    const id = [...borders.a.keys()].find((one) => borders.a[one] === 3 && borders.b[one] === -1)!;
    const points = borders.features[id]!.geometry.coordinates.reduce((sum, line) => sum + line.length - 1, 0);
    expect(points).toBe(2);
  });
});

describe("putting my moves on their version", () => {
  const mine = new EditModel(drawTown(HALVES));
  mine.move([2], 0);
  mine.move([6], 0);
  mine.toggleLocks({ units: [7] });
  const theirs = { ...drawTown({ ...HALVES, grid: [0, 1, 1, 1, 0, 0, 1, 1], today: HALVES.grid }), version: 2 };

  it("keeps what they did and adds what I did", () => {
    const { model, dropped } = rebase(theirs, mine, () => "mine");
    expect([...model.grid]).toEqual([0, 1, 0, 1, 0, 0, 0, 1]);
    expect(model.unsavedMoves()).toHaveLength(2);
    expect(model.locks().units).toEqual(["u7"]);
    expect(dropped).toEqual([]);
  });
  it("leaves out the units for which theirs is taken", () => {
    const { model } = rebase(theirs, mine, (unit) => (unit === "u2" ? "theirs" : "mine"));
    expect([...model.grid]).toEqual([0, 1, 1, 1, 0, 0, 0, 1]);
  });
  it("makes the grid that I made", () => {
    const split = new EditModel(drawTown(HALVES));
    split.split([0, 4]);
    const { model } = rebase(theirs, split, () => "mine");
    expect(model.grids[model.grid[0]!]!.code).toBe("C0-003");
  });
  it("names what is not there any more", () => {
    const without = drawTown({ columns: 2, rows: 1, grid: [0, 1] });
    const { dropped } = rebase(without, mine, () => "mine");
    expect(dropped.map((move) => move.unit)).toEqual(["u2", "u6"]);
  });
});
