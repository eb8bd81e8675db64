/**
 * One phone at one sitting, as far as the network is concerned: samples, committer, uploads and reader side by side.
 *
 * It hears nothing of the recorder and tells it nothing but events; everything is driven by the buffer's facts: a
 * sealed segment wakes the committer, an acknowledgement the uploads.  It mirrors `phone_client/phone.py`.
 */

import { serverJwk } from "./bind.js";
import { Samples } from "./clock.js";
import { Signer, commit } from "./commit.js";
import { ExamEnd } from "./ending.js";
import { Verdicts, applyReleases, dropAfterEnd, learn, promised } from "./follow.js";
import { forecast, holdForWifi } from "./forecast.js";
import { Pacer, Pacing, Signal } from "./pacing.js";
import { Refusal } from "./pairing/errors.js";
import { PATIENT_WAIT_S, TryLater, WAIT_S } from "./server.js";
import { TusTransfer } from "./transfer.js";
import { Uploads } from "./upload.js";

/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./types.js").Fact} Fact */

const SAMPLE_MS = 20_000;
const FIRST_SAMPLES = 4;
const REFUSED_MS = 30_000;
const AGAIN_MS = 5_000;
/** A server may answer a read at once. */
const READ_EVERY_MS = 200;
/** How much of the newest media tells what the recording adds. */
const RECENT = 10;

/**
 * What a delivery stands on.
 * @typedef {object} Needs
 * @property {import("./buffer.js").Buffer} buffer
 * @property {import("./server.js").Server} server
 * @property {import("./keystore.js").PhoneKey} key
 * @property {Fact} claim
 * @property {import("./clock.js").Clock} clock
 * @property {Pacing} pacing
 * @property {() => boolean} isMetered whether the network is known to cost
 * @property {(told: import("./link.js").KeeperEvent) => void} tell
 */

/** Use: `void delivery.run()`; `end()` stops it; `changed.fire()` when something may have become possible. */
export class Delivery {
  /** @type {import("./follow.js").Standing|null} the newest answer to a read */
  standing = null;
  verdicts = new Verdicts();
  /** Bytes deleted by releases since the page was loaded. */
  freed = 0;
  /** @type {Refusal|null} the last thing refused that nobody has mended */
  refusal = null;
  /** @type {number|null} when the server last answered; wall clock */
  last_contact_ms = null;
  examEnd = new ExamEnd();
  /** @type {"lapsed"|"refused"|null} what became of a claim that was not confirmed */
  lost = null;
  #needs;
  #ending = new AbortController();
  #reading = new AbortController();
  #committing = false;
  #held = false;
  /** @type {Set<string>} what the window was told to stop for */
  #told = new Set();

  /** @param {Needs} needs */
  constructor(needs) {
    const { buffer, server, key, claim, clock, pacing } = needs;
    this.#needs = needs;
    this.changed = new Signal(pacing.timing);
    this.samples = new Samples(clock);
    this.signer = new Signer(buffer, key.signer, clock.boot, () => this.samples.valid());
    // A full server makes uploads wait; heads go on.
    this.uploadPacing = new Pacing(pacing.timing);
    this.uploads = new Uploads({
      transfer: new TusTransfer(), server, buffer, key: key.jwk, server_jwk: serverJwk(claim),
      pacing: this.uploadPacing, changed: this.changed, isWanted: (entry) => this.#isWanted(entry),
      placed: (entry) => this.#placed(entry), required: () => ({ ...this.window, end_ms: this.end_ms }),
      reached: () => this.#heard(),
      mayStart: () => !this.#committing && !this.hold().held,
    });
  }

  /** Until `end`. */
  async run() {
    const jobs = [
      () => this.#keepSampling(), () => this.#keepCommitting(), ...this.uploads.jobs(this.#ending.signal),
      () => this.#keepReading(),
    ];
    await Promise.all(jobs.map((job) => this.#keptUp(job)));
  }

  /** Stops all of it. */
  end() {
    this.#ending.abort();
    this.wake();
  }

  /** Ends all waiting for the next try: the network is back, or somebody asks for it. */
  wake() {
    this.#reading.abort();
    this.#needs.pacing.wake();
    this.uploadPacing.wake();
    this.changed.fire();
  }

  /**
   * Begins a job again that ends by a fault: no fault on this side may end the delivery.
   * @param {() => Promise<void>} job
   */
  async #keptUp(job) {
    while (!this.#ending.signal.aborted) {
      try {
        await job();
        return;
      } catch (error) {
        this.#needs.tell({ event: "fault", refusal: new Refusal("internal", String(error)).told() });
        await this.#needs.pacing.pause(AGAIN_MS);
      }
    }
  }

  get #ended() {
    return this.#ending.signal.aborted;
  }

