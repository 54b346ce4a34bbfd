import { describe, expect, it } from "vitest";
import { outsideBy } from "../band";
import { EditModel } from "./model";
import { drawTown, seeded, SIDE_M } from "./town";

// Two rows of four lots, 100 households each: grid 0 on the left, grid 1 on the right.
//   4 5 | 6 7
//   0 1 | 2 3
const HALVES = { columns: 4, rows: 2, grid: [0, 0, 1, 1, 0, 0, 1, 1] };

describe("moving", () => {
  it("brings households, band and moved households up to date", () => {
    const model = new EditModel(drawTown(HALVES));
    expect(model.planTotals()).toMatchObject({ grids: 2, grids_in_band: 2, moved_households: 0, households_outside: 0 });
    expect(model.move([2], 0)).toMatchObject({ ok: true, skipped: 0 });
    expect(model.totals.map((totals) => totals.households)).toEqual([500, 300]);
    expect(model.planTotals()).toMatchObject({ grids_in_band: 1, households_outside: 100, moved_households: 100, moved_units: 1 });
  });
  it("measures shape from lots and common borders", () => {
    // 2 x 2 lots make a square: π/4. 3 + 2 lots: area 5, perimeter 10 sides: 4π·5/100.
    const model = new EditModel(drawTown(HALVES));
    expect(model.compactnessOf(0)).toBeCloseTo(Math.PI / 4, 3);
    model.move([2], 0);
    expect(model.compactnessOf(0)).toBeCloseTo(Math.PI / 5, 3);
  });
  it("finds the piece that hangs apart", () => {
    const model = new EditModel(drawTown(HALVES));
    model.move([3], 0);
    expect(model.totals.map((totals) => totals.pieces)).toEqual([2, 1]);
    expect([...model.isStray]).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
    expect(model.planTotals().disconnected).toBe(1);
    model.move([2], 0);
    expect(model.totals[0]!.pieces).toBe(1);
    expect([...model.isStray]).not.toContain(1);
  });
  it("counts what a barrier separates as apart, and as crossings", () => {
    const model = new EditModel(drawTown({ columns: 3, rows: 1, grid: [0, 0, 1], cuts: ["1-2"] }));
    model.move([2], 0);
    expect(model.totals[0]).toMatchObject({ pieces: 2, crossings: 1 });
  });
  it("counts compounds in more than one grid", () => {
    const model = new EditModel(drawTown({ ...HALVES, compound: [0, 0, -1, -1, 0, -1, -1, -1] }));
    expect(model.planTotals().split_compounds).toBe(0);
    expect(model.compoundOf(4)).toEqual([0, 1, 4]);
    expect(model.compoundOf(7)).toEqual([7]);
    model.move([1], 1);
    expect(model.planTotals().split_compounds).toBe(1);
  });
  it("refuses other communities, locked grids and what is there already", () => {
    const model = new EditModel(drawTown({ ...HALVES, communityOfGrid: [0, 1] }));
    expect(model.move([0], 1)).toEqual({ ok: false, reason: "other_community" });
    expect(model.move([0], 0)).toEqual({ ok: false, reason: "nothing" });
    model.toggleLocks({ grids: [0] });
    expect(model.move([2], 0)).toEqual({ ok: false, reason: "locked" });
  });
  it("leaves locked units where they are and says how many", () => {
    const model = new EditModel(drawTown(HALVES));
    model.toggleLocks({ units: [0] });
    expect(model.move([0, 1], 1)).toMatchObject({ ok: true, skipped: 1 });
    expect([model.grid[0], model.grid[1]]).toEqual([0, 1]);
    expect(model.locks()).toEqual({ grids: [], units: ["u0"] });
  });
});

describe("merge and split", () => {
  it("merges into one grid and back", () => {
    const model = new EditModel(drawTown(HALVES));
    model.merge([0, 1], 1);
    expect(model.liveGrids()).toEqual([1]);
    expect(model.totals[1]).toMatchObject({ units: 8, households: 800, pieces: 1 });
    model.undo();
    expect(model.liveGrids()).toEqual([0, 1]);
  });
  it("makes a new grid with the next number of the community", () => {
    const model = new EditModel(drawTown(HALVES));
    expect(model.split([0, 4])).toMatchObject({ ok: true });
    expect(model.grids[2]).toMatchObject({ code: "C0-003", isNew: true });
    expect(model.totals.map((totals) => totals.households)).toEqual([200, 400, 200]);
    expect(model.unsavedMoves()).toEqual([
      { unit: "u0", grid: "C0-003" },
      { unit: "u4", grid: "C0-003" },
    ]);
  });
  it("gives no code that was in use before, and numbers official communities without a hyphen", () => {
    const town = drawTown(HALVES);
    const renamed = { ...town, communities: ["420204001001"], grids: town.grids.map((grid) => ({ ...grid, community: "420204001001" })) };
    const model = new EditModel({ ...renamed, retired: ["420204001001006"] });
    model.split([0]);
    expect(model.grids.at(-1)!.code).toBe("420204001001007");
  });
  it("does not make a new grid of a whole one", () => {
    expect(new EditModel(drawTown(HALVES)).split([0, 1, 4, 5])).toEqual({ ok: false, reason: "nothing" });
  });
});

