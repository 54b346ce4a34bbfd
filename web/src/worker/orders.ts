/** Orders that a volunteer may take, the points for them, and the shops that take points. */
import { onMounted, ref, shallowRef, type Ref } from "vue";
import { ApiError, get, request } from "../shared/api";
import { forgetSession } from "../shared/session";
import { insidePoint } from "../shared/shape";
import type { Area, LonLat } from "../shared/types";
import type { GridState } from "./grid";
import { t } from "./messages";

export interface Order {
  id: string;
  code: string;
  status: "asked" | "offered" | "accepted" | "done" | "confirmed" | "cancelled";
  kind_name: string;
  kind_name_en: string;
  title: string;
  details: string | null;
  community_name: string | null;
  points: number;
  asked_at: string;
  is_taker: boolean;
  is_case: boolean;
  moves: Order["status"][];
}
/** What the volunteer who has taken an order is told of it. */
export interface OrderFile extends Order {
  words: string | null;
  has_phone: boolean;
}
export interface Entry {
  id: string;
  at: string;
  amount: number;
  words: string;
  other: string | null;
  is_reversed: boolean;
}
export interface Volunteer {
  is_volunteer: boolean;
  balance: number;
  entries: Entry[];
}
export interface Shop {
  code: string;
  name: string;
  name_en: string | null;
  address: string | null;
  hours: string | null;
  services: string[];
  lon: number;
  lat: number;
  status: "open" | "planned" | "closed";
}
/** The answer of `/api/public/places`, as far as shops go. */
export interface Shops {
  places: Shop[];
  hours: Record<string, { words: string; words_en: string }>;
  services: Record<string, { name_en?: string | null }>;
}

export interface OrdersState {
  orders: Ref<Order[] | null>;
  /** What is told of those that one has taken, by id. */
  taken: Ref<ReadonlyMap<string, OrderFile>>;
  volunteer: Ref<Volunteer | null>;
  shops: Ref<Shops | null>;
  error: Ref<string>;
  isBusy: Ref<boolean>;
  load(): Promise<void>;
  loadShops(): Promise<void>;
  /** Do something on the server and read anew; tells whether it was done. */
  act(method: "PUT" | "POST" | "DELETE", path: string, json?: unknown): Promise<boolean>;
}

/** "洗衣液（30 积分）": how many points an item costs, where its name says so. */
export function pointsOf(item: string): number | null {
  const found = /（(\d+)\s*积分）$/.exec(item);
  return found ? Number(found[1]) : null;
}

/** Mine before others', what is to be done first; among equals the newest, as the server lists them. */
export function mineOf(orders: Order[]): Order[] {
  const rank = { accepted: 0, done: 1 } as Partial<Record<Order["status"], number>>;
  return orders
    .filter((one) => one.is_taker && one.status in rank)
    .sort((a, b) => rank[a.status]! - rank[b.status]!);
}

function wordsOf(reason: unknown): string {
  if (!(reason instanceof ApiError)) return String(reason);
  if (reason.code === "not_signed_in") forgetSession();
  return reason.code === "offline" ? t("no_network") : reason.message;
}

/** Shops by how far they are from a place, straight. */
export function nearestFirst(shops: Shop[], at: LonLat): Shop[] {
  const width = Math.cos((at[1] * Math.PI) / 180);
  const away = (one: Shop): number => Math.hypot((one.lon - at[0]) * width, one.lat - at[1]);
  return [...shops].sort((a, b) => away(a) - away(b));
}

export function useOrders(grid: GridState): OrdersState {
  const orders = shallowRef<Order[] | null>(null);
  const taken = shallowRef<ReadonlyMap<string, OrderFile>>(new Map());
  const volunteer = shallowRef<Volunteer | null>(null);
  const shops = shallowRef<Shops | null>(null);
  const error = ref("");
  const isBusy = ref(false);

  async function read(): Promise<void> {
    const [list, own] = await Promise.all([get<{ orders: Order[] }>("/api/orders"), get<Volunteer>("/api/volunteer")]);
    const files = await Promise.all(mineOf(list.orders).map((one) => get<OrderFile>(`/api/orders/${one.id}`)));
    taken.value = new Map(files.map((one) => [one.id, one]));
    volunteer.value = own;
    orders.value = list.orders;
  }
  async function tried(work: () => Promise<void>): Promise<boolean> {
    if (isBusy.value) return false;
    isBusy.value = true;
    error.value = "";
    try {
      await work();
      return true;
    } catch (reason) {
      error.value = wordsOf(reason);
      return false;
    } finally {
      isBusy.value = false;
    }
  }
  async function act(method: "PUT" | "POST" | "DELETE", path: string, json?: unknown): Promise<boolean> {
    const isDone = await tried(() => request(method, path, json === undefined ? {} : { json }));
    const refused = error.value;
    // Somebody may have been faster: what is shown is read anew either way, and why it was refused stays.
    await tried(read);
    error.value ||= refused;
    return isDone;
  }
  async function loadShops(): Promise<void> {
    if (shops.value) return;
    error.value = "";
    try {
      const { areas } = await get<{ areas: Area[] }>("/api/areas");
      const district = areas.find((area) => area.path === grid.membership.value.path.split(".")[0]);
      if (!district) return;
      const found = await get<Shops>("/api/public/places", { within: district.code, kind: "exchange_point" });
      const at = grid.feature.value && (insidePoint(grid.feature.value.geometry) as LonLat);
      shops.value = at ? { ...found, places: nearestFirst(found.places, at) } : found;
    } catch (reason) {
      error.value = wordsOf(reason);
    }
  }
  onMounted(() => void tried(read));
  return { orders, taken, volunteer, shops, error, isBusy, load: async () => void (await tried(read)), loadShops, act };
}
