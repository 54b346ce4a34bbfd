/** Service gaps of the chosen area on the map, instead of its grids. */
import { shallowRef } from "vue";
import { loadGaps, type GapProperties } from "../grids";
import type { FacilityKind } from "../run/parameters";

export interface Gaps {
  within: string;
  facility: FacilityKind;
  radius: number | null;
  rows: GapProperties[];
  isLoading: boolean;
}

export function useGaps(fail: (reason: unknown) => void) {
  const gaps = shallowRef<Gaps | null>(null);
  async function show(within: string, facility: FacilityKind, radius: number | null): Promise<void> {
    const mine: Gaps = { within, facility, radius, rows: [], isLoading: true };
    gaps.value = mine;
    try {
      const rows = await loadGaps(within, facility);
      if (gaps.value === mine) gaps.value = { ...mine, rows, isLoading: false };
    } catch (reason) {
      fail(reason);
    }
  }
  return { gaps, show };
}
