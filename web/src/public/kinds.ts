/** What residents look for, as the server tells of it. */
import type { FacilityStatus } from "../shared/types";

/** In the order of the list. */
export const FACILITY_KINDS = ["station", "canteen", "elder_care", "exchange_point", "parking", "refuse_point"] as const;
export type FacilityKind = (typeof FACILITY_KINDS)[number];

export function isKind(text: string): text is FacilityKind {
  return (FACILITY_KINDS as readonly string[]).includes(text);
}

export interface Meal {
  name: string;
  name_en: string | null;
  /** A key of `PlacesAnswer.hours`. */
  hours: string;
}

export interface Place {
  kind: FacilityKind;
  code: string;
  name: string;
  name_en: string | null;
  /** What a search looks through: name, pinyin, initials, address, community and services, in lower case. */
  keys: string;
  lon: number;
  lat: number;
  tier: string | null;
  community: string | null;
  community_name: string | null;
  address: string | null;
  phone: string | null;
  /** The text of its hours, a key of `PlacesAnswer.hours`. */
  hours: string | null;
  services: string[];
  capacity: number | null;
  /** Of canteens only: a meal's price in the local currency, and who pays less. */
  price?: number | null;
  price_note?: string | null;
  meals_per_day?: number | null;
  meals?: Meal[];
  /** Codes of the communities that a canteen delivers to. */
  delivers_to?: string[];
  is_accessible: boolean | null;
  status: FacilityStatus;
  opens_on: string | null;
}

/** [from, to) in minutes since 1970, UTC. */
export type Span = [from: number, to: number];

/** When one text of hours is open, worked out by the server day by day, holidays included. */
export interface Hours {
  words: string;
  words_en: string;
  /** Whether the text was understood; if not, `words` is the text itself. */
  is_read: boolean;
  spans: Span[];
  /** When nobody said whether it is open: a holiday that the text does not speak of. */
  unknown: Span[];
}

/** One thing a station can do for you. */
export interface ServiceItem {
  name_en?: string | null;
  bring: string[];
  /** The lowest tier of station that does it. */
  tier: string | null;
  note?: string | null;
}

/** A community from whose middle walks can be measured. */
export interface Community {
  code: string;
  name: string;
  name_en?: string | null;
  street?: string | null;
  street_en?: string | null;
  lon: number;
  lat: number;
}

/** The answer of `/api/public/places`. */
export interface PlacesAnswer {
  as_of: string;
  /** The days that `hours` tells of, in minutes since 1970, UTC. */
  covers: Span;
  time_zone: string;
  /** The last day whose holidays are known. */
  calendar_until: string | null;
  /** Today's holiday. */
  holiday: { name: string; name_en?: string | null } | null;
  hours: Record<string, Hours>;
  services: Record<string, ServiceItem>;
  communities: Community[];
  places: Place[];
}

/** "station/XL0001": a place among all kinds. */
export function keyOf(place: Pick<Place, "kind" | "code">): string {
  return `${place.kind}/${place.code}`;
}
