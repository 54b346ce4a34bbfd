/** Where the device says it is. */
import type { Place } from "./queue/item";

export type PlaceFault = "denied" | "unavailable" | "timeout" | "insecure";

export class PlaceError extends Error {
  constructor(readonly fault: PlaceFault) {
    super(fault);
  }
}

const FAULTS: Record<number, PlaceFault> = { 1: "denied", 2: "unavailable", 3: "timeout" };
/** Good enough to stop looking for better. */
const FINE_M = 15;

function placeOf({ coords }: GeolocationPosition): Place {
  return {
    lon: roundDegrees(coords.longitude),
    lat: roundDegrees(coords.latitude),
    datum: "wgs84",
    accuracy_m: Math.round(coords.accuracy),
    source: "device",
  };
}

let current: Place | null = null;

/**
 * Tell where a track that is being kept has the phone; null when none is kept. A phone that stands still says nothing
 * new to whoever asks second.
 */
export function noteCurrent(position: GeolocationPosition | null): void {
  current = position && placeOf(position);
}

/**
 * Watch the device's position until it is fine or the time is up; `better` hears of each reading better than those before.
 * Browsers report WGS84. Answers the best; raises PlaceError where there was none.
 */
export function readPlace(
  better: (place: Place) => void = () => undefined,
  { limit_ms = 20_000, signal }: { limit_ms?: number; signal?: AbortSignal } = {},
): Promise<Place> {
  if (!window.isSecureContext || !("geolocation" in navigator)) return Promise.reject(new PlaceError("insecure"));
  if (current) {
    better(current);
    if (current.accuracy_m! <= FINE_M) return Promise.resolve(current);
  }
  return new Promise((resolve, reject) => {
    let best: Place | null = current;
    const finish = (fault: PlaceFault): void => {
      navigator.geolocation.clearWatch(watch);
      clearTimeout(timer);
      if (best) resolve(best);
      else reject(new PlaceError(fault));
    };
    const timer = setTimeout(() => finish("timeout"), limit_ms);
    const watch = navigator.geolocation.watchPosition(
      (position) => {
        const place = placeOf(position);
        if (best && place.accuracy_m! >= best.accuracy_m!) return;
        best = place;
        better(place);
        if (place.accuracy_m! <= FINE_M) finish("timeout");
      },
      (error) => finish(FAULTS[error.code] ?? "unavailable"),
      { enableHighAccuracy: true, timeout: limit_ms, maximumAge: 0 },
    );
    signal?.addEventListener("abort", () => finish("timeout"));
  });
}

/** Whether the device may be asked for its place without a question to its owner. */
export async function mayLocate(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "geolocation" })).state === "granted";
  } catch {
    return false;
  }
}

/** Seven decimals are about a centimetre: no more than the device knows. */
export function roundDegrees(value: number): number {
  return Math.round(value * 1e7) / 1e7;
}
