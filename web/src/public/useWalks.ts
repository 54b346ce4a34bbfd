/** The walking graph of the city, and all walks from the origin: computed here, so that the origin goes nowhere. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import { ApiError, get } from "../shared/api";
import type { LonLat } from "../shared/types";
import { readGraph, Walks, type WalkingGraph, type WalksAnswer } from "./walks";

interface City {
  graph: WalkingGraph;
  pace: WalksAnswer["pace"];
}

/** The graph is fetched once the list is there and the page is at rest, before anyone asks for a distance. */
function whenIdle(work: () => void): () => void {
  if (typeof requestIdleCallback === "function") {
    const id = requestIdleCallback(work, { timeout: 5_000 });
    return () => cancelIdleCallback(id);
  }
  const timer = setTimeout(work, 1_000);
  return () => clearTimeout(timer);
}

export function useWalks(within: Readonly<Ref<string>>, origin: Readonly<Ref<LonLat | null>>, isListed: Readonly<Ref<boolean>>) {
  const cities = shallowRef(new Map<string, City>());
  const hasFailed = ref(false);
  const asked = new Set<string>();
  let cancel = (): void => undefined;

  async function read(code: string): Promise<void> {
    asked.add(code);
    try {
      const answer = await get<WalksAnswer>("/api/public/walks", { within: code });
      cities.value = new Map(cities.value).set(code, { graph: readGraph(answer), pace: answer.pace });
      hasFailed.value = false;
    } catch (error) {
      asked.delete(code);
      if (!(error instanceof ApiError)) throw error;
      hasFailed.value = true;
    }
  }

  function readMissing(): void {
    if (within.value && !asked.has(within.value)) void read(within.value);
  }

  /** Streets or places changed: the walks are computed anew from the new graph. */
  function refresh(): void {
    asked.clear();
    if (cities.value.has(within.value)) readMissing();
    else cities.value = new Map();
  }

  watch(
    [within, isListed],
    () => {
      cancel();
      if (isListed.value && !asked.has(within.value)) cancel = whenIdle(readMissing);
    },
    { immediate: true },
  );
  watch(origin, (at) => at && readMissing());
  onScopeDispose(() => cancel());

  const city = computed(() => cities.value.get(within.value) ?? null);
  const walks = computed(() => (city.value && origin.value ? new Walks(city.value.graph, origin.value) : null));
  return { walks, pace: computed(() => city.value?.pace ?? null), hasFailed, refresh };
}
