/** Parameters of the planner's runs, and what is wrong with them in words. */
import type { JobKind, Plan } from "../../shared/types";
import { t, type MessageKey } from "../messages";

export const FACILITIES = ["station", "canteen", "elder_care", "refuse_point", "parking"] as const;
export type FacilityKind = (typeof FACILITIES)[number];
export const WEIGHTS = ["households", "incidents_month", "residents_60", "no_lift_units"] as const;
export type Weights = Record<(typeof WEIGHTS)[number], number>;

export interface Scheme {
  code: string;
  name: string;
  floor: number;
  ceiling: number;
  target: number;
  source: string | null;
  weights: Weights;
}

export interface RunParameters {
  /** Code of a scheme; "" for a band of one's own. */
  scheme: string;
  floor: number;
  ceiling: number;
  target: number;
  mode: "adjust" | "redraw";
  /** 0 least change … 1 best shape. */
  shape: number;
  /** How many undominated plans; 0 for one plan at `shape`. */
  front: number;
  keep_compounds: boolean;
  use_barriers: boolean;
  weights: Weights;
  /** 0: as long as the server allows. */
  time_limit_s: number;
  seed: number;
  facility: FacilityKind;
  radius_m: number;
}

export function defaultParameters(): RunParameters {
  return {
    scheme: "",
    floor: 400,
    ceiling: 800,
    target: 600,
    mode: "adjust",
    shape: 0,
    front: 0,
    keep_compounds: true,
    use_barriers: true,
    weights: { households: 1, incidents_month: 0, residents_60: 0, no_lift_units: 0 },
    time_limit_s: 0,
    seed: 0,
    facility: "station",
    radius_m: 300,
  };
}

/** Take the band and the weights of a scheme. */
export function takeScheme(form: RunParameters, scheme: Scheme): void {
  const { code, floor, ceiling, target, weights } = scheme;
  Object.assign(form, { scheme: code, floor, ceiling, target, weights: { ...weights } });
}

/** What the server is told: `shape` for one plan, `front` for several; limits only where one is set. */
export function requestOf(kind: JobKind, form: RunParameters): Record<string, unknown> {
  if (kind === "gaps") return { facility: form.facility, radius_m: form.radius_m };
  const { floor, ceiling, target, mode, keep_compounds, use_barriers, seed, weights } = form;
  return {
    ...(form.scheme ? { scheme: form.scheme } : {}),
    floor, ceiling, target, mode, keep_compounds, use_barriers, seed, weights,
    ...(form.front > 1 && mode === "adjust" ? { front: form.front } : { shape: form.shape }),
    ...(form.time_limit_s > 0 ? { time_limit_s: form.time_limit_s } : {}),
  };
}

const AS_BEFORE = ["scheme", "floor", "ceiling", "target", "mode", "shape", "keep_compounds", "use_barriers", "weights", "seed"];

/** Run a draft again around its locks, asked for as it was made. */
export function rerunOf(plan: Pick<Plan, "id" | "parameters">): Record<string, unknown> {
  const given = AS_BEFORE.filter((key) => (plan.parameters[key] ?? null) !== null);
  return { ...Object.fromEntries(given.map((key) => [key, plan.parameters[key]])), base_plan: Number(plan.id) };
}

const LIMITS = {
  floor: [1, 5000],
  target: [1, 5000],
  ceiling: [1, 5000],
  seed: [0, 2 ** 31 - 1],
  radius_m: [50, 5000],
  time_limit_s: [0, 3600],
} as const satisfies Partial<Record<keyof RunParameters, readonly [number, number]>>;

const NAMES: Record<keyof typeof LIMITS, MessageKey> = {
  floor: "floor",
  target: "target",
  ceiling: "ceiling",
  seed: "seed",
  radius_m: "radius",
  time_limit_s: "time_limit",
};

/** The first fault as a sentence, or null when the run can start. */
export function faultOf(kind: JobKind, parameters: RunParameters): string | null {
  const fields =
    kind === "gaps" ? (["radius_m"] as const) : (["floor", "target", "ceiling", "seed", "time_limit_s"] as const);
  for (const field of fields) {
    const [min, max] = LIMITS[field];
    const value = parameters[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      return t("invalid_number", { field: t(NAMES[field]), min, max });
    }
  }
  if (kind === "gaps") return null;
  const { floor, target, ceiling, weights } = parameters;
  if (!(floor < ceiling && floor <= target && target <= ceiling)) return t("invalid_band", { floor, target, ceiling });
  const values = WEIGHTS.map((weight) => weights[weight]);
  const isWeighed = values.every((value) => Number.isFinite(value) && value >= 0) && values.some((value) => value > 0);
  return isWeighed ? null : t("invalid_weights");
}
