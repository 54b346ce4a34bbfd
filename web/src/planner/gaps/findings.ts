/** What the rules of life circles found in an area: examinations, totals by rule, rankings, promises. */
import { get, request } from "../../shared/api";
import type { Feature } from "../../shared/types";

export type Verdict = "covered" | "gap" | "unknown";
export type Level = "community" | "grid";

export interface Examination {
  id: number;
  area_code: string;
  area_name: string;
  rulebook: string;
  version: number;
  rules: string[];
  made_by: string | null;
  made_at: string;
  units: number;
}
export interface Rule {
  rule: string;
  facility_kind: string;
  facility_name: string;
  demand_kind: "households" | "residents_60" | "residents_80";
  metric: "walk" | "line";
  threshold_m: number;
  level: number | null;
  binding: "must" | "should" | "may";
  standard: string;
  edition: string;
  clause: string;
  basis: string;
  confidence: "H" | "M" | "L";
  note: string;
  note_en: string;
}
export interface Totals {
  units: number;
  units_met: number;
  units_not_met: number;
  units_unknown: number;
  units_uncounted: number;
  demand: number;
  demand_met: number;
  demand_not_met: number;
  demand_unknown: number;
  unserved_ratio: number | null;
  unserved_mean_m: number | null;
  unserved_longest_m: number | null;
}
export type JudgedRule = Rule & Totals & { data_on: string | null };
export interface RankedCommunity {
  code: string;
  name: string | null;
  rank: number;
  mean_unserved_ratio: number | null;
  unserved: number[];
}
export interface Overview extends Examination {
  judged: JudgedRule[];
  not_examined: Rule[];
  communities: RankedCommunity[];
}
export type GroupTotals = Totals & { code: string; name: string | null; community: string | null };
export interface ListedUnit {
  code: string;
  address: string | null;
  community: string | null;
  lon: number;
  lat: number;
  demand: number | null;
  walk_m: number | null;
  straight_m: number | null;
  detour_ratio: number | null;
  facility: string | null;
  reason: string;
}
export interface RuleFindings extends JudgedRule {
  /** Where the layer's `verdicts` hold this rule's. */
  place: number;
  communities: GroupTotals[];
  grids: GroupTotals[];
  units_listed: ListedUnit[];
  unknown_listed: ListedUnit[];
  reasons: { reason: string; units: number }[];
}
export type CellFeature = Feature<Totals & { code: string }>;

export interface Rulebook {
  code: string;
  version: number;
  source: string | null;
  created_at: string;
  rules: number;
}
export interface Step {
  name: string;
  amount: number;
  is_done: boolean;
  on: string | null;
  lon: number;
  lat: number;
}
export interface Target {
  code: string;
  title: string;
  title_en: string | null;
  amount: number;
  unit: string | null;
  due_on: string | null;
  is_yearly: boolean;
  source: string;
  note: string | null;
  done: number | null;
  planned: number | null;
  state: "reached" | "on_the_way" | "late" | "unknown";
  reached_on: string | null;
  steps: Step[];
}

const pathOf = (one: Pick<Examination, "id">, rule?: string): string =>
  `/api/examinations/${one.id}${rule ? `/rules/${encodeURIComponent(rule)}` : ""}`;

export async function loadExaminations(within: string): Promise<Examination[]> {
  return (await get<{ examinations: Examination[] }>("/api/examinations", { within })).examinations;
}
export function loadOverview(one: Examination, within: string): Promise<Overview> {
  return get<Overview>(pathOf(one), { within });
}
export function loadFindings(one: Examination, rule: string, within: string): Promise<RuleFindings> {
  return get<RuleFindings>(pathOf(one, rule), { within });
}
export async function loadCells(one: Examination, rule: string, within: string): Promise<CellFeature[]> {
  return (await get<{ features: CellFeature[] }>(`${pathOf(one, rule)}/cells`, { within })).features;
}
export async function loadRulebooks(): Promise<Rulebook[]> {
  return (await get<{ rulebooks: Rulebook[] }>("/api/rulebooks")).rulebooks;
}
export async function loadRules(book: Rulebook): Promise<Rule[]> {
  return (await get<{ rules: Rule[] }>(`/api/rulebooks/${book.code}/${book.version}`)).rules;
}
export function putRulebook(code: string, file: Blob): Promise<Rulebook> {
  return request<Rulebook>("PUT", `/api/rulebooks/${encodeURIComponent(code)}`, { body: new Blob([file], { type: "text/csv" }) });
}
export async function loadTargets(within: string): Promise<Target[]> {
  return (await get<{ targets: Target[] }>("/api/targets", { within })).targets;
}

export const nameOfBook = (book: { code?: string; rulebook?: string; version: number }): string => `${book.code ?? book.rulebook}@${book.version}`;

/** The rulebook that a run takes by itself: the city's newest, else the built-in one's newest. */
export function newestOf(books: Rulebook[]): Rulebook | undefined {
  const byTime = [...books].sort((a, b) => b.created_at.localeCompare(a.created_at) || b.version - a.version);
  return byTime.find((one) => one.code !== "builtin") ?? byTime[0];
}

/** How far a promise is, 0-1; null where nothing tells. */
export function shareOf(target: Pick<Target, "done" | "amount">, planned = 0): number | null {
  return target.done === null ? null : Math.min((target.done + planned) / target.amount, 1);
}

/** Colours of a share not served: nobody, under a tenth, a third, two thirds, more. */
export const CELL_STEPS = [0, 0.1, 1 / 3, 2 / 3] as const;
export const CELL_COLORS = ["#4d8fbf", "#f4d9a6", "#eda66e", "#d8603f", "#9e1b2f"] as const;
/** Which colour a share not served has; null where nothing is known. */
export function cellClass(ratio: number | null): number | null {
  return ratio === null ? null : CELL_STEPS.filter((step) => (step === 0 ? ratio > 0 : ratio > step)).length;
}
