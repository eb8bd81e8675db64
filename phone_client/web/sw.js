/**
 * Keeps the app's own files, so that it opens without a network.  It serves these and nothing else: whatever
 * goes to the server's API passes by untouched and is never kept.
 *
 * The files are kept as one set and replaced as one: a page never runs with some of an older and some of a
 * newer version.  A page gets what is kept; a newer set is fetched behind it, for the next page.
 */

/** @typedef {Event & {waitUntil: (work: Promise<unknown>) => void}} LifeEvent */
/** @typedef {LifeEvent & {request: Request, respondWith: (answer: Promise<Response>) => void}} FetchAsked */

/** The app's page, under the scope. */
const PAGE = "./";
/** All that it needs to open, without what is fetched only when it is wanted; a test compares this with the imports. */
const SHELL = Object.freeze([
  "answers.js", "app.css", "battery.js", "bind.js", "boxes.js", "buffer.js", "bytes.js", "camera.js",
  "capture.js", "carry.js", "clock.js", "clusters.js", "commit.js", "course.js", "database.js", "delivery.js",
  "desk.js", "ending.js", "files.js", "fit.js", "follow.js", "forecast.js", "fragments.js", "icon-180.png",
  "icon-192.png", "icon-512.png", "icon.svg", "journal.js", "keeper.js", "keystore.js", "ledger.js",
  "link.js", "locales/en.ftl", "locales/zh-CN.ftl", "main.js", "manifest.webmanifest", "mount.js",
  "network.js", "orientation.js", "pacing.js", "pairing/chain.js", "pairing/codes.js", "pairing/digits.js",
  "pairing/encoding.js", "pairing/errors.js", "pairing/jws.js", "pairing/messages.js", "pairing/receipt.js",
  "pairing/refusals.js", "preflight.js", "progress.js", "proof.js", "qr_reader.js", "recorder.js",
  "reserve.js", "room.js", "run_writer.js", "sampler.js", "scan.js", "scan_desk.js", "screens.css",
  "server.js", "sight.js", "state.js", "store.js", "tail.js", "transfer.js", "unloaded.js", "upload.js",
  "vendor/@fluent/bundle/esm/builtins.js", "vendor/@fluent/bundle/esm/bundle.js",
  "vendor/@fluent/bundle/esm/index.js", "vendor/@fluent/bundle/esm/memoizer.js",
  "vendor/@fluent/bundle/esm/resolver.js", "vendor/@fluent/bundle/esm/resource.js",
  "vendor/@fluent/bundle/esm/scope.js", "vendor/@fluent/bundle/esm/types.js",
  "vendor/@noble/ed25519/index.js", "vendor/htm/preact/standalone.module.js", "view/app.js", "view/bind.js",
  "view/confirm.js", "view/consent.js", "view/decided.js", "view/end.js", "view/fit.js", "view/frame.js",
  "view/parts.js", "view/pictures.js", "view/place.js", "view/preflight.js", "view/proof_picture.js",
  "view/qr_scanner.js", "view/reasons.js", "view/record.js", "view/scan.js", "view/upload.js", "voice.js",
  "wakelock.js", "watchdog.js", "words.js",
]);
const SETS = "shell-";
/** Entered last: a set without it was never whole. */
const WHOLE = "./whole-set";

const scope = new URL("./", location.href).href;
const addresses = [PAGE, ...SHELL].map((name) => new URL(name, scope).href);
const kept = new Set(addresses);
const worker = /** @type {{skipWaiting: () => Promise<void>}} */ (/** @type {unknown} */ (globalThis));

addEventListener("install", (event) => {
  /** @type {LifeEvent} */ (event).waitUntil(renew().then(() => worker.skipWaiting()));
});

addEventListener("fetch", (event) => {
  const asked = /** @type {FetchAsked} */ (event);
  const { request } = asked;
  const address = nameOf(request);
  if (request.method !== "GET" || !kept.has(address)) return;
  asked.respondWith(answer(request, address));
  // A set that can't be renewed now is renewed with a later page.
  if (request.mode === "navigate") asked.waitUntil(renew().catch(() => {}));
});

/**
 * The file's address: without query and fragment, and the page's own for its other name.
 * @param {Request} request
 */
function nameOf({ url }) {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/index\.html$/, "/");
}

/**
 * @param {Request} request
 * @param {string} address
 */
async function answer(request, address) {
  const set = await newest();
  const found = set === null ? undefined : await (await caches.open(set)).match(address);
  return found ?? fetch(request);
}

/**
 * The name of the newest whole set; null where there is none yet.
 * @returns {Promise<string|null>}
 */
async function newest() {
  const names = (await caches.keys()).filter((name) => name.startsWith(SETS)).sort();
  for (const name of names.reverse()) {
    if (await (await caches.open(name)).match(new URL(WHOLE, scope).href)) return name;
  }
  return null;
}

/**
 * Fetches the whole set, and keeps it where anything in it has changed.
 * @throws {TypeError} when the network does not give all of it: the older set stays
 */
async function renew() {
  const before = await newest();
  const old = before === null ? null : await caches.open(before);
  const files = await Promise.all(addresses.map(async (address) => {
    // Asked of the server, which answers with nothing new where nothing is.
    const found = await fetch(address, { cache: "no-cache" });
    if (!found.ok) throw new TypeError(`${address}: HTTP ${found.status}`);
    const tag = found.headers.get("ETag");
    return { address, found, same: tag !== null && (await old?.match(address))?.headers.get("ETag") === tag };
  }));
  if (before !== null && files.every(({ same }) => same)) {
    await dropAllBut(before); // the worker may have been ended before it came to this
    return;
  }
  // Crash before the mark: the set is not whole and is never used.
  const name = `${SETS}${String(Date.now()).padStart(15, "0")}`;
  const fresh = await caches.open(name);
  await Promise.all(files.map(({ address, found }) => fresh.put(address, found)));
  await fresh.put(new URL(WHOLE, scope).href, new Response());
  await dropAllBut(name);
}

/** @param {string} name of the set that stays */
async function dropAllBut(name) {
  for (const other of await caches.keys()) if (other.startsWith(SETS) && other !== name) await caches.delete(other);
}
