/**
 * The phone's journal: facts, appended and never rewritten.
 *
 * One row is one list of facts that become true together: a kill leaves all of them or none.
 */

/** @typedef {import("./types.js").Fact} Fact */

/** The journal in the phone's database.  Only the holder of the recording's lock may append. */
export class Journal {
  #database;
  /** @type {number|null} the key of the next row; named, so that a row whose answer was lost is not added twice */
  #next = null;

  /** @param {import("./database.js").Database} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * All facts, in their order.
   * @returns {Promise<Fact[]>}
   */
  async read() {
    /** @type {Fact[][]} */
    const batches = await this.#database.read("facts", (store) => store.getAll());
    return batches.flat();
  }

  /**
   * Makes `facts` durable, all or none; one call at a time.
   * @param {readonly Fact[]} facts
   * @throws {DOMException} the journal is then as it was before
   */
  async append(facts) {
    this.#next ??= Number((await this.#database.read("facts", (store) => store.getAllKeys())).at(-1) ?? 0) + 1;
    const key = this.#next;
    await this.#database.change("facts", (store) => void store.add([...facts], key));
    this.#next = key + 1;
  }
}
