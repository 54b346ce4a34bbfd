/** What the page knows of the worker's grid: its shape, community, open incidents, facilities near. */
import { computed, onMounted, onScopeDispose, ref, shallowRef, type Ref } from "vue";
import type { MultiPolygon, Polygon } from "geojson";
import { ApiError, get, itemPages, itemsPath } from "../shared/api";
import { nameOf } from "../shared/i18n";
import { t } from "./messages";
import { forgetSession } from "../shared/session";
import { insidePoint } from "../shared/shape";
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
  error: Ref<string>;
  incidentError: Ref<string>;
  load(): Promise<void>;
  loadIncidents(): Promise<void>;
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

export function useGrid(membership: () => Membership): GridState {
  const feature = shallowRef<GridFeature | null>(null);
  const communityArea = shallowRef<{ name: string; name_en?: string | null } | null>(null);
  const district = shallowRef<Area | null>(null);
  const incidents = shallowRef<Incident[] | null>(null);
  const facilities = shallowRef<NearFacility[] | null>(null);
  const error = ref("");
  const incidentError = ref("");

  const loadIncidents = async (): Promise<void> => {
    incidentError.value = "";
    try {
      const found: Incident[] = [];
      for await (const page of itemPages<IncidentProperties>("incident", { within: membership().code, limit: 500 })) {
        found.push(...page);
        if (found.length >= MAX_INCIDENTS) break;
      }
      incidents.value = found.filter(isOpen).sort(byUrgency);
    } catch (reason) {
      incidentError.value = wordsOf(reason);
    }
  };

  const loadCard = async (): Promise<void> => {
    error.value = "";
    try {
      const { code, path } = membership();
      const { areas } = await get<{ areas: Area[] }>("/api/areas");
      district.value = areas.find((area) => area.path === path.split(".")[0]) ?? null;
      feature.value = await get<GridFeature>(`${itemsPath("grid")}/${encodeURIComponent(code)}`);
      const { community } = feature.value.properties;
      if (community) {
        const area = await get<{ properties: { name: string; name_en?: string | null } }>(
          `${itemsPath("community")}/${encodeURIComponent(community)}`,
        );
        communityArea.value = area.properties;
      }
      facilities.value = await nearFacilities(insidePoint(feature.value.geometry) as LonLat);
    } catch (reason) {
      error.value = wordsOf(reason);
    }
  };

  const load = async (): Promise<void> => {
    feature.value = null;
    incidents.value = null;
    facilities.value = null;
    await Promise.all([loadCard(), loadIncidents()]);
  };
  onMounted(load);
  window.addEventListener("online", load);
  onScopeDispose(() => window.removeEventListener("online", load));

  return {
    membership: computed(membership),
    feature,
    community: computed(() => (communityArea.value ? nameOf(communityArea.value) : "")),
    timeZone: computed(() => district.value?.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone),
    isSample: computed(() => district.value?.is_sample ?? false),
    incidents,
    facilities,
    error,
    incidentError,
    load,
    loadIncidents,
  };
}
