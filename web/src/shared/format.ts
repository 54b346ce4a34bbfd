/** Numbers, distances and times as the reader writes them; reactive to the language. */
import { language } from "./i18n";

function locale(): string {
  return language.value === "en" ? "en-GB" : "zh-CN";
}

export const NONE = "—";

/** A count with thousands marks; a dash for what is unknown. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : new Intl.NumberFormat(locale()).format(value);
}

/** A ratio 0-1 as a percentage with one decimal. */
export function formatRatio(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined) return NONE;
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: digits }).format(value);
}

/** Metres: tens below a kilometre, then kilometres with one decimal. */
export function formatDistance(metres: number): string {
  const isFar = metres >= 995;
  const shown = isFar ? (metres / 1000).toFixed(1) : String(Math.round(metres / 10) * 10);
  if (language.value === "en") return `${shown} ${isFar ? "km" : "m"}`;
  return `${shown} ${isFar ? "公里" : "米"}`;
}

/** How long ago, in words, from whole seconds to days. */
export function formatAge(seconds: number): string {
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" });
  for (const [unit, size] of steps) {
    if (seconds >= size) return format.format(-Math.floor(seconds / size), unit);
  }
  return format.format(-Math.max(0, Math.floor(seconds)), "second");
}

/** A moment in the city's time zone; day and minute unless told otherwise, with the year if that is not this one. */
export function formatTime(at: string | number | Date, timeZone: string, options?: Intl.DateTimeFormatOptions): string {
  const chosen = options ?? { ...unlessThisYear(at, timeZone), month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(locale(), { hourCycle: "h23", ...chosen, timeZone }).format(new Date(at));
}

function unlessThisYear(at: string | number | Date, timeZone: string): Intl.DateTimeFormatOptions {
  const year = new Intl.DateTimeFormat("en", { year: "numeric", timeZone });
  return year.format(new Date(at)) === year.format(Date.now()) ? {} : { year: "numeric" };
}

/** A calendar date (`2026-11-22`), which has no time zone. */
export function formatDate(date: string, options?: Intl.DateTimeFormatOptions): string {
  const chosen = options ?? { year: "numeric", month: "long", day: "numeric" };
  return new Intl.DateTimeFormat(locale(), { ...chosen, timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));
}
