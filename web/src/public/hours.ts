/** Whether a place is open: looked up in the spans that the server worked out, never read from the text here. */
import type { Hours, Place, PlacesAnswer, Span } from "./kinds";

export type OpenState =
  | { is: "open" | "closed"; /** When that changes, ms since 1970; null when it does not within a week. */ changesAt: number | null }
  | { is: "holiday" }
  | { is: "unknown" };

const MINUTE_MS = 60_000;
const DAY_MIN = 1440;
const SOON_MIN = 7 * DAY_MIN;
const UNKNOWN: OpenState = { is: "unknown" };

function spanAt(spans: Span[], minute: number): Span | undefined {
  return spans.find(([from, to]) => from <= minute && minute < to);
}

function soon(minute: number | undefined, now: number): number | null {
  return minute === undefined || minute - now > SOON_MIN ? null : minute * MINUTE_MS;
}

/** The state at a moment; unknown outside the days that the server told of. */
export function stateAt(hours: Hours | undefined, nowMs: number, covers: Span): OpenState {
  const now = nowMs / MINUTE_MS;
  if (!hours?.is_read || !spanAt([covers], now)) return UNKNOWN;
  if (spanAt(hours.unknown, now)) return { is: "holiday" };
  const span = spanAt(hours.spans, now);
  if (span) return { is: "open", changesAt: soon(span[1], now) };
  const next = hours.spans.find(([from]) => from > now)?.[0];
  const isUnsure = hours.unknown.some(([from]) => from > now && (next === undefined || from <= next));
  return { is: "closed", changesAt: isUnsure ? null : soon(next, now) };
}

/** The state of a place; one that is planned or shut for good is closed whatever its hours. */
export function stateOf(place: Place, { hours, covers }: Pick<PlacesAnswer, "hours" | "covers">, nowMs: number): OpenState {
  if (place.status !== "open") return { is: "closed", changesAt: null };
  return stateAt(place.hours === null ? undefined : hours[place.hours], nowMs, covers);
}

export interface Day {
  /** Its first moment, ms since 1970. */
  at: number;
  /** Spans that begin on that day, ms; one that holds all day comes as `isAllDay`. */
  spans: Span[];
  isAllDay: boolean;
  isUnknown: boolean;
}

/** Minutes that a zone's clocks show at a moment. */
function clockMinutes(at: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone, hourCycle: "h23", hour: "numeric", minute: "numeric" }).formatToParts(at);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  return part("hour") * 60 + part("minute");
}

/** The first moment of the day that a moment is on, by the clocks of a zone. */
function dayStart(at: number, timeZone: string): number {
  const whole = Math.floor(at / MINUTE_MS) * MINUTE_MS;
  const start = whole - clockMinutes(whole, timeZone) * MINUTE_MS;
  // Where the clocks were changed since midnight, that is an hour off.
  const shown = clockMinutes(start, timeZone);
  return start - (shown > DAY_MIN / 2 ? shown - DAY_MIN : shown) * MINUTE_MS;
}

/** The next days with their hours as they will be, today first. */
export function nextDays(hours: Hours, nowMs: number, timeZone: string, count: number): Day[] {
  const days: Day[] = [];
  let at = dayStart(nowMs, timeZone);
  for (let day = 0; day < count; day++) {
    const next = dayStart(at + 1.5 * DAY_MIN * MINUTE_MS, timeZone);
    const [from, to] = [at / MINUTE_MS, next / MINUTE_MS];
    const isAllDay = hours.spans.some(([first, last]) => first <= from && last >= to);
    const spans = hours.spans.filter(([first]) => first >= from && first < to);
    days.push({
      at,
      spans: isAllDay ? [] : spans.map(([first, last]) => [first * MINUTE_MS, last * MINUTE_MS]),
      isAllDay,
      isUnknown: hours.unknown.some(([first, last]) => first < to && last > from),
    });
    at = next;
  }
  return days;
}
