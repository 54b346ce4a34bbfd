/** A day played again: its clock, its speed, and what the area in view looked like at that second. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import { ApiError, get } from "../shared/api";
import { wantsLessMotion } from "../shared/motion";
import type { Area } from "../shared/types";
import { lengthOf, momentAt, type ReplayDay } from "./replay";

/** Seconds of the day in one second. */
export const SPEEDS = [60, 300, 900, 3600] as const;
const TICK_MS = 250;
const STILL_TICK_MS = 1000;

interface Where {
  area: Readonly<Ref<Area | null>>;
  children: Readonly<Ref<Area[]>>;
  places: Readonly<Ref<Map<string, Area>>>;
}

export function useReplay({ area, children, places }: Where) {
  const isOn = ref(false);
  const date = ref("");
  const day = shallowRef<ReplayDay | null>(null);
  const loaded = shallowRef<Area | null>(null);
  const fault = shallowRef<ApiError | null>(null);
  const atS = ref(0);
  const speed = ref<number>(900);
  const isPlaying = ref(false);
  let reading: AbortController | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;

  const lengthS = computed(() => (day.value ? lengthOf(day.value) : 0));
  const moment = computed(() =>
    isOn.value && day.value && area.value ? momentAt(day.value, atS.value, area.value, children.value, places.value) : null,
  );

  function halt(): void {
    isPlaying.value = false;
    clearInterval(timer);
  }

  function play(): void {
    halt();
    if (!day.value) return;
    if (atS.value >= lengthS.value) atS.value = 0;
    isPlaying.value = true;
    const tickMs = wantsLessMotion() ? STILL_TICK_MS : TICK_MS;
    timer = setInterval(() => {
      seek(atS.value + (speed.value * tickMs) / 1000);
      if (atS.value >= lengthS.value) halt();
    }, tickMs);
  }

  function seek(seconds: number): void {
    atS.value = Math.max(0, Math.min(lengthS.value, Math.round(seconds)));
  }

  async function read(): Promise<void> {
    const within = area.value;
    if (!within || !date.value) return;
    reading?.abort();
    const mine = new AbortController();
    reading = mine;
    try {
      const answer = await get<ReplayDay>("/api/replay", { within: within.code, date: date.value }, mine.signal);
      if (mine.signal.aborted) return;
      [day.value, loaded.value, fault.value] = [answer, within, null];
      seek(atS.value);
    } catch (error) {
      if (mine.signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      halt();
      [day.value, loaded.value, fault.value] = [null, null, error];
    }
  }

  /** Begin with a day of the area in view, at its first second. */
  async function start(on: string): Promise<void> {
    halt();
    [isOn.value, date.value, atS.value] = [true, on, 0];
    await read();
  }

  function stop(): void {
    halt();
    reading?.abort();
    [isOn.value, day.value, loaded.value, fault.value] = [false, null, null, null];
  }

  // the day of a city holds that of its streets; a place outside of it has to be asked for
  watch(area, (next) => {
    if (!isOn.value || !next) return;
    const known = loaded.value?.path;
    if (known === undefined || (next.path !== known && !next.path.startsWith(`${known}.`))) void read();
  });
  onScopeDispose(stop);

  return {
    isOn, date, day, fault, atS, speed, isPlaying, lengthS, moment, start, stop, seek,
    toggle: () => (isPlaying.value ? halt() : play()),
  };
}

export type Replay = ReturnType<typeof useReplay>;
