/** Whether something like it has been reported already: same category, near in place and time, as the catalogue says. */
import type { Category, Incident, LonLat } from "../shared/types";
import { pointOf, straightMetres } from "./tasks";

export interface Like {
  incident: Incident;
  away_m: number;
}

const HOUR_MS = 3_600_000;
const MOST = 2;

/** Open incidents that may be the same thing, the nearest first. */
export function alike(at: LonLat, category: Category, incidents: readonly Incident[], now: number): Like[] {
  const near_m = category.duplicate_m ?? 0;
  const since = now - (category.duplicate_hours ?? 0) * HOUR_MS;
  return incidents
    .filter(({ properties }) => properties.category === category.code && Date.parse(properties.reported_at) >= since)
    .map((incident) => ({ incident, away_m: straightMetres(at, pointOf(incident)) }))
    .filter(({ away_m }) => away_m <= near_m)
    .sort((a, b) => a.away_m - b.away_m)
    .slice(0, MOST);
}
