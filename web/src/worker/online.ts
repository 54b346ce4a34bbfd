/** Whether the device says it has a network. */
import { onScopeDispose, readonly, ref, type Ref } from "vue";

export function useOnline(): Readonly<Ref<boolean>> {
  const isOnline = ref(navigator.onLine);
  const look = (): void => void (isOnline.value = navigator.onLine);
  window.addEventListener("online", look);
  window.addEventListener("offline", look);
  onScopeDispose(() => {
    window.removeEventListener("online", look);
    window.removeEventListener("offline", look);
  });
  return readonly(isOnline);
}
