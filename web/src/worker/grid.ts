/** What the page knows of the worker's grid: its shape, community, open incidents, buildings, facilities near; kept offline. */
import { computed, onMounted, onScopeDispose, ref, shallowRef, type Ref } from "vue";
import type { MultiPolygon, Polygon } from "geojson";
import { ApiError, get, itemPages, itemsPath } from "../shared/api";
import { nameOf } from "../shared/i18n";
import { forgetSession } from "../shared/session";
import { insidePoint } from "../shared/shape";
import { aheadMs } from "./clock";
import { keep, readKept } from "./kept";
import { t } from "./messages";
import type {
  Area,
  Facility,
  FacilityProperties,
  FeaturePage,
  Incident,
  IncidentProperties,
  IncidentStatus,
  LonLat,
  Membership,
} from "../shared/types";

export interface GridFeature {
  geometry: Polygon | MultiPolygon;
  properties: { code: string; name?: string | null; community?: string | null; households?: number | null };
}
export interface NearFacility {
  kind: FacilityKind;
  facility: Facility;
}
const FACILITY_KINDS = ["station", "canteen", "elder_care"] as const;
export type FacilityKind = (typeof FACILITY_KINDS)[number];

const ENDED: ReadonlySet<IncidentStatus> = new Set(["closed", "rated", "rejected", "merged"]);
/** A grid's incidents of many years: enough pages to find all that are open, and an end. */
const MAX_INCIDENTS = 2000;
const SHOWN_FACILITIES = 4;
const MAX_BUILDINGS = 1000;

/** A named thing of the grid that a place can be given by. */
export interface Building {
  name: string;
  at: LonLat;
}

export function isOpen(incident: Incident): boolean {
  return !ENDED.has(incident.properties.status);
}
export function isOverdue(incident: Incident, now: number): boolean {
  const due = incident.properties.due_at;
  return isOpen(incident) && !!due && Date.parse(due) < now;
}
/** The most urgent first: by the time it is due, those without one last, then by code. */
export function byUrgency(a: Incident, b: Incident): number {
  const due = (one: Incident): number => (one.properties.due_at ? Date.parse(one.properties.due_at) : Infinity);
  const [first, second] = [due(a), due(b)];
  return first === second ? a.properties.code.localeCompare(b.properties.code) : first - second;
}

export interface GridState {
  membership: Ref<Membership>;
  feature: Ref<GridFeature | null>;
  community: Ref<string>;
  timeZone: Ref<string>;
  isSample: Ref<boolean>;
  incidents: Ref<Incident[] | null>;
  facilities: Ref<NearFacility[] | null>;
  buildings: Ref<Building[]>;
  error: Ref<string>;
  incidentError: Ref<string>;
  /** When the incidents shown were read, by the server's clock; null while none are. */
  readAt: Ref<string | null>;
  load(): Promise<void>;
  loadIncidents(): Promise<void>;
}

/** The card as it is kept on the device. */
interface Card {
  feature: GridFeature;
  community: { name: string; name_en?: string | null } | null;
  district: { time_zone: string; is_sample: boolean } | null;
  facilities: NearFacility[];
  buildings: Building[];
}
interface Reading {
  at: string;
  incidents: Incident[];
}

function wordsOf(reason: unknown): string {
  if (!(reason instanceof ApiError)) return String(reason);
  if (reason.code === "not_signed_in") forgetSession();
  if (reason.code === "offline") return t("no_network");
  return reason.message;
}

async function nearFacilities(at: LonLat): Promise<NearFacility[]> {
  const pages = await Promise.all(
    FACILITY_KINDS.map(async (kind) => {
      const params = { near: at.join(","), status: "open", limit: 3 };
      const page = await get<FeaturePage<FacilityProperties>>(itemsPath(kind), params);
      return page.features.map((facility) => ({ kind, facility }));
    }),
  );
  const distance = (one: NearFacility): number => one.facility.properties.distance_m ?? Infinity;
  return pages
    .flat()
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, SHOWN_FACILITIES);
}

