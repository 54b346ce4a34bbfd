/** What is said of a place in short phrases: whether it is open, how far it is, and the whole card as spoken sentences. */
import { formatDate, formatDistance, formatTime } from "../shared/format";
import { either, nameOf } from "../shared/i18n";
import { minutesOf, type Row } from "./choose";
import { nextDays } from "./hours";
import type { Place, PlacesAnswer } from "./kinds";
import { dayName, kindName, t, tierName } from "./messages";
import type { Step } from "./steps";

export interface OpenWords {
  text: string;
  tone: "good" | "warn" | "bad" | "info" | "";
}

const DAY_MS = 86_400_000;

function dayOf(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone }).format(at);
}

/** Monday = 0. */
export function weekdayOf(at: number, timeZone: string): number {
  return (new Date(`${dayOf(at, timeZone)}T00:00:00Z`).getUTCDay() + 6) % 7;
}

export function clock(at: number, timeZone: string): string {
  return formatTime(at, timeZone, { hour: "2-digit", minute: "2-digit" });
}

/** "13:00", "明天 07:00", "周一 07:00". */
function when(change: number, now: number, timeZone: string): string {
  const time = clock(change, timeZone);
  const day = dayOf(change, timeZone);
  if (day === dayOf(now, timeZone)) return time;
  if (day === dayOf(now + DAY_MS, timeZone)) return t("tomorrow", { time });
  return t("onDay", { day: dayName(weekdayOf(change, timeZone)), time });
}

export function openWords({ place, state }: Pick<Row, "place" | "state">, now: number, timeZone: string): OpenWords {
  const { status, opens_on } = place;
  if (status === "planned") return { text: opens_on ? t("plannedOn", { date: formatDate(opens_on) }) : t("planned"), tone: "info" };
  if (status === "closed") return { text: t("outOfUse"), tone: "bad" };
  if (state.is === "unknown") return { text: t(place.hours ? "unreadHours" : "unknownHours"), tone: "" };
  if (state.is === "holiday") return { text: t("holidayHours"), tone: "warn" };
  if (state.changesAt === null) {
    return state.is === "open" ? { text: t("openAlways"), tone: "good" } : { text: t("closedNow"), tone: "warn" };
  }
  const time = when(state.changesAt, now, timeZone);
  return state.is === "open" ? { text: t("openUntil", { time }), tone: "good" } : { text: t("closedUntil", { time }), tone: "warn" };
}

/** "步行约 6 分钟"; the straight distance where no way is known; "" without an origin. */
export function farWords(row: Row, metresPerMinute: number | null): string {
  if (row.walkM !== null && metresPerMinute) return t("walk", { n: minutesOf(row.walkM, metresPerMinute) });
  return row.straightM === null ? "" : t("straightly", { far: formatDistance(row.straightM) });
}

export function stepWords(step: Step): string {
  const values = { far: formatDistance(step.metres), to: t(`compass${step.compass}` as "compass0") };
  return t(`step_${step.turn}`, values);
}

export function subtitleOf(place: Place): string {
  const first = place.tier ? tierName(place.tier) : kindName(place.kind);
  return [first, place.address ?? place.community_name].filter(Boolean).join(" · ");
}

/** What a printed line says instead of "open now": the hours and the telephone. */
export function paperWords(place: Place, answer: PlacesAnswer): string {
  return [place.hours && hoursWords(place.hours, answer), place.phone].filter(Boolean).join(" · ");
}

/** Today's hours in a few words: "08:30–11:30　14:00–17:30". */
export function dayWords(day: ReturnType<typeof nextDays>[number], timeZone: string): string {
  if (day.isAllDay) return t("allDay");
  if (day.isUnknown) return t("holidayUnknown");
  if (day.spans.length === 0) return t("closedDay");
  return day.spans
    .map(([from, to]) => {
      const isNext = dayOf(to - 1, timeZone) !== dayOf(from, timeZone);
      return `${clock(from, timeZone)}–${isNext ? t("nextDay", { time: clock(to, timeZone) }) : clock(to, timeZone)}`;
    })
    .join("　");
}

/** A text of hours in words; itself where the answer does not know it. */
export function hoursWords(text: string, answer: PlacesAnswer): string {
  const hours = answer.hours[text];
  return hours ? either(hours.words, hours.words_en) : text;
}

export interface Spoken {
  row: Row;
  answer: PlacesAnswer;
  now: number;
  metresPerMinute: number | null;
  /** Names of the communities it delivers to. */
  delivers: string[];
}

function serviceNames(place: Place, answer: PlacesAnswer): string {
  return place.services.map((name) => either(name, answer.services[name]?.name_en)).join(either("、", ", "));
}

/** The card as sentences, in the order of the card. */
export function spokenCard({ row, answer, now, metresPerMinute, delivers }: Spoken): string[] {
  const { place } = row;
  const kind = place.tier ? `${kindName(place.kind)}，${tierName(place.tier)}` : kindName(place.kind);
  const said: (string | false | null | undefined)[] = [
    `${nameOf(place)}，${kind}`,
    openWords(row, now, answer.time_zone).text,
    farWords(row, metresPerMinute),
    place.address && t("sayAddress", { text: place.address }),
    place.phone && t("sayPhone", { text: [...place.phone].join(" ") }),
    place.hours && t("sayHours", { text: hoursWords(place.hours, answer) }),
    place.services.length > 0 && t(place.kind === "exchange_point" ? "sayExchanges" : "sayServices", { text: serviceNames(place, answer) }),
    ...(place.meals ?? []).map((meal) => t("sayMeal", { meal: nameOf(meal), text: hoursWords(meal.hours, answer) })),
    typeof place.price === "number" && t("sayPrice", { n: place.price }),
    place.price_note,
    delivers.length > 0 && t("sayDelivers", { text: delivers.join("、") }),
    place.is_accessible === true && t("sayAccess"),
  ];
  return said.filter((sentence): sentence is string => Boolean(sentence)).map((sentence) => sentence.replace(/[。.]?$/, t("stop")));
}
