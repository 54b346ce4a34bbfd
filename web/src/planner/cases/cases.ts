/** Statistics of cases and problems that come back, as the server tells them; the list behind every figure. */
import { get } from "../../shared/api";
import type { LonLat } from "../../shared/types";

export type Grade = "good" | "watch" | "poor";
export const GRADES: readonly Grade[] = ["good", "watch", "poor"];
export interface Named {
  code: string;
  name: string;
  name_en: string | null;
}
export interface Ratio {
  value: number | null;
  grade: Grade | null;
}
export interface Hours {
  n: number;
  median: number | null;
  p90: number | null;
}
export interface Group extends Named {
  counts: Record<string, number>;
  ratios: Record<string, Ratio>;
  hours: Hours;
}
export interface Post extends Named {
  count: number;
  hours: Hours;
  ratio: (Ratio & { indicator: string; numerator: number; denominator: number }) | null;
}
export interface Head {
  as_of: string;
  within: string;
  name: string;
  first_day: string;
  last_day: string;
  time_zone: string;
  reported_from: string;
  reported_before: string;
}
export const SETS = ["areas", "departments", "categories", "sources"] as const;
export type GroupSet = (typeof SETS)[number];
export type Statistics = Head & Record<GroupSet, Group[]> & { total: Group; posts: Post[]; statuses: Record<string, number> };
export interface Part extends Named {
  definition: string;
  definition_en: string;
}
export interface Indicator extends Part {
  numerator: string;
  denominator: string;
  is_high_good: boolean;
  good: number;
  watch: number;
  open_cases: string;
  open_cases_en: string;
  source: string;
}
export interface LabelSet extends Named {
  steps: { place: number; name: string; name_en: string; statuses: string[] }[];
}
export interface Definitions {
  parts: Part[];
  indicators: Indicator[];
  missing: { name: string; name_en: string; reason: string; reason_en: string }[];
  levels: Named[];
  label_sets: LabelSet[];
}
export interface Cluster {
  rank: number;
  category: string;
  category_name: string;
  category_name_en: string | null;
  place_name: string;
  place_name_en: string | null;
  n: number;
  first_on: string;
  last_on: string;
  radius_m: number;
  open: number;
  trend: "rising" | "steady" | "falling";
  ids: string[];
}
export interface ClusterFeature {
  type: "Feature";
  geometry: { type: "Point"; coordinates: LonLat };
  properties: Cluster;
}
export interface CellFeature {
  type: "Feature";
  geometry: { type: "Polygon"; coordinates: LonLat[][] };
  properties: { cell: string; n: number; z: number; p: number; q: number; kind: "hot" | "cold" | "" };
}
export interface Recurring extends Head {
  radius_m: number;
  days: number;
  least: number;
  incidents: number;
  clustered: number;
  cluster_count: number;
  clusters: { features: ClusterFeature[] };
  cells: { features: CellFeature[] };
}
export interface Incident {
  type: "Feature";
  id: string;
  geometry: { type: "Point"; coordinates: LonLat };
  properties: { code: string; category_name: string; status: string; department: string | null; reported_at: string };
}

/** Days that are asked about; "" leaves them to the server. */
export interface Period {
  first: string;
  last: string;
}
type Params = Record<string, string | number | null>;

function asked(within: string, { first, last }: Period): Params {
  return { within, first_day: first || null, last_day: last || null };
}
export function loadStatistics(within: string, period: Period, signal: AbortSignal): Promise<Statistics> {
  return get<Statistics>("/api/statistics", asked(within, period), signal);
}
export function loadDefinitions(): Promise<Definitions> {
  return get<Definitions>("/api/statistics/definitions");
}
export function loadRecurring(within: string, period: Period, signal: AbortSignal): Promise<Recurring> {
  return get<Recurring>("/api/recurring", asked(within, period), signal);
}

/** What a list shows: the incidents of a part, of one group or of all, or those of a cluster. */
export interface ListQuery {
  title: string;
  count: number;
  params: Params;
}
const FILTER: Record<Exclude<GroupSet, "areas">, string> = { departments: "department", categories: "category", sources: "source" };

/** The list behind a count; null where a group has no list of its own (what lies in no area inside). */
export function partQuery(title: string, head: Head, part: string, group: Group, set: GroupSet | null): ListQuery | null {
  if (set === "areas" && !group.code) return null;
  const within = set === "areas" ? group.code : head.within;
  const params: Params = { within, part, reported_from: head.reported_from, reported_before: head.reported_before };
  if (set && set !== "areas") params[FILTER[set]] = group.code;
  return { title, count: group.counts[part] ?? 0, params };
}

const PAGE = 50;
const MOST_IDS = 100;
export interface ListPage {
  rows: Incident[];
  next: string | null;
}
/** A page of a list; `cursor` is what the page before gave. */
export async function loadPage(query: ListQuery, cursor: string | null): Promise<ListPage> {
  const page = await get<{ features: Incident[]; next_cursor: string | null }>("/api/incidents", { ...query.params, limit: PAGE, cursor });
  return { rows: page.features, next: page.next_cursor };
}
/** A cluster's own incidents, a hundred at a time. */
export async function loadOfCluster(ids: string[], from: number): Promise<ListPage> {
  const some = ids.slice(from, from + MOST_IDS);
  const page = await get<{ features: Incident[] }>("/api/incidents", { id: some.join(","), limit: MOST_IDS });
  const next = from + MOST_IDS;
  return { rows: page.features, next: next < ids.length ? String(next) : null };
}

/** Counts of a label set's steps, from those of the statuses; every status is in one step. */
export function stepCounts(set: LabelSet, statuses: Record<string, number>): number[] {
  return set.steps.map((step) => step.statuses.reduce((sum, status) => sum + (statuses[status] ?? 0), 0));
}
export function stepOf(set: LabelSet, status: string): LabelSet["steps"][number] | undefined {
  return set.steps.find((step) => step.statuses.includes(status));
}

/** Groups as a planner reads them: the worst value of an indicator first, those without one last. */
export function worstFirst(groups: Group[], indicator: Indicator): Group[] {
  const sign = indicator.is_high_good ? 1 : -1;
  const key = (group: Group): number => {
    const value = group.ratios[indicator.code]?.value;
    return value === null || value === undefined ? Infinity : sign * value;
  };
  return [...groups].sort((a, b) => key(a) - key(b) || (b.counts["reported"] ?? 0) - (a.counts["reported"] ?? 0));
}

/** The days from so many days before a day to it, as the server takes them. */
export function daysBefore(last: string, days: number): Period {
  const first = new Date(`${last}T00:00:00Z`);
  first.setUTCDate(first.getUTCDate() - days + 1);
  return { first: first.toISOString().slice(0, 10), last };
}
