/** Does what a candidate asks for before the exam: the turn around the room, and the phone's placement. */

import { ownScan, scanAnswer, placeAnswer } from "./answers.js";
import { OrientationRecorder } from "./orientation.js";
import { keepProgress } from "./progress.js";
import { ScanGuide, askForDirection } from "./scan.js";
import { freshScan, screenOf } from "./store.js";

/** A picture that does not come is asked for again so often, after so long. */
const TRIES = 3;
const AGAIN_MS = 3_000;

/**
 * What it works with.
 * @typedef {object} Needs
 * @property {import("./store.js").Store} store
 * @property {import("./link.js").KeeperLink} link
 * @property {import("./capture.js").Capture} capture
 * @property {import("./clock.js").Clock} clock
 * @property {import("./voice.js").Voice} voice
 * @property {(work: () => Promise<void>) => void} attempt does something; what is refused is told
 * @property {() => void} settle called when the candidate has come further
 */

export class ScanDesk {
  #needs;
  #orientation;
  /** @type {ScanGuide|null} */
  #guide = null;
  /** @type {MediaStream|null} what the guide looks at */
  #guided = null;
  /** @type {boolean|null} the front camera is being opened for a turn; whether the phone tells its direction */
  #awaited = null;
  /** When the turn under way began, on the clock that is never set. */
  #began_ms = 0;
  /** The picture that is being fetched, or was. */
  #strip = "";

  /** @param {Needs} needs */
  constructor(needs) {
    this.#needs = needs;
    this.#orientation = new OrientationRecorder(needs.link, needs.clock);
  }

  get #store() {
    return this.#needs.store;
  }

  // --- room scan -----------------------------------------------------------------------------------------

  async begin() {
    const { capture } = this.#needs;
    const directed = await askForDirection();
    if (this.#guide !== null) return;
    if (capture.state.facing === "user") return this.#begin(directed);
    // The candidate has to be in the picture, and sees on the screen how far the turn has come.
    this.#awaited = directed;
    this.turnTo("user");
  }

  /** @param {boolean} directed */
  #begin(directed) {
    const { capture, clock, voice, attempt } = this.#needs;
    const { stream } = capture.state;
    if (stream === null) return;
    const guide = new ScanGuide(stream, directed, (reading) => {
      if (guide !== this.#guide) return;
      this.#show({ reading });
      if (reading.complete) this.end();
    });
    this.#guide = guide;
    this.#guided = stream;
    this.#strip = "";
    voice.hush(true);
    this.#show({ ...freshScan(), phase: "turning" });
    const at = clock.instant();
    this.#began_ms = at.mono_ms;
    attempt(() => capture.mark("scan_begin", at));
    if (directed) this.#orientation.begin();
    guide.begin();
  }

  /** The turn is over: from now on the server looks at it. */
  end() {
    if (this.#guide === null) return;
    const reading = this.#guide.end();
    this.#advance({ turn_ms: this.#began_ms });
    this.#show({ phase: "done", reading, asked_at_ms: this.#store.view.now_ms });
    this.#needs.attempt(() => this.#close());
  }

  /** Ends a turn of which nothing is expected any more; resolved when it is noted. */
  async abandon() {
    if (this.#guide === null) return;
    this.#guide.end();
    this.#store.set({ scan: freshScan() });
    await this.#close();
  }

  /**
   * A new run has another picture: the turn cannot go on in it; one that waits for the front camera begins.
   * @param {Readonly<import("./capture.js").CaptureState>} capture
   */
  captured({ stream, doing }) {
    if (this.#guide !== null && stream !== this.#guided) this.#needs.attempt(() => this.abandon());
    if (this.#awaited === null || doing !== "recording") return;
    const directed = this.#awaited;
    this.#awaited = null;
    if (screenOf(this.#store.view) === "scan") this.#begin(directed);
  }

  /** What is kept of the phone's direction goes before the note: who reads that the turn is over has it all. */
  async #close() {
    const { capture, clock, voice } = this.#needs;
    this.#guide = this.#guided = null;
    voice.hush(false);
    const at = clock.instant();
    await this.#orientation.end();
    await capture.mark("scan_end", at);
  }

  repeat() {
    const { strip } = this.#store.view.scan;
    if (strip !== null) URL.revokeObjectURL(strip.url);
    this.#advance({ scan: "todo", turn_ms: null, placed: false });
    this.#store.set({ scan: freshScan(), place: { asked_at_ms: null, before: "" } });
    void this.begin();
  }

  accept() {
    const answer = scanAnswer(this.#store.view);
    const heard = answer === "accept" || answer === "repeat" || answer === "review";
    this.#advance({ scan: heard ? "done" : "unheard" });
  }

  skip() {
    this.#advance({ scan: "skipped" });
  }

  /**
   * Records with the other camera, from now on and after a reload.
   * @param {import("./camera.js").Facing} facing
   */
  turnTo(facing) {
    this.#advance({ facing });
    this.#needs.capture.turnTo(facing);
  }

  // --- placement -----------------------------------------------------------------------------------------

  placed() {
    const { view } = this.#store;
    this.#store.set({ place: { asked_at_ms: view.now_ms, before: JSON.stringify(view.state?.placement ?? null) } });
    this.#needs.attempt(() => this.#needs.capture.mark("placed"));
  }

  acceptPlace() {
    this.#store.set({ place: { asked_at_ms: null, before: "" } });
    this.#advance({ placed: true });
  }

  // --- what the server says ------------------------------------------------------------------------------

  /**
   * Has the server's picture of the turn fetched; and goes on by itself where the phone stands well, for then it must
   * not be touched any more.
   */
  heed() {
    const { view } = this.#store;
    const screen = screenOf(view);
    if (screen === "scan" && view.scan.phase === "done") {
      const name = ownScan(view)?.strip ?? null;
      if (name !== null && name !== this.#strip) void this.#fetch((this.#strip = name));
    }
    if (screen === "place" && view.place.asked_at_ms !== null && placeAnswer(view) === "ok") this.acceptPlace();
  }

  /** @param {string} name */
  async #fetch(name) {
    for (let count = 0; count < TRIES && this.#strip === name; count += 1) {
      try {
        const url = URL.createObjectURL(await this.#needs.link.ask("picture", { name }));
        if (this.#strip === name) this.#show({ strip: { name, url } });
        return;
      } catch {
        // It only illustrates what is said in words.
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  /** @param {Partial<import("./store.js").ScanView>} changed */
  #show(changed) {
    this.#store.set({ scan: { ...this.#store.view.scan, ...changed } });
  }

  /** @param {Partial<import("./store.js").Progress>} further */
  #advance(further) {
    const progress = { ...this.#store.view.progress, ...further };
    keepProgress(progress);
    this.#store.set({ progress });
    this.#needs.settle();
  }
}
