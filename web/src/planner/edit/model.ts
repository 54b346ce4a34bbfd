/** A plan while it is edited by hand: who is in which grid, what that makes of the grids, and every step back. */
import { outsideBy } from "../band";
import { nextCode } from "./codes";
import { buildGraph, type Graph } from "./graph";
import { History, type Step } from "./history";
import { measureLots, type LotSizes } from "./measure";
import type { PlanLocks, Workbench } from "./payload";
import { Tally, type GridTotals } from "./tally";

export interface GridInfo {
  code: string;
  /** Position of its community in the payload. */
  community: number;
  name: string;
  isNew: boolean;
}

export interface PlanTotals {
  grids: number;
  grids_in_band: number;
  households: number;
  households_outside: number;
  moved_households: number;
  moved_units: number;
  disconnected: number;
  split_compounds: number;
  unassigned: number;
  compactness: number | null;
}

/** What a step touched, for those who draw it. */
export interface Delta {
  units: ArrayLike<number>;
  grids: number[];
}

export type Refusal = "nothing" | "locked" | "other_community";
export type Outcome = { ok: true; delta: Delta; skipped: number } | { ok: false; reason: Refusal };

const NONE: readonly number[] = [];
const EMPTY = new Int32Array(0);

export class EditModel {
  readonly size: number;
  readonly graph: Graph;
  readonly sizes: LotSizes;
  readonly band: { floor: number; ceiling: number; target: number };
  readonly households: Float64Array;
  readonly workload: Float64Array;
  readonly community: Int32Array;
  readonly compound: Int32Array;
  /** Grid of every unit; -1 without one. */
  readonly grid: Int32Array;
  /** The grid that goes on as today's of each unit; -1 without one today, -2 when none goes on as it. */
  readonly today: Int32Array;
  readonly grids: GridInfo[] = [];
  readonly totals: GridTotals[];
  readonly unitLocked: Uint8Array;
  readonly gridLocked: boolean[] = [];
  /** Units that hang apart from the main piece of their grid. */
  readonly isStray: Uint8Array;

  private readonly compoundMembers: number[][];
  private readonly gridByCode = new Map<string, number>();
  private readonly tally: Tally;
  private readonly history = new History();
  private saved: Int32Array;
  private savedLocks: string;

  constructor(readonly payload: Workbench) {
    const { units, pairs, band } = payload;
    this.size = units.code.length;
    this.band = band;
    this.households = Float64Array.from(units.households);
    this.workload = Float64Array.from(units.workload);
    this.community = Int32Array.from(units.community);
    this.compound = Int32Array.from(units.compound);
    this.compoundMembers = payload.compounds.map(() => []);
    this.compound.forEach((compound, unit) => this.compoundMembers[compound]?.push(unit));
    this.graph = buildGraph(this.size, pairs);
    this.sizes = measureLots(units.lot);
    const { graph, sizes, households, workload, compound, compoundMembers } = this;
    this.tally = new Tally({ graph, sizes, households, workload, compound, compoundMembers });
    ({ grid: this.grid, totals: this.totals, isStray: this.isStray } = this.tally);
    this.unitLocked = new Uint8Array(this.size);
    const communityAt = new Map(payload.communities.map((code, index) => [code, index]));
    for (const { code, community, name } of payload.grids) {
      this.addGrid({ code, community: communityAt.get(community) ?? -1, name: name ?? "", isNew: false });
    }
    const heirs = new Map(Object.entries(payload.successor_of).map(([code, old]) => [old, code]));
    const heirOf = (code: string): string | undefined => (heirs.size ? heirs.get(code) : code);
    const todayAt = payload.today.map((code) => this.gridByCode.get(heirOf(code) ?? "") ?? -2);
    this.today = Int32Array.from(units.today, (index) => (index < 0 ? -1 : todayAt[index]!));
    const lockedUnits = new Set(payload.locks.units);
    units.code.forEach((code, unit) => (this.unitLocked[unit] = Number(lockedUnits.has(code))));
    for (const code of payload.locks.grids) {
      const grid = this.gridByCode.get(code);
      if (grid !== undefined) this.gridLocked[grid] = true;
    }
    this.tally.write(Int32Array.from({ length: this.size }, (_, unit) => unit), Int32Array.from(units.grid));
    this.saved = this.grid.slice();
    this.savedLocks = JSON.stringify(this.locks());
  }

  // ------------------------------------------------------------------ reading

