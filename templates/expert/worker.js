// Keeps the shell and the coming visits of one person. Events are not its business: they wait in the page's own queue.

const PAGES = "expert-pages";
const SHELL = "expert-shell";
const PATIENCE_MS = 4000;
// Counts the sign-outs: what was begun before one is not put away after it.
let signOuts = 0;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (event.data && event.data.person) {
    event.waitUntil(keep(event.data));
  }
  if (event.data && event.data.forget) {
    signOuts += 1;
    event.ports[0].postMessage("stopped");
  }
});

async function keep({ person, pages, shell }) {
  const begun = signOuts;
  const name = `${PAGES}-${person}`;
  for (const other of await caches.keys()) {
    if (other.startsWith(PAGES) && other !== name) {
      await caches.delete(other);
    }
  }
  await Promise.all([fill(SHELL, shell, begun), fill(name, pages, begun)]);
}

async function fill(name, paths, begun) {
  for (const path of paths) {
    try {
      const response = await fetch(path, { credentials: "same-origin", redirect: "manual" });
      if (begun !== signOuts) {
        return;
      }
      const cache = await caches.open(name);
      if (response.ok) {
        await cache.put(path, response);
      } else if (response.status === 404) {
        await cache.delete(path);
      }
    } catch {
      return; // no network now: what was kept stays
    }
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) {
    return;
  }
  const page = event.request.mode === "navigate" && url.pathname.startsWith("/expert/");
  if (page || url.pathname.startsWith("/static/")) {
    event.respondWith(networkFirst(event.request, url.pathname));
  }
});

async function networkFirst(request, path) {
  const stop = new AbortController();
  const kept = await caches.match(path);
  // with a copy at hand nobody waits long for a network that is hardly there
  const timer = kept ? setTimeout(() => stop.abort(), PATIENCE_MS) : 0;
  try {
    return await fetch(request, { signal: stop.signal });
  } catch (error) {
    if (kept) {
      return kept;
    }
    if (request.mode === "navigate") {
      const home = await caches.match("/expert/");
      if (home) {
        return home;
      }
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
