/**
 * The Keeper: the worker that holds everything durable and talks to the server.  Wires its parts, decides nothing.
 *
 * It goes on from the journal after a reload, a crash or a start without network: a claim is needed once.
 */

import { claimOffer } from "./bind.js";
import { Buffer, BufferFull } from "./buffer.js";
import { makeCarryFile } from "./carry.js";
import { Clock } from "./clock.js";
import { Delivery } from "./delivery.js";
import { loadOrMakeKey } from "./keystore.js";
import { WindowLink } from "./link.js";
import { Pacer, Pacing, Signal } from "./pacing.js";
import { Refusal } from "./pairing/errors.js";
import { Server, TryLater } from "./server.js";
import { stateOf } from "./state.js";

/** @typedef {import("./types.js").Fact} Fact */
/** @typedef {import("./types.js").State} State */

const LOCK = "evidence-camera";
const PLACE = "recording";
/** Shortest time between two states told. */
const TELL_EVERY_MS = 250;
const TICK_MS = 1_000;
/** Asking the browser how full it is costs some work: so many ticks lie between. */
const STORAGE_TICKS = 10;
const LETS_GO_MS = 1_000;

/** The app's own server: what stands before `/p/`. */
const OWN_SERVER = new URL("..", import.meta.url).href.replace(/\/+$/, "");

/** @typedef {import("./link.js").Handlers} Handlers */
/** @typedef {(told: import("./link.js").KeeperEvent) => void} Tell */

/** What the worker keeps open for one recording. */
class Keeper {
  #client;
  #clock;
  #buffer;
  #key;
  #tell;
  #pacing = new Pacing();
  #changed = new Signal(this.#pacing.timing);
  #ending = new AbortController();
  /** @type {Delivery|null} */
  #delivery = null;
  /** The claim under way. */
  #claiming = new AbortController();
  /** @type {import("./link.js").ArgumentOf<"note">[]} from before the first run */
  #early = [];
  /** @type {State["storage"]} */
  #storage = null;
  #shown = "";

