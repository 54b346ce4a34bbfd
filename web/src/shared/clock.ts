/** A ticking clock for ages, opening hours and the wall's own clock. */
import { onScopeDispose, ref, type Ref } from "vue";

/** The present in milliseconds, renewed every `everyMs`, until the component goes. */
export function useNow(everyMs: number): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(() => (now.value = Date.now()), everyMs);
  onScopeDispose(() => clearInterval(timer));
  return now;
}
