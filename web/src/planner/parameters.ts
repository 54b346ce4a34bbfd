/** Parameters of the planner's runs, and what is wrong with them in words. */
import type { JobKind } from "../shared/types";
import { t, type MessageKey } from "./messages";

export const FACILITIES = ["station", "canteen", "elder_care", "refuse_point", "parking"] as const;
export type FacilityKind = (typeof FACILITIES)[number];

export interface RunParameters {
  floor: number;
  ceiling: number;
  target: number;
  mode: "adjust" | "redraw";
  keep_compounds: boolean;
  seed: number;
  facility: FacilityKind;
  radius_m: number;
}

export function defaultParameters(): RunParameters {
  return {
    floor: 400,
    ceiling: 800,
    target: 600,
    mode: "adjust",
    keep_compounds: true,
    seed: 0,
    facility: "station",
    radius_m: 300,
  };
}

const LIMITS = {
  floor: [1, 5000],
  target: [1, 5000],
  ceiling: [1, 5000],
  seed: [0, 2 ** 31 - 1],
  radius_m: [50, 5000],
} as const satisfies Partial<Record<keyof RunParameters, readonly [number, number]>>;

const NAMES: Record<keyof typeof LIMITS, MessageKey> = {
  floor: "floor",
  target: "target",
  ceiling: "ceiling",
  seed: "seed",
  radius_m: "radius",
};

/** The first fault as a sentence, or null when the run can start. */
export function faultOf(kind: JobKind, parameters: RunParameters): string | null {
  const fields = kind === "gaps" ? (["radius_m"] as const) : (["floor", "target", "ceiling", "seed"] as const);
  for (const field of fields) {
    const [min, max] = LIMITS[field];
    const value = parameters[field];
    if (!Number.isInteger(value) || value < min || value > max) {
      return t("invalid_number", { field: t(NAMES[field]), min, max });
    }
  }
  const { floor, target, ceiling } = parameters;
  const isBand = floor < ceiling && floor <= target && target <= ceiling;
  return kind === "rebalance" && !isBand ? t("invalid_band", { floor, target, ceiling }) : null;
}
