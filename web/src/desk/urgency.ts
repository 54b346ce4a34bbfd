/** How an incident stands with its deadline: a word, a shape and a colour that say the same. */
import { language } from "../shared/i18n";
import type { IncidentProperties } from "../shared/types";

export type Urgency = "over" | "soon" | "fine" | "still" | "none" | "done";

export const SOON_MS = 4 * 3_600_000;
const DONE = new Set(["closed", "rated", "rejected", "merged"]);
/** The clock stands still from `resolved` on, and while a case is paused. */
const STILL = new Set(["paused", "resolved", "verified"]);

/** Colours that the map draws too; each with 4.5:1 on white. */
export const COLORS: Record<Urgency, string> = {
  over: "#a82c1f",
  soon: "#8a5200",
  fine: "#1b6e4b",
  still: "#2a5a9a",
  none: "#5f6b66",
  done: "#5f6b66",
};

/** Paths on a 20 × 20 field: triangle, diamond, disc, two bars, ring, tick. */
export const SHAPES: Record<Urgency, string> = {
  over: "M10 2l9 16H1z",
  soon: "M10 1l9 9-9 9-9-9z",
  fine: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14z",
  still: "M5 3h3.5v14H5zM11.5 3H15v14h-3.5z",
  none: "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm0 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z",
  done: "M3 10.5l2-2 3.5 3.5L15 4.5l2 2L8.5 16z",
};

/** What urgency is told by. */
export type Timed = Pick<IncidentProperties, "status" | "due_at">;

export function urgencyOf({ status, due_at }: Timed, now: number): Urgency {
  if (DONE.has(status)) return "done";
  if (STILL.has(status)) return "still";
  if (!due_at) return "none";
  const left = Date.parse(due_at) - now;
  return left < 0 ? "over" : left < SOON_MS ? "soon" : "fine";
}

/** A length of time in its two largest units; below a minute it is the one that has begun. */
export function spanWords(ms: number): string {
  const minutes = Math.max(1, Math.floor(Math.abs(ms) / 60_000));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const units: [number, string, string][] = [[days, "天", "d"], [hours, "小时", "h"], [rest, "分", "min"]];
  const first = units.findIndex(([n]) => n > 0);
  const isEnglish = language.value === "en";
  return units
    .slice(first, first + 2)
    .filter(([n], index) => index === 0 || n > 0)
    .map(([n, zh, en]) => (isEnglish ? `${n} ${en}` : `${n}${zh}`))
    .join(isEnglish ? " " : "");
}
