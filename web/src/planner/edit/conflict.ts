/** Two planners saved the same draft: put my moves onto their version. */
import { EditModel } from "./model";
import type { Workbench } from "./payload";

export interface ConflictRow {
  unit: string;
  mine: string;
  theirs: string;
}
/** What the server says when the version is old. */
export interface Conflict {
  theirs: { version: number; by: string | null; at: string };
  conflicts: ConflictRow[];
}
export interface Move {
  unit: string;
  grid: string;
}
export type Choice = "mine" | "theirs";

export interface Rebased {
  model: EditModel;
  /** Moves of units or into grids that the new version does not know. */
  dropped: Move[];
}

/** A new model on the newer version with my moves on top, except units for which theirs is chosen. */
export function rebase(newer: Workbench, mine: EditModel, choiceOf: (unit: string) => Choice): Rebased {
  const model = new EditModel(newer);
  const at = new Map(newer.units.code.map((code, unit) => [code, unit]));
  const [units, grids, dropped]: [number[], number[], Move[]] = [[], [], []];
  for (const move of mine.unsavedMoves()) {
    if (choiceOf(move.unit) === "theirs") continue;
    const unit = at.get(move.unit);
    const known = mine.grids[mine.gridAt(move.grid)!]!;
    const community = newer.communities.indexOf(mine.payload.communities[known.community]!);
    if (unit === undefined || model.community[unit] !== community) dropped.push(move);
    else {
      units.push(unit);
      grids.push(model.ensureGrid(move.grid, community));
    }
  }
  model.reassign(units, grids);
  const locks = mine.locks();
  const wanted = new Set(locks.units);
  const lockedGrids = new Set(locks.grids);
  model.toggleLocks({
    units: newer.units.code.flatMap((code, unit) => (wanted.has(code) && !model.unitLocked[unit] ? [unit] : [])),
    grids: [...model.grids.keys()].filter((grid) => lockedGrids.has(model.grids[grid]!.code) && !model.gridLocked[grid]),
  });
  return { model, dropped };
}
