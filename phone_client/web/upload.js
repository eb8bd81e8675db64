/**
 * Media to the server, segment by segment: resumable after anything, nothing sent twice that arrived.
 *
 * Two segments at once, one on a slow network, in the order in which the verdict needs them.  A segment is done
 * once its receipt is verified against the head that this phone signed, and kept.
 */

import { PieceSize, Throughput, compareDue } from "./forecast.js";
import { readEntry } from "./pairing/chain.js";
import { sha256 } from "./pairing/encoding.js";
import { Refusal } from "./pairing/errors.js";
import { TYP } from "./pairing/messages.js";
import { checkReceipt } from "./pairing/receipt.js";
import { Pacer } from "./pacing.js";
import { TryLater } from "./server.js";

/** @typedef {import("./ledger.js").Entry} Entry */
/** @typedef {import("./types.js").PublicJwk} PublicJwk */

const WORKERS = 2;

/**
 * What uploads stand on.
 * @typedef {object} Needs
 * @property {import("./transfer.js").Transfer} transfer
 * @property {Pick<import("./server.js").Server, "address" | "receipt">} server
 * @property {Pick<import("./buffer.js").Buffer, "ledger" | "record" | "media">} buffer
 * @property {PublicJwk} key the phone's
 * @property {PublicJwk} server_jwk
 * @property {import("./pacing.js").Pacing} pacing of the uploads
 * @property {import("./pacing.js").Signal} changed fired whenever something may have become possible
 * @property {(entry: Entry) => boolean} isWanted whether a segment is to be delivered at all
 * @property {(entry: Entry) => {from_ms: number, to_ms: number}} placed when it was captured, on the server's clock
 * @property {() => {start_ms: number|null, end_ms: number|null}} required the interval that the verdict is about
 * @property {() => void} reached called whenever the server has taken a piece
 * @property {() => boolean} mayStart false while the next piece has to wait: heads go first, a network costs
 */

/** All uploads of one phone. */
export class Uploads {
  /** @type {Map<string, Refusal>} heads whose media is refused for good, and why */
  troubles = new Map();
  /** Segments delivered since the page was loaded. */
  delivered = 0;
  throughput = new Throughput();
  #pieces = new PieceSize();
  #needs;
  #pacer;
  /** @type {Set<string>} */
  #underWay = new Set();
  /** @type {Map<string, number>} */
  #failures = new Map();
  /** @type {WeakSet<Entry>} of which the server may have a part: those of earlier page loads, those tried or carried */
  #begun;

  /** @param {Needs} needs */
  constructor(needs) {
    this.#needs = needs;
    this.#pacer = new Pacer(needs.pacing, false);
    this.#begun = new WeakSet(needs.buffer.ledger.entries());
  }

