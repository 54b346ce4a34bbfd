/** All places of a city in one answer, kept per city, so that search, filters and distances need no further request. */
import { computed, ref, shallowRef, watch, type Ref } from "vue";
import { ApiError, get } from "../shared/api";
import { coalesce } from "../shared/coalesce";
import type { First } from "./first";
import { isKind, type PlacesAnswer } from "./kinds";

/** Hours are told for two weeks, a holiday for a day: a page that stays open asks again. */
const STALE_MS = 6 * 3_600_000;
const CALM_MS = 2_000;

export function usePlaces(within: Readonly<Ref<string>>, now: Readonly<Ref<number>>, first: First | null) {
  const known = shallowRef(new Map<string, PlacesAnswer>(first ? [[first.within, first.places]] : []));
  const pending = ref(0);
  const fault = shallowRef<ApiError | null>(null);
  const triedAt = new Map<string, number>();

  async function read(code: string): Promise<void> {
    pending.value += 1;
    triedAt.set(code, Date.now());
    try {
      const answer = await get<PlacesAnswer>("/api/public/places", { within: code });
      known.value = new Map(known.value).set(code, answer);
      fault.value = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // What is shown stays, as of when it was read.
      if (!known.value.has(code)) fault.value = error;
    } finally {
      pending.value -= 1;
    }
  }

  function readMissing(): void {
    if (within.value && !known.value.has(within.value)) void read(within.value);
  }

  /** One import may change every kind: one answer tells of all of them. */
  const readAgain = coalesce(() => {
    known.value = new Map([...known.value].filter(([code]) => code === within.value));
    if (within.value) void read(within.value);
  }, CALM_MS);

  function refresh(layer: string): void {
    if (isKind(layer)) readAgain();
  }

  const answer = computed(() => known.value.get(within.value) ?? null);
  watch(within, readMissing, { immediate: true });
  watch(now, (at) => {
    const asOf = answer.value && Date.parse(answer.value.as_of);
    const tried = triedAt.get(within.value) ?? 0;
    if (asOf && at - asOf > STALE_MS && at - tried > STALE_MS / 60) void read(within.value);
  });
  return { answer, isLoading: computed(() => pending.value > 0), fault, readMissing, refresh };
}
