/** Parameters of the planner's runs, and what is wrong with them in words. */
import type { Plan } from "../../shared/types";
import { t, type MessageKey } from "../messages";

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
  };
}

/** Take the band and the weights of a scheme. */
export function takeScheme(form: RunParameters, scheme: Scheme): void {
  const { code, floor, ceiling, target, weights } = scheme;
  Object.assign(form, { scheme: code, floor, ceiling, target, weights: { ...weights } });
}

/** What the server is told: of an adjustment `shape` for one plan or `front` for several; limits only where one is set. */
export function requestOf(form: RunParameters): Record<string, unknown> {
  const { floor, ceiling, target, mode, keep_compounds, use_barriers, seed, weights } = form;
  return {
    ...(form.scheme ? { scheme: form.scheme } : {}),
    floor, ceiling, target, mode, keep_compounds, use_barriers, seed, weights,
    ...(mode === "redraw" ? {} : form.front > 1 ? { front: form.front } : { shape: form.shape }),
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
  time_limit_s: [0, 3600],
} as const satisfies Partial<Record<keyof RunParameters, readonly [number, number]>>;

const NAMES: Record<keyof typeof LIMITS, MessageKey> = {
  floor: "floor",
  target: "target",
  ceiling: "ceiling",
  seed: "seed",
  time_limit_s: "time_limit",
};

/** The first fault as a sentence, or null when the run can start. */
export function faultOf(parameters: RunParameters): string | null {
  for (const field of ["floor", "target", "ceiling", "seed", "time_limit_s"] as const) {
    const [min, max] = LIMITS[field];
    const value = parameters[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      return t("invalid_number", { field: t(NAMES[field]), min, max });
    }
  }
  const { floor, target, ceiling, weights } = parameters;
  if (!(floor < ceiling && floor <= target && target <= ceiling)) return t("invalid_band", { floor, target, ceiling });
  const values = WEIGHTS.map((weight) => weights[weight]);
  const isWeighed = values.every((value) => Number.isFinite(value) && value >= 0) && values.some((value) => value > 0);
  return isWeighed ? null : t("invalid_weights");
}
