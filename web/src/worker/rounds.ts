/** What is to be looked at and visited in the grid, what is due, and what this device has entered since it was read. */
import type { Item, RecordItem } from "./queue/item";

export const PERIODS = ["shift", "day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];
export const VISIT_OUTCOMES = ["met", "absent", "declined", "vacant"] as const;
export type VisitOutcome = (typeof VISIT_OUTCOMES)[number];
export type MarkOutcome = "fine" | "finding";

export interface RoundItem {
  code: string;
  round: string;
  name: string;
  name_en: string | null;
  every: Period;
  category: string | null;
  category_name: string | null;
  last_at: string | null;
  last_outcome: MarkOutcome | null;
  last_shift: string | null;
}
export interface RoundUnit {
  code: string;
  name: string | null;
  households: number;
  last_at: string | null;
  last_outcome: VisitOutcome | null;
}
export interface Book {
  grid: string;
  items: RoundItem[];
  units: RoundUnit[];
  visits_by_outcome: Partial<Record<VisitOutcome, number>>;
}

/** A day of the city's calendar, as YYYY-MM-DD. */
function dayOf(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("sv-SE", { timeZone }).format(at);
}

/** The Monday of a day's week. */
function weekOf(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}

/** Whether an item is still to be looked at: in this shift, or on this day, in this week or month of the city's calendar. */
export function isDue(item: RoundItem, shift: string | null, now: number, timeZone: string): boolean {
  if (!item.last_at) return true;
  if (item.every === "shift" && shift) return item.last_shift !== shift;
  const [last, today] = [dayOf(Date.parse(item.last_at), timeZone), dayOf(now, timeZone)];
  if (item.every === "week") return weekOf(last) !== weekOf(today);
  if (item.every === "month") return last.slice(0, 7) !== today.slice(0, 7);
  return last !== today;
}

function entriesOf(items: Item[], what: RecordItem["what"], grid: string): RecordItem[] {
  const found = items.filter((item): item is RecordItem => item.kind === "record" && item.what === what && item.state !== "failed");
  return found.filter((item) => item.body["grid"] === grid).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What the server said, and on top of it what this device has entered, sent or not. */
export function withEntries(book: Book, items: Item[]): Book {
  const marks = entriesOf(items, "mark", book.grid);
  const visits = entriesOf(items, "visit", book.grid);
  const newest = (last: string | null, found: RecordItem[]): RecordItem | undefined => {
    const one = found.at(-1);
    const at = one && (one.occurred_at ?? one.made_at);
    return at && (!last || Date.parse(at) > Date.parse(last)) ? one : undefined;
  };
  return {
    ...book,
    items: book.items.map((item) => {
      const mark = newest(item.last_at, marks.filter((one) => one.body["item"] === item.code));
      if (!mark) return item;
      const { outcome, shift_id } = mark.body as { outcome: MarkOutcome; shift_id?: string };
      return { ...item, last_at: mark.occurred_at ?? mark.made_at, last_outcome: outcome, last_shift: shift_id ?? null };
    }),
    units: book.units.map((unit) => {
      const visit = newest(unit.last_at, visits.filter((one) => one.body["unit"] === unit.code));
      if (!visit) return unit;
      return { ...unit, last_at: visit.occurred_at ?? visit.made_at, last_outcome: visit.body["outcome"] as VisitOutcome };
    }),
  };
}

/** Visits of a day of the city's calendar by outcome, as this grid's book and this device know them. */
export function visitsOn(book: Book, now: number, timeZone: string): Map<VisitOutcome, number> {
  const today = dayOf(now, timeZone);
  const counts = new Map<VisitOutcome, number>(VISIT_OUTCOMES.map((one) => [one, 0]));
  for (const { last_at, last_outcome } of book.units) {
    if (last_at && last_outcome && dayOf(Date.parse(last_at), timeZone) === today) counts.set(last_outcome, counts.get(last_outcome)! + 1);
  }
  return counts;
}
