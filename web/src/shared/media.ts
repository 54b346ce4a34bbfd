/** Whether a media query holds, as it changes. */
import { onScopeDispose, readonly, ref, type Ref } from "vue";

export function useMedia(query: string): Readonly<Ref<boolean>> {
  const list = matchMedia(query);
  const holds = ref(list.matches);
  const change = (): void => void (holds.value = list.matches);
  list.addEventListener("change", change);
  onScopeDispose(() => list.removeEventListener("change", change));
  return readonly(holds);
}
