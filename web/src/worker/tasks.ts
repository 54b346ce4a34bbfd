/** Which incidents of the grid wait for its worker, what can be done with them, and in what order. */
import type { Incident, IncidentStatus, LonLat } from "../shared/types";
import type { Item, MoveItem, MoveTo } from "./queue/item";

/** The worker's part of the incident's life; the server decides and says why where it does not agree. */
export const MY_MOVES: Partial<Record<IncidentStatus, readonly MoveTo[]>> = {
  accepted: ["in_progress"],
  assigned: ["in_progress", "returned"],
  in_progress: ["resolved", "paused", "returned"],
  paused: ["in_progress"],
  resolved: ["verified", "reopened"],
  reopened: ["in_progress"],
};

export function movesOf(incident: Incident): readonly MoveTo[] {
  return MY_MOVES[incident.properties.status] ?? [];
}

export type LimitUnit = "emergency_hour" | "working_hour" | "working_day" | "natural_day";

/** An incident's file, as far as the worker needs it. */
export interface CaseFile {
  incident: Incident;
  moves: string[];
  may_ask: string[];
  deadline: { words: string; words_en: string; unit: LimitUnit; stopped_at: string | null } | null;
  needs_after_photo: boolean;
  requests: { id: number; kind: "pause" | "extension" | "return"; reason: string; decided_at: string | null }[];
}

/** Of the worker's moves those that the server allows; without its answer, those of the incident's status. */
export function allowedMoves(incident: Incident, file: CaseFile | null): readonly MoveTo[] {
  if (!file) return movesOf(incident);
  const isAsked = file.requests.some((one) => !one.decided_at);
  const allowed = new Set([...file.moves, ...(isAsked ? [] : file.may_ask)]);
  const moves = movesOf(file.incident).filter((to) => allowed.has(to));
  // More time is for who could do it, while its clock runs.
  const isRunning = file.deadline !== null && file.deadline.stopped_at === null;
  const isMine = allowed.has("in_progress") || allowed.has("resolved");
  return isRunning && isMine && !isAsked ? [...moves, "extended"] : moves;
}

/** A file that was kept on the device; where its incident has gone on since, with the moves of what it is now. */
export function brought(kept: CaseFile | undefined, incident: Incident): CaseFile | null {
  if (!kept) return null;
  const isSame = kept.incident.properties.status === incident.properties.status;
  return isSame ? kept : { ...kept, incident, moves: [...movesOf(incident)], may_ask: [] };
}

/** A move of this incident that is on the device and not yet known to the server. */
export function pendingMove(incident: Incident, items: Item[]): MoveItem | undefined {
  return items.find(
    (item): item is MoveItem => item.kind === "move" && item.incident === incident.properties.id && item.state === "waiting",
  );
}

const EARTH_M = 6_371_008.8;

/** Metres along the great circle. */
export function straightMetres([lon0, lat0]: LonLat, [lon1, lat1]: LonLat): number {
  const rad = Math.PI / 180;
  const half = (a: number): number => Math.sin((a * rad) / 2) ** 2;
  const chord = half(lat1 - lat0) + Math.cos(lat0 * rad) * Math.cos(lat1 * rad) * half(lon1 - lon0);
  return 2 * EARTH_M * Math.asin(Math.sqrt(chord));
}

export function pointOf(incident: Incident): LonLat {
  return (incident.geometry as GeoJSON.Point).coordinates as LonLat;
}

/** The nearest first. */
export function byDistance(from: LonLat): (a: Incident, b: Incident) => number {
  return (a, b) => straightMetres(from, pointOf(a)) - straightMetres(from, pointOf(b));
}