  unitsOf(grid: number): number[] {
    return this.tally.unitsOf(grid);
  }
  /** (lon, lat) of a unit's building. */
  pointOf(unit: number): [number, number] {
    const { lon, lat } = this.payload.units;
    return [lon[unit]!, lat[unit]!];
  }
  /** The whole compound of a unit; the unit alone when it is in none. */
  compoundOf(unit: number): number[] {
    return this.compoundMembers[this.compound[unit]!] ?? [unit];
  }
  isMoved(unit: number): boolean {
    return this.today[unit] !== -1 && this.today[unit] !== this.grid[unit];
  }
  isLocked(unit: number): boolean {
    return this.unitLocked[unit] === 1 || this.gridLocked[this.grid[unit]!] === true;
  }
  /** Positions of the grids that have units. */
  liveGrids(): number[] {
    return this.grids.flatMap((_, grid) => (this.totals[grid]!.units > 0 ? [grid] : []));
  }
  compactnessOf(grid: number): number | null {
    return this.tally.compactnessOf(grid);
  }
  gridAt(code: string): number | null {
    return this.gridByCode.get(code) ?? null;
  }

  planTotals(): PlanTotals {
    const out: PlanTotals = {
      grids: 0,
      grids_in_band: 0,
      households: 0,
      households_outside: 0,
      moved_households: 0,
      moved_units: 0,
      disconnected: 0,
      split_compounds: this.tally.splitCompounds,
      unassigned: 0,
      compactness: null,
    };
    let shape = 0;
    for (const grid of this.liveGrids()) {
      const { households, pieces } = this.totals[grid]!;
      const off = outsideBy(households, this.band);
      out.grids++;
      out.grids_in_band += Number(off === 0);
      out.households_outside += off;
      out.disconnected += Number(pieces > 1);
      shape += this.compactnessOf(grid) ?? 0;
    }
    if (out.grids > 0) out.compactness = shape / out.grids;
    for (let unit = 0; unit < this.size; unit++) {
      out.households += this.households[unit]!;
      out.unassigned += Number(this.grid[unit] === -1);
      if (this.isMoved(unit)) {
        out.moved_units++;
        out.moved_households += this.households[unit]!;
      }
    }
    return out;
  }

