/**
 * The service worker of `/worker/`: the shell from the cache; the map's style as last seen where the network gives no
 * answer (its tiles: `tiles.ts`); and, where the browser has Background Sync, the queue sent after the page is gone.
 * The build puts the list of files in (see `precache.ts` beside vite.config.ts). Incidents are never cached here.
 */
import { flush } from "./queue/flush";
import { CHANNEL, DATA_CACHE, SYNC_TAG } from "./queue/signs";
import { QueueStore } from "./queue/store";
import { HTTP } from "./queue/transport";

declare const __SHELL__: { version: string; files: string[] };

interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}

const shell = __SHELL__;
const worker = self as unknown as ServiceWorkerGlobalScope;
const SHELL = `yiwangtu-worker-shell-${shell.version}`;
const PAGE = "/worker/";
const PATIENCE_MS = 4_000;
const REMEMBERED = "/api/styles/light.json";

worker.addEventListener("install", (event) => {
  const files = shell.files.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(files)));
});

async function dropOldShells(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith("yiwangtu-worker-shell-") && name !== SHELL) await caches.delete(name);
  }
  await worker.clients.claim();
}
worker.addEventListener("activate", (event) => event.waitUntil(dropOldShells()));

worker.addEventListener("message", (event) => {
  if (event.data === "take-over") void worker.skipWaiting();
});

async function fromShell(request: Request | string): Promise<Response> {
  const cache = await caches.open(SHELL);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

/** The network's answer, else what is remembered; a network that neither answers nor fails is not waited for long. */
async function freshOr(remembered: Response | undefined, request: Request): Promise<Response> {
  try {
    return await fetch(request, remembered ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {});
  } catch (error) {
    if (remembered) return remembered;
    throw error;
  }
}

async function data(request: Request): Promise<Response> {
  const cache = await caches.open(DATA_CACHE);
  const remembered = await cache.match(request, { ignoreVary: true });
  const response = await freshOr(remembered, request);
  // A full device must not cost the page its answer.
  if (response !== remembered && response.ok) await cache.put(request, response.clone()).catch(() => undefined);
  return response;
}

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE || url.pathname === `${PAGE}index.html`) event.respondWith(fromShell(PAGE));
  } else if (shell.files.includes(url.pathname)) event.respondWith(fromShell(request));
  else if (url.pathname === REMEMBERED) event.respondWith(data(request));
});

/** Send the queue of whoever is signed in. Raises where the browser should try again later. */
async function sendQueue(): Promise<void> {
  const store = await QueueStore.open();
  const channel = new BroadcastChannel(CHANNEL);
  try {
    const { stop } = await flush({ account: null, store, transport: HTTP, changed: () => channel.postMessage("changed") });
    if (stop === "offline" || stop === "busy") throw new Error(`not sent: ${stop}`);
  } finally {
    channel.close();
    store.close();
  }
}

worker.addEventListener("sync", (event) => {
  const { tag } = event as SyncEvent;
  if (tag === SYNC_TAG) (event as SyncEvent).waitUntil(sendQueue());
});
