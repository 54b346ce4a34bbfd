/** The facilities of a city, whole kinds at a time, so that distances can be computed here and nowhere else. */
import { computed, ref, shallowRef, watch, type Ref } from "vue";
import { ApiError, itemPages } from "../shared/api";
import type { FacilityProperties } from "../shared/types";
import { placeOf, type FacilityKind, type Place } from "./kinds";

const PAGE_LENGTH = 500;

export function useFacilities(city: Ref<string>, kinds: Ref<FacilityKind[]>) {
  const known = shallowRef(new Map<string, Place[]>());
  const pending = ref(0);
  const fault = shallowRef<ApiError | null>(null);
  const asked = new Set<string>();
  const keyOf = (kind: FacilityKind): string => `${city.value}/${kind}`;

  async function read(kind: FacilityKind): Promise<void> {
    const key = keyOf(kind);
    const params = { within: city.value, limit: PAGE_LENGTH };
    asked.add(key);
    pending.value += 1;
    try {
      const found: Place[] = [];
      for await (const page of itemPages<FacilityProperties>(kind, params)) {
        found.push(...page.map((facility) => placeOf(kind, facility)));
      }
      known.value = new Map(known.value).set(key, found);
      fault.value = null;
    } catch (error) {
      asked.delete(key);
      if (!(error instanceof ApiError)) throw error;
      fault.value = error;
    } finally {
      pending.value -= 1;
    }
  }

  function readMissing(): void {
    if (!city.value) return;
    for (const kind of kinds.value) if (!asked.has(keyOf(kind))) void read(kind);
  }

  /** Read a kind again, because it changed; what is shown stays until the answer is here. */
  function refresh(layer: string): void {
    const kind = kinds.value.find((one) => one === layer);
    for (const key of asked) if (key.endsWith(`/${layer}`)) asked.delete(key);
    if (kind) void read(kind);
  }

  watch([city, kinds], readMissing, { immediate: true });
  const places = computed(() => kinds.value.flatMap((kind) => known.value.get(keyOf(kind)) ?? []));
  return { places, isLoading: computed(() => pending.value > 0), fault, readMissing, refresh };
}
