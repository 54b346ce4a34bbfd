/** Which unit is in which grid, and all that follows from it: sums, shape, pieces, compounds that are split. */
import { UnionFind, type Graph } from "./graph";
import type { LotSizes } from "./measure";

/** What one grid amounts to. */
export interface GridTotals {
  units: number;
  households: number;
  workload: number;
  area_m2: number;
  perimeter_m: number;
  /** Connected pieces. */
  pieces: number;
  /** Neighbours inside the grid that a barrier separates. */
  crossings: number;
}

/** What is known of the units, and never changes while a plan is edited. */
export interface Town {
  graph: Graph;
  sizes: LotSizes;
  households: Float64Array;
  workload: Float64Array;
  /** Compound of every unit; -1 without one. */
  compound: Int32Array;
  /** Units of every compound. */
  compoundMembers: number[][];
}

export class Tally {
  /** Grid of every unit; -1 without one. */
  readonly grid: Int32Array;
  readonly totals: GridTotals[] = [];
  /** Units that hang apart from the main piece of their grid. */
  readonly isStray: Uint8Array;
  private readonly members: Set<number>[] = [];
  private readonly compoundIsSplit: Uint8Array;
  private readonly sets: UnionFind;

  constructor(private readonly town: Town) {
    const size = town.households.length;
    this.grid = new Int32Array(size).fill(-1);
    this.isStray = new Uint8Array(size);
    this.compoundIsSplit = new Uint8Array(town.compoundMembers.length);
    this.sets = new UnionFind(size);
  }

  /** Room for one more grid, without units. */
  addGrid(): void {
    this.members.push(new Set());
    this.totals.push({ units: 0, households: 0, workload: 0, area_m2: 0, perimeter_m: 0, pieces: 0, crossings: 0 });
  }
  unitsOf(grid: number): number[] {
    return [...(this.members[grid] ?? [])];
  }
  compactnessOf(grid: number): number | null {
    const { area_m2, perimeter_m } = this.totals[grid]!;
    return perimeter_m > 0 ? Math.min(1, (4 * Math.PI * area_m2) / perimeter_m ** 2) : null;
  }
  get splitCompounds(): number {
    return this.compoundIsSplit.reduce((sum, split) => sum + split, 0);
  }

  /** Write the grids of units and bring everything that follows from them up to date; gives the grids touched. */
  write(units: Int32Array, to: Int32Array): Set<number> {
    const grids = new Set<number>();
    const compounds = new Set<number>();
    for (let i = 0; i < units.length; i++) {
      const unit = units[i]!;
      const [from, target] = [this.grid[unit]!, to[i]!];
      if (from === target) continue;
      if (from >= 0) this.weigh(unit, from, -1);
      this.grid[unit] = target;
      if (target >= 0) this.weigh(unit, target, 1);
      else this.isStray[unit] = 0;
      for (const grid of [from, target]) if (grid >= 0) grids.add(grid);
      if (this.town.compound[unit]! >= 0) compounds.add(this.town.compound[unit]!);
    }
    for (const grid of grids) this.connect(grid);
    for (const compound of compounds) {
      const [first, ...rest] = this.town.compoundMembers[compound]!;
      this.compoundIsSplit[compound] = Number(rest.some((unit) => this.grid[unit] !== this.grid[first!]));
    }
    return grids;
  }

  /** Whether a move would leave a grid in more pieces than it has; nothing is moved. */
  wouldDisconnect(units: readonly number[], target: number): boolean {
    const before = units.map((unit) => this.grid[unit]!);
    const grids = new Set([target, ...before]);
    const reach = [...new Set([...units, ...[...grids].flatMap((grid) => this.unitsOf(grid))])];
    for (const unit of units) this.grid[unit] = target;
    const disconnects = [...grids].some(
      (grid) =>
        grid >= 0 &&
        this.countPieces(reach.filter((unit) => this.grid[unit] === grid)).count > Math.max(1, this.totals[grid]!.pieces),
    );
    units.forEach((unit, i) => (this.grid[unit] = before[i]!));
    return disconnects;
  }

  /** Add a unit to a grid's totals (`sign` 1) or take it out (-1). */
  private weigh(unit: number, grid: number, sign: 1 | -1): void {
    const totals = this.totals[grid]!;
    if (sign === 1) this.members[grid]!.add(unit);
    else this.members[grid]!.delete(unit);
    totals.units += sign;
    totals.households += sign * this.town.households[unit]!;
    totals.workload += sign * this.town.workload[unit]!;
    totals.area_m2 += sign * this.town.sizes.area_m2[unit]!;
    let shared = 0;
    const { start, near, border_m, isCut } = this.town.graph;
    for (let i = start[unit]!; i < start[unit + 1]!; i++) {
      if (near[i] === unit || this.grid[near[i]!] !== grid) continue;
      shared += border_m[i]!;
      totals.crossings += sign * isCut[i]!;
    }
    totals.perimeter_m += sign * (this.town.sizes.perimeter_m[unit]! - 2 * shared);
  }

  /** Count the pieces of a grid anew and mark the units beside its main piece. */
  private connect(grid: number): void {
    const units = this.unitsOf(grid);
    const { count, roots } = this.countPieces(units);
    this.totals[grid]!.pieces = count;
    if (count < 2) {
      for (const unit of units) this.isStray[unit] = 0;
      return;
    }
    const weight = new Map<number, number>();
    units.forEach((unit, i) => weight.set(roots[i]!, (weight.get(roots[i]!) ?? 0) + 1 + this.town.households[unit]!));
    const [main] = [...weight].reduce((best, one) => (one[1] > best[1] ? one : best));
    units.forEach((unit, i) => (this.isStray[unit] = Number(roots[i] !== main)));
  }

  /** Pieces of a set of units that share a grid, by the pairs of these units only. */
  private countPieces(units: readonly number[]): { count: number; roots: number[] } {
    const { start, near, links } = this.town.graph;
    for (const unit of units) this.sets.reset(unit);
    for (const unit of units) {
      const grid = this.grid[unit];
      for (let i = start[unit]!; i < start[unit + 1]!; i++) {
        if (links[i] && near[i]! > unit && this.grid[near[i]!] === grid) this.sets.union(unit, near[i]!);
      }
    }
    const roots = units.map((unit) => this.sets.find(unit));
    return { count: new Set(roots).size, roots };
  }
}