  /**
   * The jobs that upload side by side, each until `ending` is aborted; one that fails may be begun again.
   * @param {AbortSignal} ending
   */
  jobs(ending) {
    return Array.from({ length: WORKERS }, (_, place) => () => this.#work(place, ending));
  }

  /** Segments to be delivered that have no receipt yet, committed or not. */
  owed() {
    const { buffer, isWanted } = this.#needs;
    return [...buffer.ledger.deliverable()].filter(
      (entry) => entry.segment !== null && entry.receipt === null && !entry.deleted && isWanted(entry),
    );
  }

  /** How many of these are refused for good. */
  get stuck() {
    return this.owed().filter(({ name }) => this.troubles.has(name)).length;
  }

  /** What is on the phone now may reach the server by hand too: before it is uploaded, the server is asked for it. */
  expectByHand() {
    for (const entry of this.#needs.buffer.ledger.entries()) this.#begun.add(entry);
  }

  /** What the network takes now, in bits a second; null while unknown. */
  get rate_bps() {
    return this.throughput.rate_bps(this.#now());
  }

  #now() {
    return this.#needs.pacing.timing.now();
  }

  /**
   * @param {number} place of this worker among them
   * @param {AbortSignal} ending
   */
  async #work(place, ending) {
    while (!ending.aborted) {
      const entry = this.#isIdle(place) ? undefined : this.#next();
      if (entry === undefined) {
        await this.#needs.changed.wait();
        continue;
      }
      this.#underWay.add(entry.name);
      try {
        await this.#pacer.ready();
        if (!ending.aborted && this.#needs.mayStart()) await this.#deliver(entry, ending);
      } finally {
        this.#underWay.delete(entry.name);
      }
    }
  }

  /** @param {number} place */
  #isIdle(place) {
    return !this.#needs.mayStart() || (place > 0 && this.#pieces.isSlow);
  }

  /** The segment to go on with. */
  #next() {
    const required = this.#needs.required();
    const ready = this.owed().filter(({ name, committed, upload }) =>
      committed && upload !== null && !this.#underWay.has(name) && !this.troubles.has(name));
    const due = ready.map((entry) => ({ entry, due: this.#due(entry) }));
    return due.sort((a, b) => compareDue(a.due, b.due, required))[0]?.entry;
  }

  /**
   * @param {Entry} entry
   * @returns {import("./forecast.js").Due}
   */
  #due(entry) {
    const { run, seq, segment, name } = entry;
    const source = this.#needs.buffer.ledger.runs.get(run)?.source ?? "camera";
    const failures = this.#failures.get(name) ?? 0;
    return { run, seq, first: segment?.offset === 0, source, failures, ...this.#needs.placed(entry) };
  }

  /**
   * @param {Entry} entry
   * @param {AbortSignal} ending
   */
  async #deliver(entry, ending) {
    this.throughput.begin(this.#now());
    try {
      const receipt = await this.#send(entry, ending);
      if (receipt === null) return;
      await this.#keep(entry, receipt || (await this.#needs.server.receipt(entry.name)));
      this.#pacer.succeeded();
    } catch (error) {
      this.#failures.set(entry.name, (this.#failures.get(entry.name) ?? 0) + 1);
      this.#pieces.failed();
      if (error instanceof TryLater) this.#pacer.failed(error.after_s, error.reached);
      else if (error instanceof Refusal) await this.#refused(entry, error);
      else throw error;
    } finally {
      this.throughput.end(this.#now());
      this.#needs.changed.fire();
    }
  }

  /**
   * Sends what the server does not have yet; gives the receipt, "" if none came with it, null if it was broken off.
   * @param {Entry} entry
   * @param {AbortSignal} ending
   */
  async #send(entry, ending) {
    const { transfer, server, buffer } = this.#needs;
    const media = await buffer.media(entry);
    // The file is gone: nothing on this side can bring it back.
    if (media === null) throw new Refusal("not_found", `run ${entry.run}, entry ${entry.seq}: its file is gone`);
    const address = server.address(entry.upload ?? "");
    let standing = { offset: 0, receipt: "" };
    if (this.#begun.has(entry)) standing = await transfer.head(address);
    this.#begun.add(entry);
    if (standing.offset > media.size) throw new Refusal("upload_length", "the server has more of it than the phone");
    while (standing.offset < media.size) {
      const { offset } = standing;
      const began = this.#now();
      const piece = media.slice(offset, offset + this.#pieces.of(media.size - offset));
      standing = await transfer.patch(address, offset, piece);
      this.throughput.confirmed(Math.max(0, standing.offset - offset), this.#now());
      this.#pieces.succeeded(piece.size, this.#now() - began);
      this.#needs.reached();
      if (standing.offset <= offset) throw new TryLater("the server took nothing of this segment", null, true);
      // More heads may have come, or the network may have become one that costs: the rest goes on later.
      if (standing.offset < media.size && (ending.aborted || !this.#needs.mayStart())) return null;
    }
    return standing.receipt;
  }

  /**
   * Checks the receipt against the head this phone signed, then keeps it.
   * @param {Entry} entry
   * @param {string} receipt
   */
  async #keep(entry, receipt) {
    const { buffer, key, server_jwk } = this.#needs;
    const head = await readEntry(entry.record ?? "", key);
    if (head.typ !== TYP.HEAD) throw new Refusal("claims_invalid", "a receipt for an entry without media");
    await checkReceipt(receipt, server_jwk, head.claims, entry.name);
    await buffer.record({ fact: "receipt", head: entry.name, record: receipt });
    this.#failures.delete(entry.name);
    this.delivered += 1;
  }

  /**
   * @param {Entry} entry
   * @param {Refusal} refusal
   */
  async #refused(entry, refusal) {
    if (refusal.code === "upload_unknown" || refusal.code === "upload_gone") {
      // Sending the head again gives another address.
      await this.#needs.buffer.record({ fact: "address_lost", head: entry.name });
      this.#pacer.failed();
    } else if (refusal.fault === "nobody" || (refusal.code === "upload_hash" && (await this.#isWhole(entry)))) {
      this.#pacer.failed(); // the latter: damaged on its way, the server stands at 0 again
    } else {
      this.troubles.set(entry.name, refusal);
    }
  }

  /**
   * Whether the bytes on the phone are still those of the head.
   * @param {Entry} entry
   */
  async #isWhole(entry) {
    const media = await this.#needs.buffer.media(entry);
    return media !== null && (await sha256(new Uint8Array(await media.arrayBuffer()))) === entry.segment?.sha256;
  }
}
