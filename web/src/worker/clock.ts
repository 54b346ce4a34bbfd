/** The server's clock as the device knows it: deadlines and receipts go by it, whatever the phone's own clock says. */
import { computed, ref, type ComputedRef } from "vue";
import { useNow } from "../shared/clock";
import { remember, remembered } from "../shared/i18n";

const KEY = "yiwangtu.worker.clock_ahead_ms";
/** Beyond this the phone's clock is called wrong. */
export const WRONG_MS = 120_000;

function stored(): number | null {
  const text = remembered(KEY);
  return text && Number.isFinite(Number(text)) ? Number(text) : null;
}

/** How far the server's clock is ahead of the device's; null until the server has ever been asked. */
export const aheadMs = ref<number | null>(stored());

export function noteAhead(ahead_ms: number): void {
  aheadMs.value = Math.round(ahead_ms);
  remember(KEY, String(aheadMs.value));
}

/** Positive where the device's clock is slow, negative where it is fast, null where it is right or unknown. */
export const clockFault = computed(() => (Math.abs(aheadMs.value ?? 0) > WRONG_MS ? aheadMs.value : null));

/** The present by the server's clock, in milliseconds. */
export function useServerNow(every_ms: number): ComputedRef<number> {
  const now = useNow(every_ms);
  return computed(() => now.value + (aheadMs.value ?? 0));
}
