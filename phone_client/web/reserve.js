/**
 * Room that is kept free for the journal, as a file that gives way when there is no other.
 *
 * What a browser says of its quota can't be relied on: Chromium reports what is used and 10 GiB, whatever there is.
 * Without room for facts nothing of what is recorded could be signed, committed or released any more.
 */

/** @typedef {import("./files.js").Files} Files */

const NAME = "reserve";
const BLOCK = new Uint8Array(64 * 1024);

/** The room of one place. */
export class Reserve {
  #files;
  #bytes;

  /**
   * @param {Files} files
   * @param {number} bytes
   */
  constructor(files, bytes) {
    this.#files = files;
    this.#bytes = bytes;
  }

  /**
   * Takes the room, unless it is taken already.
   * @param {number} spare bytes that must be there besides
   * @throws {DOMException} QuotaExceededError: there is not so much
   */
  async take(spare) {
    // What rows let go of is free only after the browser has tidied up: they leave the room free as they grow.
    if (this.#files.kind === "rows") return;
    const kept = await this.#files.read(NAME);
    if (!spare && kept && kept.size >= this.#bytes) return;
    const file = await this.#files.open(NAME);
    try {
      // Written, not only sized: a file system would not keep blocks for what was never written.
      while (file.size() < this.#bytes + spare) await file.append(BLOCK);
      await file.flush();
    } finally {
      if (file.size() > this.#bytes) await file.truncate(this.#bytes);
      file.close();
    }
  }

  /** Gives the room to whoever needs it; false where there was none. */
  async release() {
    if ((await this.#files.read(NAME)) === null) return false;
    await this.#files.remove(NAME);
    return true;
  }
}
