// Keeps the ticket's page for a door without network. It never sees a ticket: that is in the
// fragment, which the page alone reads.

const CACHE = "ticketbot-$version";
const PAGE = new URL("../t", location.href);
const FILES = ["page.js?v=$version", "page.css?v=$version", "icon.svg"].map(
  (name) => new URL(name, location.href),
);
const PATIENCE = 2500; // milliseconds until a slow network counts as none

addEventListener("install", (event) => {
  const fresh = [PAGE, ...FILES].map((url) => new Request(url, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(fresh)));
  skipWaiting();
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("ticketbot-") && name !== CACHE;
  const drop = (names) => Promise.all(names.filter(old).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(drop));
});

addEventListener("fetch", (event) => {
  const { origin, pathname, search } = new URL(event.request.url);
  if (event.request.method !== "GET" || origin !== PAGE.origin) return;
  if (pathname === PAGE.pathname) event.respondWith(page());
  else if (FILES.some((file) => file.pathname === pathname && file.search === search)) {
    event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
  }
});

async function page() {
  try {
    const answer = await fetch(PAGE, { signal: AbortSignal.timeout(PATIENCE) });
    if (answer.ok) return answer;
  } catch {
    // no network, or none to speak of
  }
  return (await caches.match(PAGE)) ?? Response.error();
}
