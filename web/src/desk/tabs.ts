/** The lists of a desk: what each asks the server for, and which of the counts is its own. */
import type { Params } from "../shared/api";
import type { IncidentStatus } from "../shared/types";
import type { Counts } from "./types";

export type TabName = "intake" | "dispatch" | "todo" | "handling" | "paused" | "check" | "asked" | "supervised" | "pressing" | "all";
export type DeskKind = "leader" | "department";

const STATUSES: Record<DeskKind, Partial<Record<TabName, readonly IncidentStatus[]>>> = {
  leader: {
    intake: ["reported"],
    dispatch: ["accepted", "returned", "reopened"],
    handling: ["assigned", "in_progress"],
    paused: ["paused"],
    check: ["resolved", "verified"],
  },
  department: {
    todo: ["assigned", "reopened"],
    handling: ["in_progress"],
    paused: ["paused"],
    check: ["resolved"],
  },
};

export const TABS: Record<DeskKind, readonly TabName[]> = {
  leader: ["intake", "dispatch", "handling", "paused", "check", "asked", "supervised", "pressing", "all"],
  department: ["todo", "handling", "paused", "check", "asked", "supervised", "pressing", "all"],
};

/** What the list of a tab asks for: by deadline, but for all incidents, the newest first. */
export function paramsOf(tab: TabName, desk: DeskKind): Params {
  const statuses = STATUSES[desk][tab];
  if (statuses) return { status: statuses.join(","), order: "due" };
  if (tab === "asked") return { is_asked: true, order: "due" };
  if (tab === "supervised") return { is_supervised: true, order: "due" };
  if (tab === "pressing") return { is_pressing: true, order: "due" };
  return { order: "newest" };
}

/** How many a tab holds; null where nobody counts (all incidents there ever were). */
export function countOf(tab: TabName, desk: DeskKind, counts: Counts | null): number | null {
  if (!counts || tab === "all") return null;
  if (tab === "asked" || tab === "supervised" || tab === "pressing") return counts[tab];
  return (STATUSES[desk][tab] ?? []).reduce((sum, status) => sum + (counts.by_status[status] ?? 0), 0);
}
