/** The live stream: one EventSource that says how it is and comes back by itself. */
import { onScopeDispose, readonly, ref, type Ref } from "vue";
import type { Incident, Job } from "./types";

export interface LiveHandlers {
  layer?: (change: { layer: string; revision: number }) => void;
  incident?: (incident: Incident) => void;
  job?: (job: Job) => void;
  /** Something happened to a whistle that the account sees. */
  whistle?: (whistle: { id: number; code: string; status: string }) => void;
  /** The stream could not be resumed where it broke off: read everything anew. */
  reset?: () => void;
}

export type LiveState = "connecting" | "open" | "lost";

export interface Live {
  state: Readonly<Ref<LiveState>>;
  /** When the connection was last opened or an event came, ms since 1970; null before that. */
  heardAt: Readonly<Ref<number | null>>;
  /** Connect again at once, for instance after signing in. */
  reconnect: () => void;
  close: () => void;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

/** Listen to `/live` until the component goes. */
export function useLive(handlers: LiveHandlers): Live {
  const state = ref<LiveState>("connecting");
  const heardAt = ref<number | null>(null);
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_RETRY_MS;

  const heard = (): void => {
    state.value = "open";
    heardAt.value = Date.now();
    wait = FIRST_RETRY_MS;
  };

  const on = (name: keyof LiveHandlers, take: (data: string) => void): void => {
    source?.addEventListener(name, (event) => {
      heard();
      take((event as MessageEvent<string>).data);
    });
  };

  const connect = (): void => {
    source?.close();
    clearTimeout(timer);
    source = new EventSource("/live");
    source.addEventListener("open", heard);
    source.addEventListener("error", () => {
      state.value = "lost";
      // The browser retries a broken stream by itself, but gives up for good after an HTTP error.
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LAST_RETRY_MS);
    });
    on("layer", (data) => handlers.layer?.(JSON.parse(data) as { layer: string; revision: number }));
    on("incident", (data) => handlers.incident?.(JSON.parse(data) as Incident));
    on("job", (data) => handlers.job?.(JSON.parse(data) as Job));
    on("whistle", (data) => handlers.whistle?.(JSON.parse(data) as { id: number; code: string; status: string }));
    on("reset", () => handlers.reset?.());
  };

  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  connect();
  onScopeDispose(close);
  return { state: readonly(state), heardAt: readonly(heardAt), reconnect: connect, close };
}
