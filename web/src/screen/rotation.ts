/** The rotation's clock: dwells, is held by any input, goes on by itself when nobody has touched anything for a while. */
import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from "vue";

const TICK_MS = 250;

export interface Rotation {
  isOn: Readonly<Ref<boolean>>;
  /** Seconds until a held rotation goes on; 0 when it is not held. */
  heldS: ComputedRef<number>;
  /** How much of the dwell has passed, 0-1. */
  progress: ComputedRef<number>;
  toggle(): void;
  /** Someone touched the wall: wait. */
  hold(): void;
  /** A new stop was reached by hand: begin its dwell anew. */
  restart(): void;
}

export function useRotation(advance: () => void, dwellS: Ref<number>, startsOn: boolean, idleS = 120): Rotation {
  const isOn = ref(startsOn);
  const passedMs = ref(0);
  const holdMs = ref(0);
  const timer = setInterval(() => {
    if (!isOn.value) return;
    if (holdMs.value > 0) {
      holdMs.value -= TICK_MS;
      return;
    }
    passedMs.value += TICK_MS;
    if (passedMs.value < dwellS.value * 1000) return;
    passedMs.value = 0;
    advance();
  }, TICK_MS);
  onScopeDispose(() => clearInterval(timer));
  return {
    isOn,
    heldS: computed(() => (isOn.value ? Math.ceil(holdMs.value / 1000) : 0)),
    progress: computed(() => Math.min(1, passedMs.value / (dwellS.value * 1000))),
    toggle() {
      isOn.value = !isOn.value;
      holdMs.value = 0;
      passedMs.value = 0;
    },
    hold() {
      if (isOn.value) holdMs.value = idleS * 1000;
    },
    restart() {
      passedMs.value = 0;
    },
  };
}
