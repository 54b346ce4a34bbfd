/** How the list is chosen and ordered: pure, and on the device, so that a position never leaves the page. */
import type { LonLat } from "../shared/types";
import { stateOf, type OpenState } from "./hours";
import { FACILITY_KINDS, keyOf, type FacilityKind, type Place, type PlacesAnswer } from "./kinds";
import { metresOfDegree, type Walks } from "./walks";

export interface Choice {
  text: string;
  /** None chosen: all. */
  kinds: readonly FacilityKind[];
  openNow: boolean;
  stepFree: boolean;
  origin: LonLat | null;
  walks: Walks | null;
}

export interface Row {
  key: string;
  place: Place;
  state: OpenState;
  /** Metres along streets from the origin; null without one, or where no way is known. */
  walkM: number | null;
  /** Straight metres from the origin; null without one. */
  straightM: number | null;
}

/** Straight metres between two points of one city. */
export function straightMetres(a: LonLat, b: LonLat): number {
  const [east, north] = metresOfDegree((a[1] + b[1]) / 2);
  return Math.hypot((b[0] - a[0]) * east, (b[1] - a[1]) * north);
}

/** Whole minutes of a walk, never fewer than it takes. */
export function minutesOf(metres: number, metresPerMinute: number): number {
  return Math.max(1, Math.ceil(metres / metresPerMinute - 1e-9));
}

export function rowOf(place: Place, answer: PlacesAnswer, choice: Pick<Choice, "origin" | "walks">, nowMs: number): Row {
  const key = keyOf(place);
  return {
    key,
    place,
    state: stateOf(place, answer, nowMs),
    walkM: choice.walks?.metresTo(key) ?? null,
    straightM: choice.origin && straightMetres(choice.origin, [place.lon, place.lat]),
  };
}

function byWay(a: Row, b: Row): number {
  return (a.walkM ?? Infinity) - (b.walkM ?? Infinity) || (a.straightM ?? 0) - (b.straightM ?? 0);
}

function byKind(a: Row, b: Row): number {
  return (
    FACILITY_KINDS.indexOf(a.place.kind) - FACILITY_KINDS.indexOf(b.place.kind) ||
    Number(b.state.is === "open") - Number(a.state.is === "open")
  );
}

/**
 * The places that fit: the nearest on foot first; without an origin by kind, the open ones first. Equals stay in the
 * server's order, which is that of their names in pinyin.
 */
export function chooseRows(answer: PlacesAnswer, choice: Choice, nowMs: number): Row[] {
  const words = choice.text.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  return answer.places
    .filter((place) => choice.kinds.length === 0 || choice.kinds.includes(place.kind))
    .filter((place) => words.every((word) => place.keys.includes(word)))
    .filter((place) => !choice.stepFree || place.is_accessible === true)
    .map((place) => rowOf(place, answer, choice, nowMs))
    .filter((row) => !choice.openNow || row.state.is === "open")
    .sort(choice.origin ? byWay : byKind);
}