describe("a redrawn plan", () => {
  it("counts as moved what is not in the grid that goes on as today's", () => {
    const town = drawTown(HALVES);
    const grids = [{ code: "N1", community: "C0", name: null }, { code: "N2", community: "C0", name: null }];
    const same = new EditModel({ ...town, grids, successor_of: { N1: "C0-001", N2: "C0-002" } });
    expect(same.planTotals().moved_units).toBe(0);
    const swapped = new EditModel({ ...town, grids, successor_of: { N2: "C0-001" } });
    expect(swapped.planTotals().moved_units).toBe(8);
  });
});

describe("looking ahead", () => {
  it("offers the touching grids and what the move would make of them", () => {
    const model = new EditModel(drawTown({ columns: 5, rows: 1, grid: [0, 0, 1, 1, 2] }));
    expect(model.targetsOf([1])).toEqual([1]);
    expect(model.targetsOf([2, 3])).toEqual([0, 2]);
    expect(model.preview([1], 1)).toEqual({ households: 300, disconnects: false });
    expect(model.preview([0], 1)).toEqual({ households: 300, disconnects: true });
    expect([...model.grid]).toEqual([0, 0, 1, 1, 2]);
  });
});

describe("saving", () => {
  it("knows what the server has", () => {
    const model = new EditModel(drawTown(HALVES));
    expect(model.isDirty).toBe(false);
    model.move([2], 0);
    expect(model.isDirty).toBe(true);
    model.markSaved();
    expect(model.isDirty).toBe(false);
    model.undo();
    expect(model.unsavedMoves()).toEqual([{ unit: "u2", grid: "C0-002" }]);
  });
});

describe.each(Array.from({ length: 40 }, (_, seed) => seed))("any town and any edits, seed %i", (seed) => {
  const random = seeded(seed);
  const columns = 2 + random(6);
  const rows = 1 + random(5);
  const size = columns * rows;
  const count = 1 + random(4);
  const town = drawTown({
    columns,
    rows,
    grid: Array.from({ length: size }, () => random(count)),
    households: Array.from({ length: size }, () => random(300)),
    compound: Array.from({ length: size }, () => random(4) - 1),
    cuts: Array.from({ length: size }, (_, unit) => `${unit}-${unit + 1}`).filter(() => random(4) === 0),
  });
  const model = new EditModel(town);
  const start = snapshot(model);
  const trace = [start];
  for (let i = 0; i < 25; i++) {
    edit();
    if (model.steps === trace.length) trace.push(snapshot(model));
  }

  function edit(): void {
    const some = Array.from({ length: 1 + random(4) }, () => random(size));
    const any = random(model.grids.length);
    const kind = random(6);
    if (kind === 0) model.split(some);
    else if (kind === 1) model.merge([any, random(model.grids.length)], any);
    else if (kind === 2) model.toggleLocks(random(2) ? { units: some.slice(0, 1) } : { grids: [any] });
    else model.move(some, any);
  }

  it("has totals that a fresh count gives", () => {
    for (const grid of model.grids.keys()) {
      const units = [...model.grid.keys()].filter((unit) => model.grid[unit] === grid);
      expect(model.totals[grid]!.units).toBe(units.length);
      expect(model.totals[grid]!.households).toBeCloseTo(units.reduce((sum, unit) => sum + model.households[unit]!, 0));
      expect(model.totals[grid]!.pieces).toBe(countByFlood(model, units));
      const sides = town.pairs.a.filter((a, i) => model.grid[a] === grid && model.grid[town.pairs.b[i]!] === grid);
      const perimeter = units.reduce((sum, unit) => sum + model.sizes.perimeter_m[unit]!, 0) - 2 * SIDE_M * sides.length;
      expect(model.totals[grid]!.perimeter_m).toBeCloseTo(perimeter, 4);
    }
    const totals = model.planTotals();
    const live = model.liveGrids().map((grid) => model.totals[grid]!.households);
    expect(totals.households_outside).toBe(live.reduce((sum, one) => sum + outsideBy(one, model.band), 0));
    expect(totals.households).toBe(town.units.households.reduce((sum, one) => sum + one, 0));
  });
  it("goes back to the start and forth to the end, step by step", () => {
    for (let i = trace.length - 2; i >= 0; i--) {
      model.undo();
      expect(snapshot(model)).toEqual(trace[i]);
    }
    expect(model.undo()).toBeNull();
    for (let i = 1; i < trace.length; i++) {
      model.redo();
      expect(snapshot(model)).toEqual(trace[i]);
    }
    expect(model.redo()).toBeNull();
  });
});

function snapshot(model: EditModel): unknown {
  return {
    grid: [...model.grid],
    stray: [...model.isStray],
    locks: model.locks(),
    totals: model
      .liveGrids()
      .map((grid) => [grid, model.totals[grid]!.households, model.totals[grid]!.pieces, model.totals[grid]!.crossings]),
    split: model.planTotals().split_compounds,
  };
}

function countByFlood(model: EditModel, units: number[]): number {
  const left = new Set(units);
  let pieces = 0;
  for (const first of units) {
    if (!left.delete(first)) continue;
    pieces++;
    const queue = [first];
    for (let unit = queue.pop(); unit !== undefined; unit = queue.pop()) {
      const { a, b, is_cut } = model.payload.pairs;
      a.forEach((one, i) => {
        if (is_cut[i]) return;
        for (const [from, to] of [[one, b[i]!] as const, [b[i]!, one] as const]) {
          if (from === unit && left.delete(to)) queue.push(to);
        }
      });
    }
  }
  return pieces;
}
