/** Every step of an edit, to be taken back and taken again. */

/** A step: units that change their grid, locks that are turned. Its inverse swaps `from` and `to`. */
export interface Step {
  units: Int32Array;
  from: Int32Array;
  to: Int32Array;
  gridLocks: readonly number[];
  unitLocks: readonly number[];
}

export class History {
  private readonly done: Step[] = [];
  private readonly undone: Step[] = [];

  get steps(): number {
    return this.done.length;
  }
  get canUndo(): boolean {
    return this.done.length > 0;
  }
  get canRedo(): boolean {
    return this.undone.length > 0;
  }
  /** A new step; what was taken back before it is gone. */
  push(step: Step): void {
    this.done.push(step);
    this.undone.length = 0;
  }
  /** The step to take back now. */
  undo(): Step | null {
    return this.pass(this.done, this.undone);
  }
  /** The step to take again now. */
  redo(): Step | null {
    return this.pass(this.undone, this.done);
  }

  private pass(from: Step[], to: Step[]): Step | null {
    const step = from.pop();
    if (!step) return null;
    to.push(step);
    return step;
  }
}