  // --- jobs ----------------------------------------------------------------------------------------

  async #keepSampling() {
    const { pacing, server, clock } = this.#needs;
    const pacer = new Pacer(pacing);
    for (let count = 1; !this.#ended; count += 1) {
      await pacer.ready();
      try {
        this.samples.take(await server.clockSample(clock));
        this.#reached(pacer);
        if (count >= FIRST_SAMPLES) await pacing.pause(SAMPLE_MS);
      } catch (error) {
        this.#failed(pacer, error);
        if (error instanceof Refusal) await pacing.pause(SAMPLE_MS);
      }
    }
  }

  async #keepCommitting() {
    const { pacing, server, buffer, claim } = this.#needs;
    const pacer = new Pacer(pacing);
    while (!this.#ended) {
      const entries = buffer.ledger.binding === null ? [] : await this.signer.signNext();
      if (entries.length === 0) {
        if (!(await this.#sendManifest(pacer))) await this.changed.wait();
        continue;
      }
      await pacer.ready();
      if (this.#ended) return;
      this.#committing = true;
      try {
        await commit(server, buffer, entries, serverJwk(claim));
        this.#reached(pacer);
      } catch (error) {
        if (error instanceof Refusal) await this.#entriesRefused(error);
        else this.#failed(pacer, error);
      } finally {
        this.#committing = false;
        this.changed.fire();
      }
    }
  }

  /** @param {Refusal} refusal */
  async #entriesRefused(refusal) {
    const { buffer, pacing } = this.#needs;
    const { code, next } = refusal;
    if (code === "chain_broken" && next) {
      await buffer.record({ fact: "uncommitted", ...next });
    } else if (code === "binding_replaced" && next) {
      // What was recorded before another phone took over still counts; the rest stays here.
      await buffer.record({ fact: "turned_away", ...next });
      return;
    }
    this.refusal = refusal;
    // Nothing is dropped: the recording goes on and the same records are sent again.
    this.#committing = false;
    this.changed.fire();
    await pacing.pause(code === "chain_broken" ? 1_000 : REFUSED_MS);
  }

  /**
   * Once nothing more is recorded and all is committed; true if there was something to do.
   * @param {Pacer} pacer
   */
  async #sendManifest(pacer) {
    const { buffer, clock, server } = this.#needs;
    const { ledger } = buffer;
    if (!this.#isRecordingDone() || [...ledger.deliverable()].some(({ committed }) => !committed)) return false;
    const record = await this.signer.manifest(clock.wall());
    const version = ledger.manifests.length;
    if (record === null || ledger.manifest_sent === version) return false;
    await pacer.ready();
    try {
      await server.manifest(record);
      this.#reached(pacer);
      await buffer.record({ fact: "manifest_sent", version });
    } catch (error) {
      if (error instanceof Refusal) await this.#entriesRefused(error);
      else this.#failed(pacer, error);
    }
    return true;
  }

  async #keepReading() {
    const { buffer, claim, server, pacing } = this.#needs;
    const pacer = new Pacer(pacing);
    await this.verdicts.read(buffer.ledger); // those of earlier page loads, also without network
    this.changed.fire();
    /** @type {number|null} */
    let after = null;
    while (!this.#ended && this.lost === null) {
      await pacer.ready();
      this.#reading = new AbortController();
      const asked_at = pacing.timing.now();
      try {
        const before = promised(buffer.ledger);
        const answer = await server.binding(after, this.isDelivered() ? PATIENT_WAIT_S : WAIT_S, this.#reading.signal);
        this.standing = await learn(buffer, claim, answer, before);
        await this.verdicts.read(buffer.ledger);
        this.freed += await applyReleases(buffer, claim, answer);
        this.freed += await dropAfterEnd(buffer, this.verdicts.newest, (entry, ms) => this.#placed(entry).from_ms >= ms);
        this.#reached(pacer);
      } catch (error) {
        if (this.#reading.signal.aborted) continue; // broken off by `wake`: that says nothing about the network
        if (error instanceof Refusal) {
          this.refusal = error;
          await pacing.pause(REFUSED_MS);
        } else {
          this.#failed(pacer, error);
        }
        after = null;
        continue;
      }
      await this.#heed(this.standing);
      this.changed.fire();
      after = this.standing.position;
      const rest_ms = asked_at + READ_EVERY_MS - pacing.timing.now();
      if (rest_ms > 0) await pacing.pause(rest_ms);
    }
  }

  /** @param {import("./follow.js").Standing} standing */
  async #heed({ stage }) {
    if (stage === "lapsed" || stage === "refused") {
      this.lost = stage;
      await this.#needs.buffer.record({ fact: "claim_dropped" });
      this.end();
    } else if (stage === "replaced") {
      this.#orderStop("replaced");
    }
    if (this.verdicts.newest !== null && this.ended) this.#orderStop("decided");
  }

  /** @param {Pacer} pacer */
  #reached(pacer) {
    pacer.succeeded();
    this.#heard();
    if (!this.#needs.buffer.ledger.turned_away_at) this.refusal = null;
    this.changed.fire();
  }

  /** The server is there: whoever waits because it was not need not wait any longer. */
  #heard() {
    const { pacing, clock } = this.#needs;
    this.last_contact_ms = clock.wall();
    if (pacing.online) return;
    pacing.online = true;
    this.wake();
  }

  /**
   * @param {Pacer} pacer
   * @param {unknown} error
   */
  #failed(pacer, error) {
    if (error instanceof TryLater) pacer.failed(error.after_s, error.reached);
    else if (!(error instanceof Refusal)) throw error;
    this.changed.fire();
  }

  /**
   * A picture that the server made of the recording.
   * @param {string} name
   * @returns {Promise<Blob>}
   * @throws {Refusal | TryLater}
   */
  picture(name) {
    return this.#needs.server.picture(name);
  }

  // --- the exam's end ------------------------------------------------------------------------------

  /** The planned window; the server's clock. */
  get window() {
    const { start_ms = null, end_ms = null } = this.standing?.window ?? this.#needs.claim["window"] ?? {};
    return { start_ms, end_ms };
  }

  /** The exam's end, once announced; the server's clock. */
  get end_ms() {
    return this.#needs.buffer.ledger.end_ms;
  }

  /** Whether the end is announced and past. */
  get ended() {
    return this.end_ms !== null && this.samples.server_ms() >= this.end_ms;
  }

  /** When all has to be stored, on the server's clock: it never comes earlier than the policy says. */
  get deadline_ms() {
    const window_s = this.#needs.claim["policy"]?.["upload_window_s"];
    const least = this.end_ms !== null && Number.isSafeInteger(window_s) ? this.end_ms + window_s * 1_000 : null;
    return this.standing?.deadline_ms ?? least;
  }

  /** Looks at the clock: called about every second, for what happens by time alone. */
  tick() {
    const { buffer, clock, pacing, tell } = this.#needs;
    const { ledger } = buffer;
    if (this.samples.broken) {
      this.samples.drop();
      pacing.wake(); // read the server's clock again
    }
    const { held } = this.hold();
    if (this.#held && !held) this.changed.fire(); // the deadline is near
    this.#held = held;
    const running = ledger.openRuns().some(({ source }) => source === "camera");
    const seen = { ended: this.ended, running, stopped: ledger.stopped, online: pacing.online, ...clock.instant() };
    const order = this.examEnd.look(seen);
    if (order === "ask") tell({ event: "ended", stops_at_ms: this.examEnd.stops_at_ms ?? seen.wall_ms });
    else if (order === "stop") tell({ event: "stop", reason: "end" });
    else if (order === "resume" && this.standing?.stage !== "replaced") tell({ event: "resume" });
    if (order === "resume") this.#told.clear();
    if (this.#isRecordingDone() && !this.isDelivered()) this.changed.fire();
  }

  /** @param {"replaced"|"decided"} reason */
  #orderStop(reason) {
    if (this.#told.has(reason) || this.#needs.buffer.ledger.openRuns().length === 0) return;
    this.#told.add(reason);
    this.#needs.tell({ event: "stop", reason });
  }

  #isRecordingDone() {
    const { ledger } = this.#needs.buffer;
    if (ledger.runs.size === 0 || ledger.openRuns().length > 0) return false;
    return ledger.stopped || this.standing?.stage === "replaced" || this.examEnd.isAbandoned(this.#needs.clock.mono());
  }

  // --- judging where it stands ---------------------------------------------------------------------

  /**
   * When a segment was captured, on the server's clock, as far as is known.
   * @param {Entry} entry
   */
  #placed({ run, segment }) {
    if (segment === null) return { from_ms: 0, to_ms: 0 };
    const sample = this.samples.valid();
    const length_ms = segment.mono_ms[1] - segment.mono_ms[0];
    let from_ms = segment.wall_ms + (this.samples.offset_ms ?? 0);
    if (sample !== null && this.#needs.buffer.ledger.runs.get(run)?.boot === this.#needs.clock.boot) {
      from_ms = segment.mono_ms[0] + sample.server_ms - sample.mono_ms;
    }
    return { from_ms, to_ms: from_ms + length_ms };
  }

  /**
   * Whether a segment is to be uploaded: not one that begins after the exam's end.
   * @param {Entry} entry
   */
  #isWanted(entry) {
    return this.end_ms === null || this.#placed(entry).from_ms < this.end_ms;
  }

  /** What is to be uploaded still. */
  waiting() {
    const { runs } = this.#needs.buffer.ledger;
    const owed = this.uploads.owed().flatMap(({ run, segment }) => (segment ? [{ ...segment, source: runs.get(run)?.source }] : []));
    return {
      segments: owed.length, bytes: owed.reduce((sum, { length }) => sum + length, 0),
      // What the phone's direction took is time of the recording already.
      ms: owed.reduce((sum, { source, mono_ms }) => sum + (source === "camera" ? mono_ms[1] - mono_ms[0] : 0), 0),
    };
  }

  /** Whether the server has all that it can be given. */
  isDelivered() {
    const { ledger } = this.#needs.buffer;
    const all = [...ledger.deliverable()];
    if (ledger.binding === null || all.length === 0 || all.some(({ committed }) => !committed)) return false;
    if (this.uploads.owed().some(({ name }) => !this.uploads.troubles.has(name))) return false;
    return all.length === ledger.listed && ledger.manifest_sent === ledger.manifests.length;
  }

  /** Bits a second that the recording adds now. */
  #coming_bps() {
    const { ledger } = this.#needs.buffer;
    const run = ledger.openRuns().find(({ source }) => source === "camera");
    const recent = (run?.entries ?? []).flatMap(({ segment }) => segment ?? []).slice(-RECENT);
    const [first, last] = [recent[0], recent.at(-1)];
    if (!first || !last || last.mono_ms[1] <= first.mono_ms[0]) return 0;
    const bytes = recent.reduce((sum, { length }) => sum + length, 0);
    return Math.floor((bytes * 8_000) / (last.mono_ms[1] - first.mono_ms[0]));
  }

  /** @returns {import("./forecast.js").Task} on the server's clock */
  #task() {
    return {
      now_ms: this.samples.server_ms(), bytes: this.waiting().bytes, coming_bps: this.#coming_bps(),
      until_ms: this.end_ms ?? this.window.end_ms, deadline_ms: this.deadline_ms, rate_bps: this.uploads.rate_bps,
    };
  }

  /** When all will have arrived; wall clock. */
  forecast() {
    const { done_ms, ...rest } = forecast(this.#task());
    return { done_ms: done_ms === null ? null : done_ms - (this.samples.offset_ms ?? 0), ...rest };
  }

  /** Whether uploads wait for a network that costs nothing. */
  hold() {
    const allowed = this.#needs.buffer.ledger.metered_allowed;
    if (allowed || !this.#needs.isMetered()) return { held: false, overridden: false };
    return holdForWifi({ allowed, metered: true, ...this.#task() });
  }
}
