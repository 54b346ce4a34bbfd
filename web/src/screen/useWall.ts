/** The wall's state: where it looks, what it knows of that place, and how old that is. */
import { computed, onScopeDispose, ref, shallowRef, triggerRef, watch } from "vue";
import { ApiError, get, itemsPath, type Params } from "../shared/api";
import { childAreas, forgetAreas, trailTo } from "../shared/areas";
import { useNow } from "../shared/clock";
import { coalesce } from "../shared/coalesce";
import { useLive } from "../shared/live";
import { account } from "../shared/session";
import type { Area, Category, Feature, FeaturePage, Figures, Incident, IncidentProperties, LayerInfo } from "../shared/types";
import { FEED_LENGTH, intoFeed, intoOpen, liesIn, OPEN_LENGTH, placeOf } from "./arrivals";
import { useLatest } from "./latest";
import { neighbour, nextStop } from "./tour";

const POLL_MS = 60_000;
const RETRY_MS = 10_000;
const PACE_MS = 5_000;
/** Everything anew, while incidents keep coming. */
const RARE_MS = 30_000;
/** Live incidents are drawn together, at most so often. */
const DRAW_MS = 250;
const FRESH_MS = 60_000;
export const STALE_MS = 150_000;
const CASE_LAYERS = new Set(["incident", "incident_density"]);

interface Counted {
  /** Of the area in view. */
  own: Figures;
  /** Of the area whose children the table lists. */
  listed: Figures;
}

/** An incident that the stream brought, and when. */
interface Arrival {
  incident: Incident;
  at: number;
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
  /** By code, of the last minute. */
  const arrivals = shallowRef(new Map<string, Arrival>());
  const figures = useLatest<Counted>(onSignedOut);
  const children = useLatest<Area[]>(onSignedOut);
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
    () =>
      feed.value.value?.filter(
        ({ properties: { code, status } }) => status === "reported" && (arrivals.value.get(code)?.at ?? 0) > now.value - FRESH_MS,
      ) ?? [],
  );
  /** Open and overdue incidents by area code, and what each is rated. */
  const counts = computed(() => new Map((figures.value.value?.listed.by_child ?? []).map((child) => [child.code, child])));

  function readFigures(): void {
    const [within, parent] = [area.value?.code, listed.value?.code];
    if (!within || !parent) return;
    void figures.load(within, async (signal) => {
      const read = (code: string): Promise<Figures> => get<Figures>("/api/figures", { within: code }, signal);
      const [own, whole] = await Promise.all([read(within), parent === within ? null : read(parent)]);
      return { own, listed: whole ?? own };
    });
  }

  function readChildren(): void {
    const parent = listed.value?.code;
    if (parent) void children.load(parent, () => childAreas(parent));
  }

  /** What the stream brought to the area in view since a moment: a reading that began then may not hold it. */
  function arrivedSince(at: number): Incident[] {
    const here = area.value;
    if (!here) return [];
    const came = [...arrivals.value.values()].filter((one) => one.at >= at).map((one) => one.incident);
    return came.filter((one) => liesIn(placeOf(one), here, placeNames.value));
  }

  async function readIncidents(params: Params, signal: AbortSignal): Promise<Incident[]> {
    return (await get<FeaturePage<IncidentProperties>>(itemsPath("incident"), params, signal)).features;
  }

  function readFeed(): void {
    const within = area.value?.code;
    if (!within) return;
    const began = Date.now();
    void feed.load(within, async (signal) => intoFeed(await readIncidents({ within, limit: FEED_LENGTH }, signal), arrivedSince(began)));
  }

  /** The open incidents as points for the map: the newest where there are more than it can bear. */
  function readOpen(): void {
    const within = area.value?.code;
    if (!within) return;
    const began = Date.now();
    const params = { within, is_open: true, limit: OPEN_LENGTH };
    void open.load(within, async (signal) => intoOpen(await readIncidents(params, signal), arrivedSince(began)));
  }

  async function readShape(): Promise<void> {
    const at = area.value;
    if (!at) return;
    await shape.load(at.code, (signal) => get<Feature>(`${itemsPath(at.level)}/${encodeURIComponent(at.code)}`, {}, signal));
  }

  function readAll(): void {
    readFigures();
    readChildren();
    readFeed();
    readOpen();
  }

  const readAllCalmly = coalesce(readAll, PACE_MS);
  const readAllRarely = coalesce(readAll, RARE_MS);
  const readFiguresCalmly = coalesce(readFigures, PACE_MS);
  let drawnAt = 0;
  const drawArrivals = coalesce(() => {
    const came = arrivedSince(drawnAt);
    drawnAt = Date.now();
    if (came.length === 0) return;
    feed.amend((list) => intoFeed(list, came));
    open.amend((list) => intoOpen(list, came));
    triggerRef(arrivals);
  }, DRAW_MS);

  function arrive(incident: Incident): void {
    const at = Date.now();
    for (const [code, one] of arrivals.value) {
      if (one.at > at - FRESH_MS) break; // the oldest come first
      arrivals.value.delete(code);
    }
    arrivals.value.delete(incident.properties.code);
    arrivals.value.set(incident.properties.code, { incident, at });
    drawArrivals();
    readFiguresCalmly();
  }

  const live = useLive({
    layer: ({ layer, revision }) => {
      onLayer(layer, revision);
      if (["district", "street", "community", "grid"].includes(layer)) forgetAreas();
      if (CASE_LAYERS.has(layer)) readAllRarely();
      else readAllCalmly();
    },
    incident: arrive,
    reset: readAllCalmly,
  });
  watch(live.state, (next, before) => {
    if (next === "open" && before === "lost") readAll(); // what came meanwhile may not come again
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

  /** Look at an area by its path, as a stop on the way. */
  async function lookAtPath(path: string): Promise<void> {
    const next = await trailTo(path);
    if (next.length > 0) look(next, false);
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
    cities, trail, area, city, listed, layers, categories, placeNames, figures, children, counts, feed, open, fresh, shape, now, live,
    isStale, startFault, base, start, look, lookAtPath, lookAt, lookAtPlace, advance, step, chooseCity, readAll,
  };
}

export type WallState = ReturnType<typeof useWall>;
