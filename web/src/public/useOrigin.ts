/** From where walks start: the device's own position, which stays in this page, or a community or place by its name. */
import { computed, ref, shallowRef, type Ref } from "vue";
import { nameOf } from "../shared/i18n";
import type { LonLat } from "../shared/types";
import { keyOf, type PlacesAnswer } from "./kinds";
import { t } from "./messages";

export interface Origin {
  at: LonLat;
  label: string;
  isMe: boolean;
}

export type LocateFault = "denied" | "noPosition" | "insecure";

/** `named` is a community's code or a place's key; the device's position, once given, comes before it. */
export function useOrigin(answer: Readonly<Ref<PlacesAnswer | null>>, named: Ref<string>) {
  const position = shallowRef<LonLat | null>(null);
  const isLocating = ref(false);
  const fault = ref<LocateFault | null>(null);

  const origin = computed<Origin | null>(() => {
    if (position.value) return { at: position.value, label: t("me"), isMe: true };
    const from = named.value;
    const found =
      from && (answer.value?.communities.find((one) => one.code === from) ?? answer.value?.places.find((one) => keyOf(one) === from));
    return found ? { at: [found.lon, found.lat], label: nameOf(found), isMe: false } : null;
  });

  function locate(): void {
    fault.value = null;
    if (!isSecureContext || !navigator.geolocation) {
      fault.value = "insecure";
      return;
    }
    isLocating.value = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        isLocating.value = false;
        position.value = [coords.longitude, coords.latitude];
        named.value = "";
      },
      (error) => {
        isLocating.value = false;
        fault.value = error.code === error.PERMISSION_DENIED ? "denied" : "noPosition";
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    );
  }

  /** Start from a named place, or from nowhere (""): the position is forgotten. */
  function startFrom(from: string): void {
    fault.value = null;
    position.value = null;
    named.value = from;
  }

  return { origin, isLocating, fault, locate, startFrom };
}
