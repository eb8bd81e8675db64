/** Does what a candidate asks for: joins the screens' actions with camera, scan and Keeper. */

import { offerFromCode, offerFromLink } from "./bind.js";
import { CameraRefused, FULL, closeStream, openCamera } from "./camera.js";
import { Refusal } from "./pairing/errors.js";
import { CHECKS, runCheck, watchPreview } from "./preflight.js";
import { recallProgress } from "./progress.js";
import { receiptFile, saveFile, shortProof } from "./proof.js";
import { ScanDesk } from "./scan_desk.js";
import { hasRecorded, screenOf } from "./store.js";
import { CONSENT_VERSION } from "./view/consent.js";
import { needsNoTap } from "./view/preflight.js";

/** @typedef {import("./store.js").View} View */
/** @typedef {import("./store.js").Busy} Busy */
/** @typedef {import("./types.js").State} State */
/** @typedef {import("./preflight.js").CheckId} CheckId */
/** @typedef {import("./view/actions.js").Actions} Actions */

/** How long an exam is taken to be where the sitting does not say. */
const USUAL_MINUTES = 120;
/** So long a phone says that it takes no other exam: it would hide a part of the recording's screen. */
const TOLD_MS = 60_000;

/**
 * Puts the page's address, with the offer in it, on the clipboard.
 * @returns {Promise<boolean>} whether the browser let it
 */
export async function copyAddress() {
  try {
    await navigator.clipboard.writeText(location.href);
    return true;
  } catch {
    return false;
  }
}

/** @implements {Actions} */
export class Desk {
  #store;
  #link;
  #capture;
  #server;
  /** The offer in the address, until it is claimed. */
  #offered = "";
  #scan;
  /** @type {MediaStream|null} what is watched for light and tilt */
  #watched = null;
  #unwatch = () => {};
  #checkedBy = "";

  /**
   * @param {import("./store.js").Store} store
   * @param {import("./link.js").KeeperLink} link
   * @param {import("./capture.js").Capture} capture
   * @param {import("./clock.js").Clock} clock
   * @param {import("./voice.js").Voice} voice
   * @param {string} server the app's own address, what stands before `/p/`
   * @param {Actions["speak"]} speak
   */
  constructor(store, link, capture, clock, voice, server, speak) {
    this.#store = store;
    this.#link = link;
    this.#capture = capture;
    this.#server = server;
    this.#scan = new ScanDesk({ store, link, capture, clock, voice, attempt: (work) => void this.#do(null, work), settle: () => this.settle() });
    this.speak = speak;
  }

  // --- what is told from below -------------------------------------------------------------------------

