/**
 * The service worker of `/worker/`: the shell from the cache, categories as last seen, everything else untouched.
 * The build replaces the list of files (see `precache.ts` beside vite.config.ts); no data of incidents is cached.
 */
declare const __SHELL__: { version: string; files: string[] };

const shell = __SHELL__;
const worker = self as unknown as ServiceWorkerGlobalScope;
const SHELL = `yiwangtu-worker-shell-${shell.version}`;
const DATA = "yiwangtu-worker-data";
const PAGE = "/worker/";
const PATIENCE_MS = 4_000;
const REMEMBERED = new Set(["/api/categories"]);

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

async function freshOrRemembered(request: Request): Promise<Response> {
  const cache = await caches.open(DATA);
  const remembered = await cache.match(request);
  try {
    // A weak network that neither answers nor fails must not keep the worker waiting for what is known.
    const response = await fetch(request, remembered ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {});
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    if (remembered) return remembered;
    throw error;
  }
}

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE || url.pathname === `${PAGE}index.html`) event.respondWith(fromShell(PAGE));
  } else if (shell.files.includes(url.pathname)) event.respondWith(fromShell(request));
  else if (REMEMBERED.has(url.pathname)) event.respondWith(freshOrRemembered(request));
});
