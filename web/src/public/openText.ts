/** Whether a place is open, in one short phrase. */
import { formatDate, formatTime } from "../shared/format";
import type { Row } from "./kinds";
import { dayRange, t } from "./messages";

export interface OpenText {
  text: string;
  tone: "good" | "warn" | "bad" | "info" | "";
}

const DAY_MS = 86_400_000;

function dayOf(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone }).format(at);
}

/** "13:00", "明天 07:00", "周一 07:00". */
function when(change: Date, now: number, timeZone: string): string {
  const time = formatTime(change, timeZone, { hour: "2-digit", minute: "2-digit" });
  const day = dayOf(change.getTime(), timeZone);
  if (day === dayOf(now, timeZone)) return t("today", { time });
  if (day === dayOf(now + DAY_MS, timeZone)) return t("tomorrow", { time });
  const weekday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
  return t("onDay", { day: dayRange(weekday, weekday), time });
}

export function openText({ place, state }: Row, now: number, timeZone: string): OpenText {
  const { status, opens_on } = place.facility.properties;
  if (status === "planned") return { text: opens_on ? t("plannedOn", { date: formatDate(opens_on) }) : t("planned"), tone: "info" };
  if (status === "closed") return { text: t("outOfUse"), tone: "bad" };
  if (!state) return { text: t("unknownHours"), tone: "" };
  if (state.isOpen && !state.nextChange) return { text: t("openAlways"), tone: "good" };
  if (state.isOpen) return { text: t("openUntil", { time: when(state.nextChange!, now, timeZone) }), tone: "good" };
  if (!state.nextChange) return { text: t("closedNow"), tone: "warn" };
  return { text: t("closedUntil", { time: when(state.nextChange, now, timeZone) }), tone: "warn" };
}
