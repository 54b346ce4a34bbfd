/** A day of incidents as it stood at any second of it: worked out from their steps, never from what they are today. */
import type { Area, Incident, IncidentStatus, LonLat } from "../shared/types";
import { FEED_LENGTH, liesIn, OPEN_LENGTH } from "./arrivals";

export interface Replayed {
  code: string;
  category: string;
  community: string | null;
  grid: string | null;
  lon: number;
  lat: number;
  /** Seconds after the day's begin. */
  due_s: number | null;
  /** When it became what, in order; also before the day. */
  steps: [seconds: number, status: IncidentStatus][];
}

export interface ReplayDay {
  within: string;
  date: string;
  time_zone: string;
  begin: string;
  until: string;
  as_of: string;
  incidents: Replayed[];
}

export interface Moment {
  open: number;
  overdue: number;
  /** Since the day's begin. */
  reported: number;
  closed: number;
  /** Open and overdue by code of the area inside. */
  counts: Map<string, { open: number; overdue: number }>;
  /** Open ones for the map, the newest where there are more than it can bear. */
  points: { code: string; at: LonLat; isOverdue: boolean }[];
  feed: Incident[];
  /** Codes of those reported in the last minutes before. */
  fresh: Set<string>;
}

interface State {
  status: IncidentStatus | null;
  reportedS: number;
  isOpen: boolean;
  isOverdue: boolean;
  closedS: number | null;
}

const CLOSED = new Set<IncidentStatus>(["closed", "rated", "rejected", "merged"]);
const STOPPED = new Set<IncidentStatus>(["resolved", "verified"]);
const FRESH_S = 900;

/** What an incident was at a second. Its clock stands still while it is paused, and from its solution on. */
export function stateOf({ steps, due_s }: Replayed, atS: number): State {
  let status: IncidentStatus | null = null;
  let stoppedS: number | null = null;
  let closedS: number | null = null;
  for (const [second, next] of steps) {
    if (second > atS) break;
    if (!STOPPED.has(next)) stoppedS = null;
    else stoppedS ??= second;
    if (!CLOSED.has(next)) closedS = null;
    else closedS ??= second;
    status = next;
  }
  const isOpen = status !== null && !CLOSED.has(status);
  const isOverdue = isOpen && status !== "paused" && due_s !== null && due_s < (stoppedS ?? atS);
  return { status, reportedS: steps[0]?.[0] ?? 0, isOpen, isOverdue, closedS };
}

function asIncident(one: Replayed, { status, reportedS }: State, beginMs: number): Incident {
  const time = (seconds: number): string => new Date(beginMs + seconds * 1000).toISOString();
  return {
    type: "Feature",
    id: one.code,
    geometry: { type: "Point", coordinates: [one.lon, one.lat] },
    properties: {
      code: one.code,
      category: one.category,
      title: "",
      status: status ?? "reported",
      community: one.community,
      grid: one.grid,
      reported_at: time(reportedS),
      due_at: one.due_s === null ? null : time(one.due_s),
    },
  };
}

/** The area and its children as they stood at a second of the day. */
export function momentAt(day: ReplayDay, atS: number, area: Area, children: Area[], places: Map<string, Area>): Moment {
  const beginMs = Date.parse(day.begin);
  const moment: Moment = {
    open: 0, overdue: 0, reported: 0, closed: 0, counts: new Map(), points: [], feed: [], fresh: new Set(),
  };
  const counts = children.map((child) => ({ child, open: 0, overdue: 0 }));
  const seen: [Replayed, State][] = [];
  for (const one of day.incidents) {
    const placed = { ...one, at: [one.lon, one.lat] as LonLat };
    const state = stateOf(one, atS);
    if (state.status === null) continue;
    const count = counts.find(({ child }) => liesIn(placed, child, places));
    if (count && state.isOpen) {
      count.open++;
      if (state.isOverdue) count.overdue++;
    }
    if (!liesIn(placed, area, places)) continue;
    seen.push([one, state]);
    if (state.reportedS >= 0) moment.reported++;
    if (state.closedS !== null && state.closedS >= 0) moment.closed++;
    if (!state.isOpen) continue;
    moment.open++;
    if (state.isOverdue) moment.overdue++;
    moment.points.push({ code: one.code, at: placed.at, isOverdue: state.isOverdue });
  }
  seen.sort(([, a], [, b]) => b.reportedS - a.reportedS);
  moment.points = moment.points.slice(-OPEN_LENGTH);
  moment.feed = seen.slice(0, FEED_LENGTH).map(([one, state]) => asIncident(one, state, beginMs));
  moment.fresh = new Set(seen.filter(([, { reportedS }]) => atS - reportedS < FRESH_S).map(([one]) => one.code));
  for (const { child, open, overdue } of counts) moment.counts.set(child.code, { open, overdue });
  return moment;
}

export type ReplayList = "open" | "overdue" | "today" | "closed";

/** The incidents behind a figure of a moment, the newest first: as many as it counts. */
export function listAt(day: ReplayDay, atS: number, area: Area, places: Map<string, Area>, key: ReplayList): Incident[] {
  const counts: Record<ReplayList, (state: State) => boolean> = {
    open: ({ isOpen }) => isOpen,
    overdue: ({ isOverdue }) => isOverdue,
    today: ({ status, reportedS }) => status !== null && reportedS >= 0,
    closed: ({ closedS }) => closedS !== null && closedS >= 0,
  };
  return day.incidents
    .map((one) => [one, stateOf(one, atS)] as const)
    .filter(([one, state]) => counts[key](state) && liesIn({ ...one, at: [one.lon, one.lat] }, area, places))
    .sort(([, a], [, b]) => b.reportedS - a.reportedS)
    .map(([one, state]) => asIncident(one, state, Date.parse(day.begin)));
}

/** The last second of the day that is known: its end, or now. */
export function lengthOf(day: ReplayDay): number {
  const end = Math.min(Date.parse(day.until), Date.parse(day.as_of));
  return Math.max(0, Math.floor((end - Date.parse(day.begin)) / 1000));
}
