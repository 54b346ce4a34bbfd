/** Where to build: what is asked, and what the answer says. */
import { get, request } from "../../shared/api";
import type { Rule } from "../gaps/findings";

export const MODELS = ["mclp", "lscp", "pmedian", "pcenter"] as const;
export type Model = (typeof MODELS)[number];
export const WEIGHTS = ["households", "residents_60", "residents_80"] as const;
export const FACILITIES = ["station", "canteen", "elder_care", "refuse_point", "parking"] as const;
export type FacilityKind = (typeof FACILITIES)[number];
export const SOURCES = ["corners", "public_buildings"] as const;

export interface Candidate {
  name: string;
  lon: number;
  lat: number;
}
export interface SitingForm {
  model: Model;
  p: number;
  /** Code of a rule on foot; "" for a radius of one's own. */
  rule: string;
  facility: FacilityKind;
  radius_m: number;
  weight: (typeof WEIGHTS)[number];
  propose: (typeof SOURCES)[number][];
  use_existing: boolean;
  closed: string[];
  /** 0: no deliveries. */
  deliver_m: number;
  time_limit_s: number;
}
export interface Site extends Candidate {
  rank: number;
  source: "drawn" | "corner" | "public_building";
  gain: number;
}
export type UnitState = "before" | "new" | "left" | "unknown";
export interface SitingAnswer {
  model: Model;
  p: number | null;
  rulebook: string;
  rule: string;
  facility: FacilityKind;
  radius_m: number;
  weight: (typeof WEIGHTS)[number];
  objective: number;
  bound: number;
  gap: number | null;
  seconds: number;
  total_weight: number;
  covered_before: number;
  covered_after: number;
  uncoverable_weight: number;
  unknown_weight: number;
  units_uncounted: number;
  candidates: number;
  left_out: string[];
  sites: Site[];
  existing: (Candidate & { code: string; is_open: boolean })[];
  options: { kind: "open_longer" | "deliver"; code: string; name: string; weight: number }[];
  communities: { community: string; weight: number; before: number; after: number; left: number }[];
  places: [number, number][];
  units: [lon: number, lat: number, weight: number, state: UnitState][];
}

export function defaultForm(): SitingForm {
  return {
    model: "mclp", p: 3, rule: "", facility: "canteen", radius_m: 500, weight: "residents_60", propose: ["corners"],
    use_existing: true, closed: [], deliver_m: 0, time_limit_s: 60,
  };
}

/** Rules that sites can be chosen by: on foot, for a facility of the map. */
export function rulesFor(rules: Rule[]): Rule[] {
  return rules.filter((rule) => rule.metric === "walk" && FACILITIES.some((kind) => kind === rule.facility_kind));
}
/** Take facility, radius and weight of a rule. */
export function takeRule(form: SitingForm, rule: Rule): void {
  Object.assign(form, { rule: rule.rule, facility: rule.facility_kind, radius_m: rule.threshold_m, weight: rule.demand_kind, closed: [] });
}

/** What the server is told. */
export function requestOf(form: SitingForm, candidates: Candidate[], rulebook: string): Record<string, unknown> {
  const { model, p, rule, facility, radius_m, weight, propose, use_existing, closed, deliver_m, time_limit_s } = form;
  return {
    model,
    ...(model === "lscp" ? {} : { p }),
    ...(rule ? { rule, rulebook } : { facility, radius_m, weight }),
    candidates, propose, use_existing, time_limit_s,
    ...(use_existing ? { closed } : {}),
    ...(deliver_m > 0 ? { deliver_m } : {}),
  };
}

export type FormFault = { key: "fault_p" | "fault_radius" | "fault_candidates" | "fault_limit" | "fault_deliver"; values: Record<string, number> };
/** The first fault; null when the run can start. */
export function faultOf(form: SitingForm, candidates: Candidate[]): FormFault | null {
  const inside = (value: number, min: number, max: number): boolean => Number.isFinite(value) && value >= min && value <= max;
  if (form.model !== "lscp" && !(Number.isInteger(form.p) && inside(form.p, 1, 1000))) return { key: "fault_p", values: { min: 1, max: 1000 } };
  if (!form.rule && !inside(form.radius_m, 50, 5000)) return { key: "fault_radius", values: { min: 50, max: 5000 } };
  if (!candidates.length && !form.propose.length) return { key: "fault_candidates", values: {} };
  if (!inside(form.deliver_m, 0, 20000)) return { key: "fault_deliver", values: { min: 0, max: 20000 } };
  if (!(Number.isInteger(form.time_limit_s) && inside(form.time_limit_s, 1, 600))) return { key: "fault_limit", values: { min: 1, max: 600 } };
  return null;
}

/** The curve of what each site adds: after how many sites how much is served; metres off the mean in a p-median. */
export function curveOf(answer: Pick<SitingAnswer, "model" | "sites" | "covered_before">): { count: number; value: number }[] {
  let value = answer.model === "pmedian" ? 0 : answer.covered_before;
  return [{ count: 0, value }, ...answer.sites.map((site, at) => ({ count: at + 1, value: (value += site.gain) }))];
}

export function loadAnswer(job: string): Promise<SitingAnswer> {
  return get<SitingAnswer>(`/api/sites/${job}`);
}
export async function readCandidates(file: Blob): Promise<Candidate[]> {
  const body = new Blob([file], { type: "application/octet-stream" });
  return (await request<{ candidates: Candidate[] }>("POST", "/api/sites/candidates", { body })).candidates;
}