  /**
   * @param {import("./link.js").ArgumentOf<"open">} opening
   * @param {Buffer} buffer
   * @param {import("./keystore.js").PhoneKey} key
   * @param {Tell} tell
   */
  constructor({ boot, client }, buffer, key, tell) {
    this.#client = client;
    this.#clock = new Clock(boot);
    this.#buffer = buffer;
    this.#key = key;
    this.#tell = tell;
    buffer.database.onLost = ({ message }) => tell({ event: "broken", message });
    buffer.onChange(() => this.#touch());
    if (buffer.ledger.claim !== null) this.#beginDelivery(buffer.ledger.claim);
    const { signal } = this.#ending;
    addEventListener("online", () => this.retryNow(), { signal });
    addEventListener("offline", () => this.#disconnected(), { signal });
    connection()?.addEventListener("change", () => this.#touch(), { signal });
    void this.#keepTicking();
    void this.#keepTelling();
  }

  /**
   * Opens what an earlier page load left, or begins.
   * @param {import("./link.js").ArgumentOf<"open">} opening
   * @param {Tell} tell
   */
  static async open(opening, tell) {
    const buffer = await Buffer.open(PLACE);
    return new Keeper(opening, buffer, await loadOrMakeKey(buffer.database), tell);
  }

  #touch() {
    this.#delivery?.changed.fire();
    this.#changed.fire();
  }

  #disconnected() {
    this.#pacing.online = false;
    this.#touch();
  }

  /** @param {Fact} claim */
  #beginDelivery(claim) {
    this.#delivery?.end();
    const server = new Server(claim["server"]);
    server.authorise(claim["bearer"]);
    this.#delivery = new Delivery({
      buffer: this.#buffer, server, key: this.#key, claim, clock: this.#clock, pacing: this.#pacing,
      isMetered: () => connection()?.type === "cellular", tell: this.#tell,
    });
    void this.#delivery.run();
  }

  // --- telling -------------------------------------------------------------------------------------

  /** @returns {State} */
  state() {
    return stateOf(this.#buffer.ledger, { delivery: this.#delivery, pacing: this.#pacing, storage: this.#storage });
  }

  async #keepTicking() {
    for (let count = 0; !this.#ending.signal.aborted; count += 1) {
      if (count % STORAGE_TICKS === 0) this.#storage = await storage();
      this.#delivery?.tick();
      this.#changed.fire();
      await delay(TICK_MS);
    }
  }

  async #keepTelling() {
    while (!this.#ending.signal.aborted) {
      const changed = this.#changed.wait();
      const state = this.state();
      const shown = JSON.stringify(state);
      if (shown !== this.#shown) this.#tell({ event: "state", state });
      this.#shown = shown;
      await Promise.all([changed, delay(TELL_EVERY_MS)]);
    }
  }

  // --- binding -------------------------------------------------------------------------------------

  /** @type {Handlers["claim"]} */
  async claim({ server, secret }) {
    const { claim, binding } = this.#buffer.ledger;
    if (claim?.["secret"] === secret) return shownOf(claim);
    if (binding !== null) throw new Refusal("wrong_stage", "this phone is bound");
    if (server !== "" && server !== OWN_SERVER) throw new Refusal("ticket_invalid", "the link of another server");
    const fact = await this.#claimed({ server: OWN_SERVER, secret });
    await this.#buffer.record(fact);
    this.#beginDelivery(fact);
    return shownOf(fact);
  }

  /**
   * Redeems an offer, for as long as the network takes: an offer that expired meanwhile is refused then.
   * @param {import("./bind.js").Offer} offer
   */
  async #claimed(offer) {
    this.#claiming.abort();
    const { signal } = (this.#claiming = new AbortController());
    const pacer = new Pacer(this.#pacing);
    const server = new Server(offer.server);
    for (;;) {
      await pacer.ready();
      if (signal.aborted) throw new Refusal("wrong_stage", "given up");
      try {
        const fact = await claimOffer(offer, server, this.#key, this.#client, this.#clock.wall(), signal);
        this.#pacing.online = true;
        return fact;
      } catch (error) {
        if (!(error instanceof TryLater)) throw error;
        if (error.code === "throttled") throw new Refusal("throttled", error.message);
        if (!signal.aborted) pacer.failed(error.after_s, error.reached);
        this.#touch();
      }
    }
  }

  /** @type {Handlers["forgetClaim"]} */
  async forgetClaim() {
    this.#claiming.abort();
    this.#pacing.wake();
    const { claim, binding } = this.#buffer.ledger;
    if (binding !== null) throw new Refusal("wrong_stage", "this phone is bound");
    this.#delivery?.end();
    this.#delivery = null;
    if (claim !== null) await this.#buffer.record({ fact: "claim_dropped" });
    this.#touch();
    return {};
  }

  // --- recording -----------------------------------------------------------------------------------

  /** @type {Handlers["consent"]} */
  async consent({ version, face, room }) {
    await this.#buffer.record({ fact: "consented", version, face, room, ...this.#clock.instant(), boot: this.#clock.boot });
    await this.#enterConsent();
    return {};
  }

  /** The candidate's consent belongs into the chain, once there is one. */
  async #enterConsent() {
    const { ledger } = this.#buffer;
    const { consented, run } = ledger;
    const entered = [...ledger.entries()].some(({ happening }) => happening?.note === "consent");
    if (consented === null || run === null || entered) return;
    const own = consented["boot"] === this.#clock.boot;
    const mono_ms = own ? consented["mono_ms"] : Math.floor(run.base_us / 1_000);
    await this.#buffer.note("consent", "none", { mono_ms, wall_ms: consented["wall_ms"] });
  }

  /** @type {Handlers["beginRun"]} */
  async beginRun({ source, container, mono_ms, wall_ms }) {
    const run = await this.#buffer.beginRun({ source, container, boot: this.#clock.boot, mono_ms, wall_ms });
    if (source === "camera") {
      await this.#enterConsent();
      for (const note of this.#early.splice(0)) await this.note(note);
    }
    return run;
  }

  /** @type {Handlers["slice"]} */
  async slice({ run, bytes, mono_ms, wall_ms }) {
    await this.#buffer.append(run, { bytes: new Uint8Array(bytes), mono_ms, wall_ms });
    return { flushed: true };
  }

  /** @type {Handlers["endRun"]} */
  async endRun({ run }) {
    if (this.#buffer.ledger.runs.get(run)?.closed === false) await this.#buffer.closeRun(run, null);
    return {};
  }

  /** @type {Handlers["note"]} */
  async note({ note, cause, mono_ms, wall_ms }) {
    if (this.#buffer.ledger.run === null) this.#early.push({ note, cause, mono_ms, wall_ms });
    else await this.#buffer.note(note, cause, { mono_ms, wall_ms });
    return {};
  }

  /** @type {Handlers["stop"]} */
  async stop({ mono_ms, wall_ms }) {
    const { ledger } = this.#buffer;
    /** @type {{note: "stop", cause: "stopped"} & import("./types.js").Instant} */
    const note = { note: "stop", cause: "stopped", mono_ms, wall_ms };
    for (const { number } of ledger.openRuns()) await this.#buffer.closeRun(number, note);
    if (ledger.run !== null && !ledger.stopped) await this.#buffer.note(note.note, note.cause, note);
    return {};
  }

  // --- delivering ----------------------------------------------------------------------------------

  /** @type {Handlers["setUploadOnMetered"]} */
  async setUploadOnMetered({ allowed }) {
    await this.#buffer.record({ fact: "metered", allowed });
    return {};
  }

  /** @type {Handlers["exportCarry"]} */
  exportCarry() {
    if (this.#delivery === null) throw new Refusal("not_bound", "a carry file needs the binding");
    this.#delivery.uploads.expectByHand();
    return makeCarryFile(this.#buffer, this.#delivery.signer, this.#clock.wall());
  }

  /** @type {Handlers["picture"]} */
  async picture({ name }) {
    if (this.#delivery === null) throw new Refusal("not_bound", "pictures are of a recording");
    try {
      return await this.#delivery.picture(name);
    } catch (error) {
      throw error instanceof TryLater ? new Refusal("busy", error.message) : error;
    }
  }

  /** Ends all waiting for the next try. */
  retryNow() {
    this.#pacing.wake();
    this.#delivery?.wake();
    return {};
  }

  /** Ends everything and deletes what is left of a recording of which nothing has to be kept. */
  async forget() {
    const { ledger } = this.#buffer;
    const kept = ledger.totals().bytes_held > 0 || ledger.openRuns().length > 0;
    if (kept || (ledger.binding !== null && ledger.releases.length === 0)) {
      throw new Refusal("wrong_stage", "the recording has to be kept");
    }
    this.#ending.abort();
    this.#claiming.abort();
    this.#delivery?.end();
    await this.#buffer.close();
    await Buffer.remove(PLACE);
  }
}

/** @param {Fact} claim */
function shownOf({ digits, key, lapses_at_ms }) {
  return { digits, key, lapses_at_ms };
}

/** @param {number} ms */
function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What the browser tells of the network; null where it does not (all but Chromium). */
function connection() {
  /** @type {{connection?: EventTarget & {type?: string}}} */
  const { connection: told } = /** @type {object} */ (navigator);
  return told ?? null;
}

/**
 * How full the browser's storage is; null where it does not tell (Safari before 17).
 * @returns {Promise<State["storage"]>}
 */
async function storage() {
  try {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    return { quota, usage, persisted: await navigator.storage.persisted() };
  } catch {
    return null;
  }
}

/**
 * Until this worker is the only one that holds the recording; the lock is its own for as long as it lives.
 * @param {() => void} elsewhere told when another page turns out to hold it
 */
async function takeLock(elsewhere) {
  if (!("locks" in navigator)) return; // Safari before 15.4: nothing tells of another page there
  const take = (/** @type {LockOptions} */ options) => new Promise((resolve, reject) => {
    const held = () => new Promise(() => resolve(undefined)); // never settles
    navigator.locks.request(LOCK, options, held).catch(reject);
  });
  // A page that is being reloaded lets go of it a moment after the next one has begun.
  const soon = new AbortController();
  const timer = setTimeout(() => soon.abort(), LETS_GO_MS);
  try {
    await take({ signal: soon.signal });
  } catch (error) {
    if (!soon.signal.aborted) throw error;
    elsewhere();
    await take({});
  } finally {
    clearTimeout(timer);
  }
}

/** Answers the window's calls. */
function serve() {
  /** @type {Promise<Keeper>|null} */
  let opened = null;
  /** @type {import("./link.js").ArgumentOf<"open">|null} */
  let opening = null;
  /** @type {Tell} */
  const tell = (told) => link.tell(told);
  const keeper = () => opened ?? Promise.reject(new Refusal("wrong_stage", "not opened"));
  /**
   * @template {Exclude<import("./link.js").CallName, "open" | "forget">} Name
   * @param {Name} name
   * @returns {Handlers[Name]}
   */
  const passed = (name) => /** @type {any} */ (async (/** @type {any} */ argument) => {
    const keeping = await keeper();
    try {
      return await keeping[name](argument);
    } catch (error) {
      throw error instanceof BufferFull ? new Refusal("storage_full", error.message) : error;
    }
  });
  const link = new WindowLink(/** @type {import("./link.js").Endpoint} */ (/** @type {unknown} */ (globalThis)), {
    async open(argument) {
      opening = argument;
      opened ??= takeLock(() => tell({ event: "elsewhere" })).then(() => Keeper.open(argument, tell));
      return (await opened).state();
    },
    async forget() {
      await (await keeper()).forget();
      if (opening !== null) opened = Keeper.open(opening, tell);
      await opened;
      return {};
    },
    claim: passed("claim"), forgetClaim: passed("forgetClaim"), consent: passed("consent"),
    beginRun: passed("beginRun"), slice: passed("slice"), endRun: passed("endRun"), note: passed("note"),
    stop: passed("stop"), setUploadOnMetered: passed("setUploadOnMetered"), exportCarry: passed("exportCarry"),
    retryNow: passed("retryNow"), picture: passed("picture"),
  });
}

serve();
