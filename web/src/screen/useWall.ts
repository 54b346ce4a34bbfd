/** The wall's state: where it looks, what it knows of that place, and how old that is. */
import { computed, onScopeDispose, ref, shallowRef, watch } from "vue";
import { ApiError, get, itemsPath } from "../shared/api";
import { childAreas, forgetAreas, trailTo } from "../shared/areas";
import { useNow } from "../shared/clock";
import { coalesce } from "../shared/coalesce";
import { useLive } from "../shared/live";
import { account } from "../shared/session";
import type { Area, Category, Feature, FeaturePage, Figures, Incident, IncidentProperties, LayerInfo } from "../shared/types";
import { useLatest } from "./latest";
import { neighbour, nextStop } from "./tour";

const POLL_MS = 60_000;
const RETRY_MS = 10_000;
const PACE_MS = 5_000;
const FRESH_MS = 60_000;
const FEED_LENGTH = 40;
const OPEN_LENGTH = 500;
export const STALE_MS = 150_000;

interface Level {
  areas: Area[];
  /** Open and overdue incidents by area code. */
  counts: Map<string, { open: number; overdue: number }>;
}

/** Areas whose memberships cover a path; an empty path covers all. */
function mayShow(area: Area): boolean {
  return (
    account.value?.memberships.some(({ path }) => path === "" || path.startsWith(area.path) || area.path.startsWith(path)) ?? false
  );
}