  /** @param {State} state the Keeper's newest */
  take(state) {
    const before = this.#store.view;
    /** @type {Partial<View>} */
    const changed = { state };
    if (before.state === null) changed.reopened = hasRecorded(state);
    if (state.sitting !== before.progress.sitting) {
      const progress = (changed.progress = recallProgress(state.sitting));
      // A turn that was over before the page was loaded may be answered still.
      if (progress.turn_ms !== null) changed.scan = { ...before.scan, phase: "done", asked_at_ms: before.now_ms };
    }
    this.#store.set(changed);
    this.#scan.heed();
    if (state.verdict_jws !== (before.state?.verdict_jws ?? null)) {
      void shortProof(state).then((proof) => this.#store.set({ proof }));
    }
    this.settle();
  }

  /** @param {Readonly<import("./capture.js").CaptureState>} capture */
  captured(capture) {
    const { busy } = this.#store.view;
    this.#store.set({ capture, busy: busy === "start" && capture.doing !== "opening" ? null : busy });
    this.#scan.captured(capture);
    this.settle();
  }

  /** Begins and ends what belongs to a screen: the checks that need no tap, the watch on light and tilt. */
  settle() {
    const { view } = this.#store;
    const screen = screenOf(view);
    if (screen === "preflight" && this.#checkedBy !== view.state?.sitting) {
      this.#checkedBy = view.state?.sitting ?? "";
      void this.#tryChecks(CHECKS.filter(needsNoTap));
    }
    if (screen !== "preflight" || view.capture.stream !== null) this.#closeMirror();
    const stream = screen === "preflight" ? this.#store.view.mirror : screen === "place" ? view.capture.stream : null;
    if (stream === this.#watched) return;
    this.#unwatch();
    this.#watched = stream;
    this.#unwatch = stream === null ? () => {} : watchPreview(stream, (look) => this.#store.set({ look }));
    if (stream === null) this.#store.set({ look: null });
  }

  // --- binding -----------------------------------------------------------------------------------------

  /**
   * An offer came with the address.  It is claimed at once, unless this phone is bound already.
   * @param {string} link
   */
  offered(link) {
    const stage = this.#store.view.state?.stage;
    if (stage !== "start" && stage !== "lapsed" && stage !== "refused") {
      history.replaceState(null, "", location.pathname);
      if (stage === "claimed") return; // it is this claim's, most likely
      this.#store.set({ held: true });
      setTimeout(() => this.#store.set({ held: false }), TOLD_MS);
      return;
    }
    this.#offered = link;
    this.#store.set({ offered: true });
    this.claimOffered();
  }

  claimOffered() {
    if (this.#offered !== "") this.claim(this.#offered);
  }

  /** @param {string} text a link or a typed code */
  claim(text) {
    void this.#do("claim", async () => {
      const offer = /[:/#]/.test(text) ? offerFromLink(text) : offerFromCode(text, this.#server);
      if (offer.server !== this.#server) {
        // A page may only talk to its own server: the other one serves its own.
        location.assign(text);
        return;
      }
      try {
        await this.#link.ask("claim", { server: "", secret: offer.secret });
      } catch (error) {
        // Throttled, the same offer may be tried again.
        if (!(error instanceof Refusal) || error.code !== "throttled") this.#forgetOffer();
        throw error;
      }
      this.#forgetOffer();
    });
  }

  giveUp() {
    this.#store.set({ busy: null });
    void this.#link.ask("forgetClaim", {});
  }

  /** The address must not carry an offer that is spent: it would be shared or kept with it. */
  #forgetOffer() {
    this.#offered = "";
    this.#store.set({ offered: false });
    history.replaceState(null, "", location.pathname);
  }

  async copyLink() {
    this.#store.set({ copied: await copyAddress() });
  }

  // --- consent and checks ------------------------------------------------------------------------------

  /**
   * @param {boolean} face
   * @param {boolean} room
   */
  consent(face, room) {
    void this.#do("consent", async () => {
      await this.#link.ask("consent", { version: CONSENT_VERSION, face, room });
    });
  }

  /** @param {boolean} declined */
  decline(declined) {
    this.#store.set({ declined });
  }

  /** @param {CheckId} [id] */
  check(id) {
    const { checking } = this.#store.view;
    const ids = (id === undefined ? CHECKS : [id]).filter((one) => !checking.includes(one));
    if (ids.length > 0) void this.#checkWithCamera(ids);
  }

