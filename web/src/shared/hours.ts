/**
 * Opening hours in the OpenStreetMap syntax, the part of it that facilities use: rules of days and times parted by ";",
 * a later rule replacing an earlier one on its days; "24/7", "off", lists and ranges of days, times past midnight.
 * What goes beyond (dates, weeks, "sunrise", "PH") makes the hours unknown (`null`), never wrong.
 */

/** Minutes from the day's midnight; `to` may pass 1440 into the next day. */
export interface Span {
  from: number;
  to: number;
}

/** The spans of each day, Monday first. */
export type WeekHours = readonly Span[][];

export interface OpenState {
  isOpen: boolean;
  /** When that changes; null for what never does (24/7, always closed). */
  nextChange: Date | null;
}

const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"] as const;
const DAY_MIN = 1440;

/** Read the hours; null when they are missing or say more than this reader knows. */
export function parseHours(text: string | null | undefined): WeekHours | null {
  if (!text?.trim()) return null;
  const week: Span[][] = DAYS.map(() => []);
  for (const rule of text.split(";").map((part) => part.trim())) {
    if (rule === "") continue;
    const parsed = parseRule(rule);
    if (parsed === null) return null;
    for (const day of parsed.days) week[day] = parsed.spans;
  }
  return week;
}

function parseRule(rule: string): { days: number[]; spans: Span[] } | null {
  if (rule === "24/7") return { days: allDays(), spans: [{ from: 0, to: DAY_MIN }] };
  const match = /^((?:(?:Mo|Tu|We|Th|Fr|Sa|Su)[\s,-]*)*)(.*)$/.exec(rule);
  const days = parseDays((match?.[1] ?? "").trim().replace(/,$/, ""));
  const spans = parseSpans((match?.[2] ?? "").trim());
  return days === null || spans === null ? null : { days, spans };
}

function allDays(): number[] {
  return DAYS.map((_, day) => day);
}

function parseDays(text: string): number[] | null {
  if (text === "") return allDays();
  const days: number[] = [];
  for (const part of text.split(",")) {
    const [first, last] = part.split("-").map((name) => DAYS.indexOf(name.trim() as (typeof DAYS)[number]));
    if (first === undefined || first < 0 || last === -1) return null;
    const length = last === undefined ? 0 : (last - first + 7) % 7;
    for (let step = 0; step <= length; step++) days.push((first + step) % 7);
  }
  return days;
}

function parseSpans(text: string): Span[] | null {
  if (text === "off" || text === "closed") return [];
  if (text === "24:00" || text === "") return null;
  const spans: Span[] = [];
  for (const part of text.split(",")) {
    const match = /^(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$/.exec(part.trim());
    if (!match) return null;
    const [h1, m1, h2, m2] = match.slice(1).map(Number) as [number, number, number, number];
    if (h1 > 24 || h2 > 48 || m1 > 59 || m2 > 59) return null;
    const from = h1 * 60 + m1;
    let to = h2 * 60 + m2;
    if (to <= from) to += DAY_MIN;
    spans.push({ from, to });
  }
  return spans.sort((a, b) => a.from - b.from);
}

interface WallTime {
  year: number;
  month: number;
  day: number;
  minutes: number;
}

function wallTime(at: Date, timeZone: string): WallTime {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(at);
  const number = (type: string): number => Number(parts.find((part) => part.type === type)?.value);
  return { year: number("year"), month: number("month"), day: number("day"), minutes: number("hour") * 60 + number("minute") };
}

/** The moment at which a zone's clocks show `minutes` after midnight of a date. */
function momentOf(date: WallTime, minutes: number, timeZone: string): Date {
  const wanted = Date.UTC(date.year, date.month - 1, date.day, 0, minutes);
  let moment = wanted;
  for (let pass = 0; pass < 2; pass++) {
    const shown = wallTime(new Date(moment), timeZone);
    moment += wanted - Date.UTC(shown.year, shown.month - 1, shown.day, 0, shown.minutes);
  }
  return new Date(moment);
}

/** Monday = 0. */
function weekday(date: WallTime): number {
  return (new Date(Date.UTC(date.year, date.month - 1, date.day)).getUTCDay() + 6) % 7;
}

/** The open spans around a date as minutes from its midnight, joined where they touch. */
function spansAround(week: WeekHours, today: number): Span[] {
  const spans: Span[] = [];
  for (let offset = -2; offset <= 8; offset++) {
    for (const span of week[(today + offset + 14) % 7] ?? []) {
      const [from, to] = [span.from + offset * DAY_MIN, span.to + offset * DAY_MIN];
      const last = spans.at(-1);
      if (last && from <= last.to) last.to = Math.max(last.to, to);
      else spans.push({ from, to });
    }
  }
  return spans;
}

/** Whether it is open at a moment, by the clocks of the place, and until when that holds. */
export function openState(week: WeekHours, at: Date, timeZone: string): OpenState {
  const now = wallTime(at, timeZone);
  const spans = spansAround(week, weekday(now));
  const current = spans.find((span) => span.from <= now.minutes && now.minutes < span.to);
  const change = current ? current.to : spans.find((span) => span.from > now.minutes)?.from;
  const isForever = change === undefined || change > 8 * DAY_MIN;
  return { isOpen: current !== undefined, nextChange: isForever ? null : momentOf(now, change, timeZone) };
}

/** Days with equal hours in a row, for a table: `[first, last, spans]`, Monday = 0. */
export function groupedDays(week: WeekHours): [first: number, last: number, spans: Span[]][] {
  const groups: [number, number, Span[]][] = [];
  week.forEach((spans, day) => {
    const group = groups.at(-1);
    if (group && JSON.stringify(group[2]) === JSON.stringify(spans)) group[1] = day;
    else groups.push([day, day, spans]);
  });
  return groups;
}

/** "07:30" of minutes after midnight. */
export function clockText(minutes: number): string {
  const inDay = minutes > DAY_MIN ? minutes - DAY_MIN : minutes;
  return `${String(Math.floor(inDay / 60)).padStart(2, "0")}:${String(inDay % 60).padStart(2, "0")}`;
}
