/** Incidents as the live stream brings them: put where a new reading would put them, so that the wall need not wait for one. */
import type { Area, Incident, LonLat } from "../shared/types";

export const FEED_LENGTH = 40;
export const OPEN_LENGTH = 500;

const CLOSED = new Set(["closed", "rated", "rejected", "merged"]);

export function isClosed(incident: Incident): boolean {
  return CLOSED.has(incident.properties.status);
}

export interface Placed {
  community?: string | null;
  grid?: string | null;
  at: LonLat;
}

export function placeOf({ geometry, properties }: Incident): Placed {
  const at = (geometry as GeoJSON.Point).coordinates as LonLat;
  return { community: properties.community ?? null, grid: properties.grid ?? null, at };
}

/** Whether an incident lies in an area; `places` knows the communities. Outside of those its box has to do, until the next reading. */
export function liesIn({ community, grid, at: [lon, lat] }: Placed, area: Area, places: Map<string, Area>): boolean {
  if (area.level === "grid") return grid === area.code;
  if (community === area.code) return true;
  const known = places.get(community ?? "");
  if (known) return known.path.startsWith(`${area.path}.`);
  const [west, south, east, north] = area.bbox;
  return west <= lon && lon <= east && south <= lat && lat <= north;
}

const newestFirst = (a: Incident, b: Incident): number => b.properties.reported_at.localeCompare(a.properties.reported_at);

/** The newest incidents after some came or changed. */
export function intoFeed(feed: Incident[], arrived: Incident[]): Incident[] {
  const known = new Map([...feed, ...arrived].map((one) => [one.properties.code, one]));
  return [...known.values()].sort(newestFirst).slice(0, FEED_LENGTH);
}

/** The open incidents after some came, changed or were closed. */
export function intoOpen(open: Incident[], arrived: Incident[]): Incident[] {
  const known = new Map([...open, ...arrived].map((one) => [one.properties.code, one]));
  for (const one of arrived) if (isClosed(one)) known.delete(one.properties.code);
  const all = [...known.values()];
  return all.length > OPEN_LENGTH ? all.sort(newestFirst).slice(0, OPEN_LENGTH) : all;
}

/** Whether an open incident's time was over before its clock stopped: at its solution, and while it is paused. */
export function isOverdue({ properties: { status, due_at, resolved_at } }: Incident, now: number): boolean {
  return status !== "paused" && !!due_at && Date.parse(due_at) < (resolved_at ? Date.parse(resolved_at) : now);
}
