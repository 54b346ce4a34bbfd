/** The plan that is open, compared with today's grids or with another plan. */
import { ref, shallowRef } from "vue";
import { get } from "../../shared/api";
import type { Plan } from "../../shared/types";
import { comparePlans, type ChangeFeature, type Comparison, type GridFeature } from "../compare";
import { loadGrids, loadPlanChanges, loadPlanGrids, loadReasons, type GridReason } from "../grids";
import type { CompareView } from "./address";

export interface OpenedPlan {
  plan: Plan;
  /** The plan it is compared with; null: today's grids. */
  against: Plan | null;
  before: GridFeature[];
  after: GridFeature[];
  changes: ChangeFeature[];
  comparison: Comparison;
  reasons: Map<string, GridReason>;
}

/** `named` gives the grids of a plan a name to show. */
export function useOpenedPlan(named: (grids: GridFeature[]) => GridFeature[], fail: (reason: unknown) => void) {
  const opened = shallowRef<OpenedPlan | null>(null);
  const view = ref<CompareView>("side");
  let turn = 0;

  /** Open a plan; the answer is false when it could not be read or another was opened meanwhile. */
  async function open(id: string, against: string | null = null): Promise<boolean> {
    const mine = ++turn;
    try {
      const plan = await get<Plan>(`/api/plans/${id}`);
      const [other, before, after, changes, reasons] = await Promise.all([
        against ? get<Plan>(`/api/plans/${against}`) : null,
        against ? loadPlanGrids(against) : loadGrids(plan.within),
        loadPlanGrids(id),
        loadPlanChanges(id, against),
        against ? [] : loadReasons(id).catch((reason: unknown) => (fail(reason), [])),
      ]);
      if (mine !== turn) return false;
      const { floor, ceiling } = plan.parameters;
      const band = { floor: Number(floor), ceiling: Number(ceiling) };
      opened.value = {
        plan,
        against: other,
        before,
        after,
        changes,
        comparison: comparePlans(named(before), named(after), changes, band),
        reasons: new Map(reasons.map((reason) => [reason.code, reason])),
      };
      return true;
    } catch (reason) {
      fail(reason);
      return false;
    }
  }
  function close(): void {
    turn++;
    opened.value = null;
  }
  function keep(plan: Plan): void {
    if (opened.value) opened.value = { ...opened.value, plan };
  }
  return { opened, view, open, close, keep };
}