  /** Grids of the same community that touch the units, the longest common border first. */
  targetsOf(units: readonly number[]): number[] {
    const inside = new Set(units);
    const border = new Map<number, number>();
    const { start, near, border_m, links } = this.graph;
    for (const unit of units) {
      for (let i = start[unit]!; i < start[unit + 1]!; i++) {
        const other = near[i]!;
        const grid = this.grid[other]!;
        if (grid < 0 || inside.has(other) || this.community[other] !== this.community[unit]) continue;
        if (units.every((one) => this.grid[one] === grid)) continue;
        border.set(grid, (border.get(grid) ?? 0) + (links[i] ? Math.max(border_m[i]!, 0.1) : 0));
      }
    }
    return [...border].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([grid]) => grid);
  }

  /** What a move would make of the grids it touches, without making it. */
  preview(units: readonly number[], target: number): { households: number; disconnects: boolean } {
    const chosen = this.movable(units, target);
    const gain = chosen.reduce((sum, unit) => sum + (this.grid[unit] === target ? 0 : this.households[unit]!), 0);
    const disconnects = this.tally.wouldDisconnect(chosen, target);
    return { households: this.totals[target]!.households + gain, disconnects };
  }

  locks(): PlanLocks {
    return {
      grids: this.grids.filter((_, grid) => this.gridLocked[grid]).map((grid) => grid.code).sort(),
      units: this.payload.units.code.filter((_, unit) => this.unitLocked[unit]).sort(),
    };
  }

  // ------------------------------------------------------------------ editing

  /** Move units into a grid of their community; locked units stay, units of other communities are left out. */
  move(units: readonly number[], target: number): Outcome {
    if (this.gridLocked[target]) return { ok: false, reason: "locked" };
    const asked = units.filter((unit) => this.grid[unit] !== target);
    if (asked.length === 0) return { ok: false, reason: "nothing" };
    const chosen = this.movable(asked, target);
    if (chosen.length === 0) {
      const isElsewhere = asked.every((unit) => this.community[unit] !== this.grids[target]!.community);
      return { ok: false, reason: isElsewhere ? "other_community" : "locked" };
    }
    return { ok: true, delta: this.commit(chosen, target), skipped: asked.length - chosen.length };
  }

  /** Put all units of the grids into one of them. */
  merge(grids: readonly number[], into: number): Outcome {
    const gone = grids.filter((grid) => grid !== into);
    if ([into, ...gone].some((grid) => this.gridLocked[grid])) return { ok: false, reason: "locked" };
    if (gone.some((grid) => this.grids[grid]!.community !== this.grids[into]!.community)) {
      return { ok: false, reason: "other_community" };
    }
    return this.move(gone.flatMap((grid) => this.unitsOf(grid)), into);
  }

  /** Make a new grid of the units; they must lie in one community. */
  split(units: readonly number[]): Outcome {
    const free = units.filter((unit) => !this.isLocked(unit));
    if (free.length === 0) return { ok: false, reason: units.length ? "locked" : "nothing" };
    const community = this.community[free[0]!]!;
    if (free.some((unit) => this.community[unit] !== community)) return { ok: false, reason: "other_community" };
    const source = this.grid[free[0]!]!;
    const isWhole = source >= 0 && free.length === this.totals[source]!.units && free.every((u) => this.grid[u] === source);
    if (isWhole) return { ok: false, reason: "nothing" };
    const grid = this.addGrid({ code: nextCode(this.payload.communities[community] ?? "", this.takenCodes()), community, name: "", isNew: true });
    return { ok: true, delta: this.commit(free, grid), skipped: units.length - free.length };
  }

  /** Lock or unlock grids and units: all become locked unless all are. */
  toggleLocks({ grids = NONE, units = NONE }: { grids?: readonly number[]; units?: readonly number[] }): Outcome {
    const areAll = grids.every((grid) => this.gridLocked[grid]) && units.every((unit) => this.unitLocked[unit]);
    const turn = <T>(list: readonly T[], isOn: (one: T) => boolean): T[] => list.filter((one) => isOn(one) === areAll);
    const gridLocks = turn(grids, (grid) => this.gridLocked[grid] === true);
    const unitLocks = turn(units, (unit) => this.unitLocked[unit] === 1);
    if (gridLocks.length + unitLocks.length === 0) return { ok: false, reason: "nothing" };
    return { ok: true, delta: this.push({ units: EMPTY, from: EMPTY, to: EMPTY, gridLocks, unitLocks }), skipped: 0 };
  }

  /** Move every unit to a grid of its own choosing in one step (moves of another version of the plan, for instance). */
  reassign(units: readonly number[], to: readonly number[]): Outcome {
    const picks = units.flatMap((unit, i) => (this.grid[unit] === to[i] ? [] : [[unit, to[i]!] as const]));
    if (picks.length === 0) return { ok: false, reason: "nothing" };
    const step = this.stepOf(picks.map(([unit]) => unit), picks.map(([, grid]) => grid));
    return { ok: true, delta: this.push(step), skipped: 0 };
  }

  /** A grid with this code, made when there is none. */
  ensureGrid(code: string, community: number): number {
    return this.gridByCode.get(code) ?? this.addGrid({ code, community, name: "", isNew: true });
  }

  // ------------------------------------------------------------------ history

  get canUndo(): boolean {
    return this.history.canUndo;
  }
  get canRedo(): boolean {
    return this.history.canRedo;
  }
  get steps(): number {
    return this.history.steps;
  }
  undo(): Delta | null {
    const step = this.history.undo();
    return step && this.run(step, "back");
  }
  redo(): Delta | null {
    const step = this.history.redo();
    return step && this.run(step, "forth");
  }

  // ------------------------------------------------------------------ saving

  get isDirty(): boolean {
    return this.grid.some((grid, unit) => grid !== this.saved[unit]) || JSON.stringify(this.locks()) !== this.savedLocks;
  }
  /** Units whose grid differs from what the server has, with the code of their grid. */
  unsavedMoves(): { unit: string; grid: string }[] {
    const { code } = this.payload.units;
    return code.flatMap((unit, i) => {
      const grid = this.grid[i]!;
      return grid === this.saved[i] || grid < 0 ? [] : [{ unit, grid: this.grids[grid]!.code }];
    });
  }
  /** The server has what is shown now; the steps stay, so that undo goes on behind a save. */
  markSaved(): void {
    this.saved = this.grid.slice();
    this.savedLocks = JSON.stringify(this.locks());
  }

  // ------------------------------------------------------------------ inside

  private movable(units: readonly number[], target: number): number[] {
    const { community } = this.grids[target]!;
    return units.filter((unit) => !this.isLocked(unit) && this.community[unit] === community);
  }

  private addGrid(info: GridInfo): number {
    const index = this.grids.push(info) - 1;
    this.gridByCode.set(info.code, index);
    this.gridLocked.push(false);
    this.tally.addGrid();
    return index;
  }

  /** Codes that ever were in use, and those of this plan. */
  private takenCodes(): string[] {
    return [...this.gridByCode.keys(), ...this.payload.today, ...this.payload.retired];
  }

  private stepOf(units: readonly number[], to: readonly number[]): Step {
    const chosen = Int32Array.from(units);
    const from = chosen.map((unit) => this.grid[unit]!);
    return { units: chosen, from, to: Int32Array.from(to), gridLocks: NONE, unitLocks: NONE };
  }
  private commit(units: readonly number[], target: number): Delta {
    return this.push(this.stepOf(units, units.map(() => target)));
  }
  private push(step: Step): Delta {
    this.history.push(step);
    return this.run(step, "forth");
  }
  private run(step: Step, direction: "forth" | "back"): Delta {
    for (const grid of step.gridLocks) this.gridLocked[grid] = !this.gridLocked[grid];
    for (const unit of step.unitLocks) this.unitLocked[unit]! ^= 1;
    const grids = this.tally.write(step.units, direction === "forth" ? step.to : step.from);
    const units = step.unitLocks.length ? [...step.units, ...step.unitLocks] : step.units;
    return { units, grids: [...new Set([...grids, ...step.gridLocks])] };
  }
}
