/**
 * Keeps the app's own files, so that it opens without a network.  It serves these and nothing else: whatever
 * goes to the server's API passes by untouched and is never kept.
 *
 * The files are kept as one set and replaced as one: a page never runs with some of an older and some of a
 * newer version.  A page gets what is kept; a newer set is fetched behind it, for the next page.  Until that page
 * comes the older set stays, so the oldest whole set is the open page's, also for a worker that was ended meanwhile.
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
  "vendor/htm/preact/standalone.module.js", "view/app.js", "view/bind.js", "view/confirm.js",
  "view/consent.js", "view/decided.js", "view/end.js", "view/fit.js", "view/frame.js", "view/parts.js",
  "view/pictures.js", "view/place.js", "view/preflight.js", "view/proof_picture.js", "view/qr_scanner.js",
  "view/reasons.js", "view/record.js", "view/scan.js", "view/upload.js", "voice.js", "wakelock.js",
  "watchdog.js", "words.js",
]);
/** Checks signatures where WebCrypto can't: in browsers from before Chromium 137, Firefox 129 and Safari 17. */
const WITHOUT_ED25519 = "vendor/@noble/ed25519/index.js";
const SETS = "shell-";
/** Entered last: a set without it was never whole. */
const WHOLE = "./whole-set";

const scope = new URL("./", location.href).href;
const addressOf = (/** @type {string} */ name) => new URL(name, scope).href;
const kept = new Set([PAGE, ...SHELL, WITHOUT_ED25519].map(addressOf));
const worker = /** @type {{skipWaiting: () => Promise<void>}} */ (/** @type {unknown} */ (globalThis));

addEventListener("install", (event) => {
  /** @type {LifeEvent} */ (event).waitUntil(renew().then(() => worker.skipWaiting()));
});

addEventListener("fetch", (event) => {
  const asked = /** @type {FetchAsked} */ (event);
  const { request } = asked;
  const address = nameOf(request);
  if (request.method !== "GET" || !kept.has(address)) return;
  const turned = request.mode === "navigate" ? dropOlder() : Promise.resolve();
  asked.respondWith(turned.then(() => answer(request, address)));
  // A set that can't be renewed now is renewed with a later page.
  if (request.mode === "navigate") asked.waitUntil(turned.then(renew).catch(() => {}));
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
  const [set] = await wholeSets();
  const found = set === undefined ? undefined : await (await caches.open(set)).match(address);
  return found ?? fetch(request);
}

/** The names of the whole sets, the oldest first. */
async function wholeSets() {
  const names = (await caches.keys()).filter((name) => name.startsWith(SETS)).sort();
  const marks = await Promise.all(names.map(async (name) => (await caches.open(name)).match(new URL(WHOLE, scope).href)));
  return names.filter((_, index) => marks[index] !== undefined);
}

/** A page begins: from now on the newest set is used. */
async function dropOlder() {
  const stays = (await wholeSets()).at(-1);
  if (stays === undefined) return;
  for (const name of await caches.keys()) if (name.startsWith(SETS) && name !== stays) await caches.delete(name);
}

/**
 * Fetches the whole set, and keeps it where anything in it has changed.
 * @throws {TypeError} when the network does not give all of it: the older set stays
 */
async function renew() {
  const before = (await wholeSets()).at(-1);
  const old = before === undefined ? null : await caches.open(before);
  const names = [PAGE, ...SHELL, ...((await hasEd25519()) ? [] : [WITHOUT_ED25519])];
  const files = await Promise.all(names.map(addressOf).map(async (address) => {
    // Asked of the server, which answers with nothing new where nothing is.
    const found = await fetch(address, { cache: "no-cache" });
    if (!found.ok) throw new TypeError(`${address}: HTTP ${found.status}`);
    const tag = found.headers.get("ETag");
    return { address, found, same: tag !== null && (await old?.match(address))?.headers.get("ETag") === tag };
  }));
  if (files.every(({ same }) => same)) return;
  // Crash before the mark: the set is not whole and is never used.
  const name = `${SETS}${String(Date.now()).padStart(15, "0")}`;
  const fresh = await caches.open(name);
  await Promise.all(files.map(({ address, found }) => fresh.put(address, found)));
  await fresh.put(new URL(WHOLE, scope).href, new Response());
}

/** Whether this browser's WebCrypto checks the server's signatures itself. */
async function hasEd25519() {
  try {
    await crypto.subtle.importKey("raw", new Uint8Array(32).fill(1), { name: "Ed25519" }, false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}
