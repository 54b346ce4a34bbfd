/**
 * The worker's shift. It begins and ends by the worker's hand; its track is off unless the worker asks for it, and then
 * runs only while this page is open and the sign is on the screen: a browser gives a closed page no position.
 */
import { computed, onScopeDispose, ref, watch, type ComputedRef, type Ref } from "vue";
import { remember, remembered } from "../shared/i18n";
import type { LonLat } from "../shared/types";
import { t } from "./messages";
import { noteCurrent, roundDegrees } from "./place";
import { straightMetres } from "./tasks";
import { enter } from "./useBook";

export interface Shift {
  id: string;
  grid: string;
  /** By the device's clock. */
  started_at: string;
  is_tracked: boolean;
}
interface Point {
  at: string;
  lon: number;
  lat: number;
  accuracy_m: number;
}

const KEY = "yiwangtu.worker.shift";
/** A point is kept when this time has passed, or this way been gone. */
const EVERY_MS = 60_000;
const EVERY_M = 30;
const ROUGH_M = 100;
const BATCH = 20;

export interface ShiftState {
  shift: Ref<Shift | null>;
  isTracking: ComputedRef<boolean>;
  fault: Ref<string>;
  /** Points since the page was opened. */
  count: Ref<number>;
  begin(grid: string, is_tracked: boolean): Promise<void>;
  end(): Promise<void>;
}

function stored(login: string): Shift | null {
  const text = remembered(`${KEY}.${login}`);
  return text ? (JSON.parse(text) as Shift) : null;
}

export function useShift(login: string): ShiftState {
  const shift = ref<Shift | null>(stored(login));
  const fault = ref("");
  const count = ref(0);
  const isTracking = computed(() => shift.value?.is_tracked ?? false);
  // Kept beside the queue until they are a batch: a page that is closed loses none.
  let points: Point[] = JSON.parse(remembered(`${KEY}.${login}.points`) || "[]") as Point[];
  const setPoints = (next: Point[]): void => {
    points = next;
    remember(`${KEY}.${login}.points`, JSON.stringify(next));
  };
  let last: { at: number; place: LonLat } | null = null;
  let watching: number | null = null;

  const keepPoints = async (): Promise<void> => {
    const id = shift.value?.id;
    if (!id || points.length === 0) return;
    const sent = points;
    try {
      await enter(login, { what: "points", title: t("track"), path: `/api/shifts/${id}/points`, body: { points: sent }, time: null });
      setPoints(points.slice(sent.length)); // only now: until then they are nowhere else
    } catch {
      // No room: they wait for the next batch.
    }
  };
  const note = (position: GeolocationPosition): void => {
    fault.value = "";
    noteCurrent(position);
    const { coords, timestamp } = position;
    const place: LonLat = [roundDegrees(coords.longitude), roundDegrees(coords.latitude)];
    if (coords.accuracy > ROUGH_M) return;
    if (last && timestamp - last.at < EVERY_MS && straightMetres(last.place, place) < EVERY_M) return;
    last = { at: timestamp, place };
    setPoints([...points, { at: new Date().toISOString(), lon: place[0], lat: place[1], accuracy_m: Math.round(coords.accuracy) }]);
    count.value += 1;
    if (points.length >= BATCH) void keepPoints();
  };
  watch(
    isTracking,
    (isOn) => {
      if (watching !== null) navigator.geolocation.clearWatch(watching);
      watching = null;
      noteCurrent(null);
      if (!isOn || !window.isSecureContext || !("geolocation" in navigator)) return;
      watching = navigator.geolocation.watchPosition(note, () => (fault.value = t("track_no_place")), { enableHighAccuracy: true });
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    if (watching !== null) navigator.geolocation.clearWatch(watching);
  });
  const set = (next: Shift | null): void => {
    shift.value = next;
    remember(`${KEY}.${login}`, next ? JSON.stringify(next) : "");
  };
  return {
    shift,
    isTracking,
    fault,
    count,
    async begin(grid, is_tracked) {
      setPoints([]);
      const item = await enter(login, {
        what: "shift", title: t("shift_begin"), path: "/api/shifts/{id}", body: { grid, is_tracked }, time: "started_at",
      });
      set({ id: item.id, grid, started_at: new Date().toISOString(), is_tracked });
    },
    async end() {
      const { id } = shift.value!;
      await keepPoints();
      set(null);
      await enter(login, { what: "shift_end", title: t("shift_end"), path: `/api/shifts/${id}/end`, body: {}, time: "ended_at" });
    },
  };
}
