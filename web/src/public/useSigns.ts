/** The map's signs beside the list, so that both speak of a kind in the same shape and colour. */
import { onMounted, shallowRef } from "vue";
import { ApiError, get } from "../shared/api";
import type { LayerInfo, LegendEntry } from "../shared/types";
import type { FacilityKind } from "./kinds";
import { tierLabel } from "./messages";

export type Sign = (kind: FacilityKind, tier?: string | null) => LegendEntry | undefined;

export function useSigns() {
  const layers = shallowRef<LayerInfo[]>([]);

  /** The sign of a kind, or of one of its tiers, whose legend line begins with the tier's Chinese name. */
  const signOf: Sign = (kind, tier) => {
    const legend = layers.value.find((layer) => layer.name === kind)?.legend.light ?? [];
    const label = tier ? tierLabel(tier) : null;
    return legend.find((entry) => label !== null && entry.label.startsWith(label)) ?? legend[0];
  };

  onMounted(async () => {
    try {
      layers.value = (await get<{ layers: LayerInfo[] }>("/api/layers")).layers;
    } catch (error) {
      // Words say all that the signs say: the list goes on without them.
      if (!(error instanceof ApiError)) throw error;
    }
  });
  return { layers, signOf };
}
