/** Totals of a gap run: households covered, not covered, and not known. */
import type { GapProperties, Verdict } from "./grids";

export type GapTotals = Record<Verdict, number>;

export interface CommunityGap {
  code: string;
  totals: GapTotals;
}

export function gapTotals(rows: GapProperties[]): GapTotals {
  const totals: GapTotals = { covered: 0, gap: 0, unknown: 0 };
  for (const row of rows) totals[row.verdict] += row.households;
  return totals;
}

/** Share of all households that are covered; the unknown count as not covered. Null without households. */
export function coveredRatio(totals: GapTotals): number | null {
  const all = totals.covered + totals.gap + totals.unknown;
  return all > 0 ? totals.covered / all : null;
}

/** Communities with the most uncovered households first, then the most unknown, then by code. */
export function rankCommunities(rows: GapProperties[]): CommunityGap[] {
  const groups = new Map<string, GapProperties[]>();
  for (const row of rows) {
    const code = row.community ?? "";
    const members = groups.get(code);
    if (members) members.push(row);
    else groups.set(code, [row]);
  }
  return [...groups]
    .map(([code, members]) => ({ code, totals: gapTotals(members) }))
    .sort((a, b) => b.totals.gap - a.totals.gap || b.totals.unknown - a.totals.unknown || a.code.localeCompare(b.code));
}
