/** Where the device says it is. */
import type { Place } from "./draft";

export type PlaceFault = "denied" | "unavailable" | "timeout" | "insecure";

export class PlaceError extends Error {
  constructor(readonly fault: PlaceFault) {
    super(fault);
  }
}

const FAULTS: Record<number, PlaceFault> = { 1: "denied", 2: "unavailable", 3: "timeout" };

/** One reading of the device's position; browsers report WGS84. Raises PlaceError. */
export function readPlace(timeout_ms = 15_000): Promise<Place> {
  if (!window.isSecureContext || !("geolocation" in navigator)) return Promise.reject(new PlaceError("insecure"));
  return new Promise((resolve, reject) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) =>
        resolve({
          lon: roundDegrees(coords.longitude),
          lat: roundDegrees(coords.latitude),
          datum: "wgs84",
          accuracy_m: Math.round(coords.accuracy),
          source: "device",
        }),
      (error) => reject(new PlaceError(FAULTS[error.code] ?? "unavailable")),
      { enableHighAccuracy: true, timeout: timeout_ms, maximumAge: 10_000 },
    );
  });
}

/** Seven decimals are about a centimetre: no more than the device knows. */
export function roundDegrees(value: number): number {
  return Math.round(value * 1e7) / 1e7;
}