  /** @param {readonly CheckId[]} ids */
  async #checkWithCamera(ids) {
    const needed = ids.filter((id) => id !== "quiet");
    this.#begin(needed);
    if (needed.some((id) => !needsNoTap(id)) && this.#store.view.mirror === null) {
      try {
        const mirror = await openCamera("user", FULL);
        this.#store.set({ mirror });
        this.settle();
      } catch (error) {
        if (!(error instanceof CameraRefused)) throw error;
        // The check of the camera says what the browser said.
      }
    }
    await this.#tryChecks(needed);
  }

  /**
   * These run now, beside those that do already.
   * @param {readonly CheckId[]} ids
   */
  #begin(ids) {
    this.#store.set({ checking: [...new Set([...this.#store.view.checking, ...ids])] });
  }

  /** @param {readonly CheckId[]} ids */
  async #tryChecks(ids) {
    this.#begin(ids);
    const { window } = this.#store.view.state ?? { window: { start_ms: null, end_ms: null } };
    const { start_ms: start, end_ms: end } = window;
    const minutes = start !== null && end !== null ? Math.ceil((end - start) / 60_000) : USUAL_MINUTES;
    await Promise.all(ids.map(async (id) => {
      const check = await runCheck(id, { stream: this.#store.view.mirror, minutes, server: "" });
      const { checks, checking } = this.#store.view;
      this.#store.set({ checks: [...checks.filter((old) => old.id !== id), check], checking: checking.filter((other) => other !== id) });
    }));
  }

  #closeMirror() {
    const { mirror } = this.#store.view;
    if (mirror === null) return;
    closeStream(mirror);
    this.#store.set({ mirror: null });
  }

  // --- recording ---------------------------------------------------------------------------------------

  start() {
    this.#closeMirror();
    this.#store.set({ busy: "start", complaint: null });
    this.startCapture();
  }

  /** Records with the camera that the candidate chose, also after a reload. */
  startCapture() {
    this.#capture.start(this.#store.view.progress.facing);
  }

  tap() {
    this.#store.set({ complaint: null });
    this.#capture.tap();
  }

  /** @param {import("./camera.js").Facing} facing */
  turnTo(facing) {
    this.#scan.turnTo(facing);
  }

  /** @param {View["asking"]} asking */
  ask(asking) {
    this.#store.set({ asking });
  }

  stop() {
    void this.#do("stop", async () => {
      await this.#scan.abandon();
      await this.#capture.stop();
      this.#store.set({ asking: null });
    });
  }

  // --- room scan and placement -------------------------------------------------------------------------

  beginScan() {
    return this.#scan.begin();
  }

  endScan() {
    this.#scan.end();
  }

  acceptScan() {
    this.#scan.accept();
  }

  repeatScan() {
    this.#scan.repeat();
  }

  skipScan() {
    this.#scan.skip();
  }

  placed() {
    this.#scan.placed();
  }

  acceptPlace() {
    this.#scan.acceptPlace();
  }

  // --- delivery ----------------------------------------------------------------------------------------

  /** @param {boolean} allowed */
  useMetered(allowed) {
    void this.#do(null, async () => {
      await this.#link.ask("setUploadOnMetered", { allowed });
    });
  }

  retry() {
    void this.#do("retry", async () => {
      await this.#link.ask("retryNow", {});
    });
  }

  saveCarry() {
    void this.#do("carry", async () => {
      saveFile(await this.#link.ask("exportCarry", {}), `${this.#store.view.state?.sitting}.carry.zip`);
    });
  }

  saveReceipt() {
    const { state } = this.#store.view;
    if (state === null) return;
    void this.#do(null, async () => saveFile(await receiptFile(state, this.#server), `${state.sitting}.receipt.json`));
  }

  forget() {
    void this.#do("forget", async () => {
      await this.#link.ask("forget", {});
      location.reload(); // the Keeper has ended; the next one begins with nothing
    });
  }

  reload() {
    location.reload();
  }

  /**
   * Does one thing; what is refused is shown until the candidate does the next.
   * @param {Busy|null} busy null: nothing shows that it is being done
   * @param {() => Promise<void>} work
   */
  async #do(busy, work) {
    this.#store.set(busy === null ? { complaint: null } : { busy, complaint: null });
    try {
      await work();
    } catch (error) {
      // What the candidate gave up meanwhile is no complaint.
      if (busy !== null && this.#store.view.busy !== busy) return;
      const refusal = error instanceof Refusal ? error : new Refusal("internal", String(error));
      this.#store.set({ complaint: refusal.told() });
    } finally {
      if (busy !== null && this.#store.view.busy === busy) this.#store.set({ busy: null });
    }
  }
}
