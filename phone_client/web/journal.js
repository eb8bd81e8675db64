/**
 * The phone's journal: facts, appended and never rewritten.
 *
 * One row is one list of facts that become true together: a kill leaves all of them or none.
 */

/** @typedef {import("./types.js").Fact} Fact */

/** The journal in the phone's database.  Only the holder of the recording's lock may append. */
export class Journal {
  #database;

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
   * Makes `facts` durable, all or none.
   * @param {readonly Fact[]} facts
   * @throws {DOMException} the journal is then as it was before
   */
  append(facts) {
    return this.#database.change("facts", (store) => void store.add([...facts]));
  }
}
