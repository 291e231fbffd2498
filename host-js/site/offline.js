//! The service worker: what was loaded once is there without a network. `FILES` and `VERSION` are put in by `scripts/site.mjs`.

const scope = /** @type {any} */ (globalThis);
const { FILES, VERSION } = scope;
const NAME = `wasmsh-${VERSION}`;

scope.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(FILES)).then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name !== NAME) await caches.delete(name);
    await scope.clients.claim();
  })());
});

scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== scope.location.origin) return;
  event.respondWith((async () => {
    const cache = await caches.open(NAME);
    const found = await cache.match(request, { ignoreSearch: true });
    if (found !== undefined) return found;
    const response = await fetch(request);
    // Python is kept when it was used first.
    if (response.ok) event.waitUntil(cache.put(request, response.clone()));
    return response;
  })());
});
