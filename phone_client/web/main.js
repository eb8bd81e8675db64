/** The window's composition root: fit check, Keeper, camera and screens are joined here and nowhere else. */

import { watchBattery } from "./battery.js";
import { Capture } from "./capture.js";
import { Clock } from "./clock.js";
import { Desk, copyAddress } from "./desk.js";
import { clientName, judgeFit, readFeatures } from "./fit.js";
import { KeeperLink } from "./link.js";
import { Mount } from "./mount.js";
import { Store, emptyView } from "./store.js";
import { app, unfitApp } from "./view/app.js";
import { CONSENT_VERSION } from "./view/consent.js";
import { Voice } from "./voice.js";
import { loadWords, preferredLanguage, rememberLanguage } from "./words.js";

/** @typedef {import("./words.js").Language} Language */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./link.js").KeeperEvent} KeeperEvent */

const TICK_MS = 1_000;
const SHELL_AGAIN_MS = 60_000;
const LINK = /^#t=/;
/** The app's own server: what stands before `/p/`. */
const SERVER = new URL("..", import.meta.url).href.replace(/\/+$/, "");

/**
 * Changes the language of all that is on the page.
 * @param {() => Mount} mount
 * @returns {(language: Language) => void}
 */
function speaking(mount) {
  return (language) => void loadWords(language).then((words) => {
    rememberLanguage(language);
    mount().speak(words);
  }, () => {
    // Without its words the language stays as it is; the button can be pressed again.
  });
}

/**
 * A browser that can't record claims nothing and starts nothing.
 * @param {Store} store
 * @param {Words} words
 */
function turnAway(store, words) {
  const act = { speak: speaking(() => mount), copyLink: async () => store.set({ copied: await copyAddress() }) };
  const mount = new Mount(store, words, (view, spoken) => unfitApp(view, spoken, act), document);
}

/**
 * @param {Store} store
 * @param {Words} words
 */
async function record(store, words) {
  const clock = new Clock(crypto.randomUUID());
  const worker = new Worker(new URL("keeper.js", import.meta.url), { type: "module", name: "keeper" });
  const link = new KeeperLink(worker, (told) => hear(told), ({ message }) => store.set({ broken: message }));
  const voice = new Voice((saying) => mount.words.say(`voice-${saying}`), () => mount.words.language);
  const capture = new Capture(link, clock, (state) => desk.captured(state), voice);
  const desk = new Desk(store, link, capture, clock, voice, SERVER, speaking(() => mount));
  const mount = new Mount(store, words, (view, spoken) => app(view, spoken, desk), document);

  /** @param {KeeperEvent} told */
  function hear(told) {
    if (told.event === "state") desk.take(told.state);
    else if (told.event === "elsewhere") store.set({ elsewhere: true });
    else if (told.event === "stop") desk.stop();
    else if (told.event === "resume") desk.startCapture();
    else if (told.event === "broken") store.set({ broken: told.message });
    else if (told.event === "fault") store.set({ complaint: told.refusal });
  }

  setInterval(() => {
    store.set({ now_ms: Date.now() });
    desk.settle();
  }, TICK_MS);
  void watchBattery((battery) => store.set({ battery }));
  addEventListener("hashchange", () => {
    if (LINK.test(location.hash)) desk.offered(location.href);
  });

  try {
    const client = clientName(navigator.userAgent, CONSENT_VERSION);
    desk.take(await link.ask("open", { boot: clock.boot, client, lang: words.language }));
    store.set({ elsewhere: false });
  } catch (error) {
    store.set({ broken: String(error) });
    return;
  }
  if (LINK.test(location.hash)) desk.offered(location.href);
}

/** Keeps the app's own files, so that it opens without a network; a network that fails meanwhile is tried again. */
async function keepShell() {
  const { serviceWorker } = navigator;
  while (serviceWorker) {
    const kept = await serviceWorker.register("sw.js").catch(() => null);
    await new Promise((resolve) => setTimeout(resolve, SHELL_AGAIN_MS));
    if (kept?.active) return;
  }
}

const [words, features] = await Promise.all([loadWords(preferredLanguage()), readFeatures()]);
const fit = judgeFit(features);
const store = new Store({ ...emptyView(SERVER), now_ms: Date.now(), fit, offered: LINK.test(location.hash) }, (work) => queueMicrotask(work));
if (fit.unfit === null) {
  void keepShell();
  await record(store, words);
} else {
  turnAway(store, words);
}