/** A point of any geometry. */
function somewhereIn(geometry: GeoJSON.Geometry): LonLat | null {
  if (geometry.type === "Point") return geometry.coordinates as LonLat;
  if (geometry.type === "Polygon" || geometry.type === "MultiPolygon") return insidePoint(geometry) as LonLat;
  return null;
}

/** Buildings and compounds of the grid that have a name. */
async function namedBuildings(code: string): Promise<Building[]> {
  const found: Building[] = [];
  for (const layer of ["compound", "unit"]) {
    for await (const page of itemPages<{ name?: string | null }>(layer, { within: code, limit: 500 })) {
      for (const { geometry, properties } of page) {
        const at = properties.name ? somewhereIn(geometry) : null;
        if (at) found.push({ name: properties.name!, at });
      }
      if (found.length >= MAX_BUILDINGS) break;
    }
  }
  return found;
}

async function readCard({ code, path }: Membership): Promise<Card> {
  const { areas } = await get<{ areas: Area[] }>("/api/areas");
  const district = areas.find((area) => area.path === path.split(".")[0]) ?? null;
  const feature = await get<GridFeature>(`${itemsPath("grid")}/${encodeURIComponent(code)}`);
  const { community } = feature.properties;
  const area = community
    ? await get<{ properties: { name: string; name_en?: string | null } }>(`${itemsPath("community")}/${encodeURIComponent(community)}`)
    : null;
  const [facilities, buildings] = await Promise.all([
    nearFacilities(insidePoint(feature.geometry) as LonLat),
    namedBuildings(code),
  ]);
  return { feature, community: area?.properties ?? null, district, facilities, buildings };
}

async function readIncidents(code: string): Promise<Reading> {
  const found: Incident[] = [];
  for await (const page of itemPages<IncidentProperties>("incident", { within: code, limit: 500 })) {
    found.push(...page);
    if (found.length >= MAX_INCIDENTS) break;
  }
  const at = new Date(Date.now() + (aheadMs.value ?? 0)).toISOString();
  return { at, incidents: found.filter(isOpen).sort(byUrgency) };
}

export function useGrid(login: string, membership: () => Membership): GridState {
  const card = shallowRef<Card | null>(null);
  const reading = shallowRef<Reading | null>(null);
  const error = ref("");
  const incidentError = ref("");

  /** Show what is kept while nothing newer is there, then what the server says; an answer for another grid is dropped. */
  const follow = async <T>(name: string, shown: Ref<T | null>, fault: Ref<string>, read: (one: Membership) => Promise<T>): Promise<void> => {
    const one = membership();
    const key = `${login}/${one.code}/${name}`;
    const isStill = (): boolean => membership().code === one.code;
    fault.value = "";
    const kept = shown.value === null ? await readKept<T>(key) : undefined;
    if (kept && isStill() && shown.value === null) shown.value = kept;
    try {
      const fresh = await read(one);
      if (!isStill()) return;
      shown.value = fresh;
      await keep(key, fresh);
    } catch (reason) {
      if (isStill()) fault.value = wordsOf(reason);
    }
  };
  const loadIncidents = (): Promise<void> => follow("incidents", reading, incidentError, (one) => readIncidents(one.code));
  const loadCard = (): Promise<void> => follow("card", card, error, readCard);
  const load = async (): Promise<void> => {
    if (card.value && card.value.feature.properties.code !== membership().code) {
      card.value = null;
      reading.value = null;
    }
    await Promise.all([loadCard(), loadIncidents()]);
  };
  onMounted(load);
  window.addEventListener("online", load);
  onScopeDispose(() => window.removeEventListener("online", load));

  return {
    membership: computed(membership),
    feature: computed(() => card.value?.feature ?? null),
    community: computed(() => (card.value?.community ? nameOf(card.value.community) : "")),
    timeZone: computed(() => card.value?.district?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
    isSample: computed(() => card.value?.district?.is_sample ?? false),
    incidents: computed(() => reading.value?.incidents ?? null),
    facilities: computed(() => card.value?.facilities ?? null),
    buildings: computed(() => card.value?.buildings ?? []),
    error,
    incidentError,
    readAt: computed(() => reading.value?.at ?? null),
    load,
    loadIncidents,
  };
}