export function useWall(onSignedOut: () => void, onLayer: (layer: string, revision: number) => void) {
  const cities = shallowRef<Area[]>([]);
  const trail = shallowRef<Area[]>([]);
  const base = ref(0);
  const layers = shallowRef<LayerInfo[]>([]);
  const categories = shallowRef(new Map<string, Category>());
  const placeNames = shallowRef(new Map<string, Area>());
  const freshUntil = shallowRef(new Map<string, number>());
  const figures = useLatest<Figures>(onSignedOut);
  const level = useLatest<Level>(onSignedOut);
  const feed = useLatest<Incident[]>(onSignedOut);
  const open = useLatest<Incident[]>(onSignedOut);
  const shape = useLatest<Feature>(onSignedOut);
  const startFault = shallowRef<ApiError | null>(null);
  const now = useNow(1000);

  const area = computed(() => trail.value.at(-1) ?? null);
  const city = computed(() => trail.value[0] ?? null);
  /** The area whose children the table lists: the one in view, or for a grid its community. */
  const listed = computed(() => (area.value?.level === "grid" ? (trail.value.at(-2) ?? null) : area.value));
  const isStale = computed(() => figures.fault.value !== null || (figures.readAt.value !== null && now.value - figures.readAt.value > STALE_MS));
  const fresh = computed(
    () => feed.value.value?.filter((incident) => (freshUntil.value.get(incident.properties.code) ?? 0) > now.value) ?? [],
  );

  function readFigures(): void {
    const within = area.value?.code;
    if (within) void figures.load(within, (signal) => get<Figures>("/api/figures", { within }, signal));
  }

  function readLevel(): void {
    const parent = listed.value;
    if (!parent) return;
    void level.load(parent.code, async (signal) => {
      const [areas, whole] = await Promise.all([
        childAreas(parent.code),
        get<Figures>("/api/figures", { within: parent.code }, signal),
      ]);
      return { areas, counts: new Map(whole.by_child.map(({ code, open, overdue }) => [code, { open, overdue }])) };
    });
  }

  function readFeed(): void {
    const within = area.value?.code;
    if (!within) return;
    void feed.load(within, async (signal) => {
      const params = { within, limit: FEED_LENGTH };
      const page = await get<FeaturePage<IncidentProperties>>(itemsPath("incident"), params, signal);
      return page.features.sort((a, b) => b.properties.reported_at.localeCompare(a.properties.reported_at));
    });
  }

  /** The open incidents as points for the map: the newest where there are more than it can bear. */
  function readOpen(): void {
    const within = area.value?.code;
    if (!within) return;
    void open.load(within, async (signal) => {
      const params = { within, is_open: true, limit: OPEN_LENGTH };
      return (await get<FeaturePage<IncidentProperties>>(itemsPath("incident"), params, signal)).features;
    });
  }

  async function readShape(): Promise<void> {
    const at = area.value;
    if (!at) return;
    await shape.load(at.code, (signal) => get<Feature>(`${itemsPath(at.level)}/${encodeURIComponent(at.code)}`, {}, signal));
  }

  function readAll(): void {
    readFigures();
    readLevel();
    readFeed();
    readOpen();
  }

  const readAllCalmly = coalesce(readAll, PACE_MS);
  const live = useLive({
    layer: ({ layer, revision }) => {
      onLayer(layer, revision);
      if (["district", "street", "community", "grid"].includes(layer)) forgetAreas();
      readAllCalmly();
    },
    incident: (incident) => {
      freshUntil.value = new Map(freshUntil.value).set(incident.properties.code, Date.now() + FRESH_MS);
      readAllCalmly();
    },
    reset: readAllCalmly,
  });
  const poll = setInterval(readAll, POLL_MS);
  let startTimer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => {
    clearInterval(poll);
    clearTimeout(startTimer);
  });

  /** Look at a place; `asBase` makes it the place where a rotation begins and returns to. */
  function look(next: Area[], asBase = true): void {
    trail.value = next;
    if (asBase) base.value = Math.max(0, next.at(-1)?.level === "grid" ? next.length - 2 : next.length - 1);
  }

  const childrenOf = (parent: Area): Promise<Area[]> => childAreas(parent.code);

  async function advance(depth: number): Promise<void> {
    const from = trail.value;
    const next = await nextStop(from, base.value, depth, childrenOf).catch(() => from);
    if (trail.value === from) look(next, false);
  }

  async function step(by: number): Promise<void> {
    const next = await neighbour(trail.value, by, childrenOf);
    if (next) look(next, false);
  }

  async function lookAt(code: string): Promise<void> {
    const parent = listed.value;
    if (!parent) return;
    const found = (await childrenOf(parent)).find((child) => child.code === code);
    if (found) look([...trail.value.slice(0, trail.value.indexOf(parent) + 1), found]);
  }

  /** What lies under a click: a child of the area in view, else one of its siblings. */
  async function lookAtPlace(lon: number, lat: number): Promise<void> {
    const speck = 1e-6;
    const bbox = [lon - speck, lat - speck, lon + speck, lat + speck].join(",");
    for (let at = trail.value.length; at >= 1; at--) {
      const parent = trail.value[at - 1]!;
      const [first] = await childrenOf(parent);
      if (!first) continue;
      const page = await get<FeaturePage>(itemsPath(first.level), { bbox, limit: 4 });
      const codes = new Set(page.features.map((feature) => feature.properties["code"]));
      const found = (await childrenOf(parent)).find((child) => codes.has(child.code));
      if (found) return look([...trail.value.slice(0, at), found]);
    }
  }

  async function chooseCity(code: string): Promise<void> {
    const chosen = cities.value.find((one) => one.code === code);
    if (chosen) look([chosen]);
  }

  async function readPlaceNames(of: Area): Promise<void> {
    const streets = await childAreas(of.code);
    const below = await Promise.all(streets.map((street) => (street.level === "street" ? childAreas(street.code) : [])));
    placeNames.value = new Map([...streets, ...below.flat()].map((one) => [one.code, one]));
  }

  async function readStart(): Promise<void> {
    const [all, layerAnswer] = await Promise.all([childAreas(null), get<{ layers: LayerInfo[] }>("/api/layers")]);
    layers.value = layerAnswer.layers;
    cities.value = all.filter(mayShow);
    const own = account.value?.memberships.find(({ path }) => path !== "");
    const first = own ? await trailTo(own.path) : [];
    if (!area.value) look(first.length > 0 ? first : cities.value.slice(0, 1));
    const { categories: list } = await get<{ categories: Category[] }>("/api/categories");
    categories.value = new Map(list.map((category) => [category.code, category]));
  }

  /** Find the first place to look at; what fails is said and tried again. */
  async function start(): Promise<void> {
    try {
      await readStart();
      startFault.value = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return onSignedOut();
      startFault.value = error;
      startTimer = setTimeout(() => void start(), RETRY_MS);
    }
  }

  watch(area, () => {
    readAll();
    void readShape();
  });
  watch(city, (next) => next && void readPlaceNames(next).catch(() => undefined));

  return {
    cities, trail, area, city, listed, layers, categories, placeNames, figures, level, feed, open, fresh, shape, now, live, isStale,
    startFault, start, look, lookAt, lookAtPlace, advance, step, chooseCity, readAll,
  };
}

export type WallState = ReturnType<typeof useWall>;
