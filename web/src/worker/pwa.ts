/** The page's own service worker: it gives the shell offline, and says when a new version waits. */
import { ref } from "vue";

export const isUpdateReady = ref(false);
let waiting: ServiceWorker | null = null;

function watch(registration: ServiceWorkerRegistration): void {
  const look = (): void => {
    // Without a controller this is the first installation, which needs no question.
    if (!registration.waiting || !navigator.serviceWorker.controller) return;
    waiting = registration.waiting;
    isUpdateReady.value = true;
  };
  look();
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", look);
  });
}

/** Register `/worker/sw.js`; where there is no secure context the page says so and goes on without. */
export async function registerServiceWorker(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  watch(await navigator.serviceWorker.register("/worker/sw.js", { scope: "/worker/" }));
}

/** Let the new version take over, then load it. */
export function applyUpdate(): void {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  waiting?.postMessage("take-over");
}
