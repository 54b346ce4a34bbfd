/** What residents look for, and how the list is chosen and ordered: pure, so that a position never leaves the page. */
import { openState, parseHours, type OpenState, type WeekHours } from "../shared/hours";
import type { Facility, LonLat } from "../shared/types";

export const FACILITY_KINDS = ["station", "canteen", "elder_care", "parking", "refuse_point"] as const;
export type FacilityKind = (typeof FACILITY_KINDS)[number];

/** A facility with what the list needs to know of it, worked out once. */
export interface Place {
  kind: FacilityKind;
  facility: Facility;
  at: LonLat;
  week: WeekHours | null;
  /** What a search looks through, in lower case. */
  text: string;
}

export interface Choice {
  text: string;
  openNow: boolean;
  stepFree: boolean;
  origin: LonLat | null;
}

export interface Row {
  place: Place;
  state: OpenState | null;
  isOpenNow: boolean;
  /** Straight-line metres from the origin; null without one. */
  distanceM: number | null;
}

const EARTH_RADIUS_M = 6_371_009;

/** The middle of a feature's points: the point itself, or near enough the middle of a car park. */
export function middleOf(geometry: GeoJSON.Geometry): LonLat {
  if (geometry.type === "GeometryCollection") throw new TypeError("a facility is a point or a polygon");
  const points = [geometry.coordinates].flat(Infinity) as number[];
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at + 1 < points.length; at += 2) {
    const [lon, lat] = [points[at]!, points[at + 1]!];
    [west, east, south, north] = [Math.min(west, lon), Math.max(east, lon), Math.min(south, lat), Math.max(north, lat)];
  }
  return [(west + east) / 2, (south + north) / 2];
}

export function placeOf(kind: FacilityKind, facility: Facility): Place {
  const { name, name_en, address, services, code } = facility.properties;
  const text = [name, name_en, address, code, ...(services ?? [])].filter(Boolean).join(" ").toLowerCase();
  return { kind, facility, at: middleOf(facility.geometry), week: parseHours(facility.properties.hours), text };
}

/** Great-circle distance in metres. */
export function distanceM(a: LonLat, b: LonLat): number {
  const rad = Math.PI / 180;
  const [dLat, dLon] = [(b[1] - a[1]) * rad, (b[0] - a[0]) * rad];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[1] * rad) * Math.cos(b[1] * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(h));
}

function rowOf(place: Place, choice: Choice, now: Date, timeZone: string): Row {
  const isInUse = (place.facility.properties.status ?? "open") === "open";
  const state = isInUse && place.week ? openState(place.week, now, timeZone) : null;
  const away = choice.origin && distanceM(choice.origin, place.at);
  return { place, state, isOpenNow: state?.isOpen ?? false, distanceM: away };
}

/** The places that fit, nearest first; without an origin the open ones first, then by name. */
export function chooseRows(places: Place[], choice: Choice, now: Date, timeZone: string): Row[] {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const byName = new Intl.Collator("zh-CN");
  return places
    .filter((place) => words.every((word) => place.text.includes(word)))
    .filter((place) => !choice.stepFree || place.facility.properties.is_accessible === true)
    .map((place) => rowOf(place, choice, now, timeZone))
    .filter((row) => !choice.openNow || row.isOpenNow)
    .sort(
      (a, b) =>
        (a.distanceM ?? 0) - (b.distanceM ?? 0) ||
        Number(b.isOpenNow) - Number(a.isOpenNow) ||
        byName.compare(a.place.facility.properties.name, b.place.facility.properties.name),
    );
}
