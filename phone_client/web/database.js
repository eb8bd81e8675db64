/**
 * The phone's IndexedDB: one database a place, three stores.
 *
 *     facts     the journal: batches of facts in the order of their keys
 *     settings  the phone's key, and where media is kept
 *     pieces    media, where the browser has no files: [name, number] → bytes
 */

/** @typedef {"facts"|"settings"|"pieces"} StoreName */

const VERSION = 1;
/** How a call fails when the browser has lost the connection: iOS does so now and then ("Connection to … lost"). */
const LOST = new Set(["InvalidStateError", "UnknownError", "AbortError"]);

/**
 * The answer to a request.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
export function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * What belongs to one recording, apart from its media files.  A connection that the browser has lost is opened anew,
 * once for each call.
 */
export class Database {
  /** Called when a lost connection could not be had again: nothing is kept any more. @type {(error: DOMException) => void} */
  onLost = () => {};
  #place;
  #connection;
  #closed = false;
  /** @type {Promise<void>|null} */
  #reopening = null;

  /**
   * @param {string} place
   * @param {IDBDatabase} connection
   */
  constructor(place, connection) {
    this.#place = place;
    this.#connection = this.#held(connection);
  }

  /** @param {IDBDatabase} connection */
  #held(connection) {
    // Another page deletes or renews the database: what is open here would block it for ever.
    connection.onversionchange = () => this.close();
    return connection;
  }

  /**
   * @param {string} place which recording's
   * @throws {DOMException} where the browser keeps none (some private modes)
   */
  static async open(place) {
    const request = indexedDB.open(nameOf(place), VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("facts", { autoIncrement: true });
      request.result.createObjectStore("settings");
      request.result.createObjectStore("pieces");
    };
    return new Database(place, await answer(request));
  }

  async #reopen() {
    this.#connection.close();
    const request = indexedDB.open(nameOf(this.#place), VERSION);
    // It is gone: an empty one must not take its place unnoticed.
    request.onupgradeneeded = () => request.transaction?.abort();
    this.#connection = this.#held(await answer(request));
  }

  /**
   * Does `work`, once more where the connection was lost on the way.
   * @template T
   * @param {(again: boolean) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #kept(work) {
    const used = this.#connection;
    try {
      return await work(false);
    } catch (error) {
      if (this.#closed || !(error instanceof DOMException && LOST.has(error.name))) throw error;
    }
    try {
      // Several calls may have lost it at once.
      if (used === this.#connection) await (this.#reopening ??= this.#reopen().finally(() => { this.#reopening = null; }));
      return await work(true);
    } catch (error) {
      if (error instanceof DOMException && error.name !== "QuotaExceededError") this.onLost(error);
      throw error;
    }
  }

  /**
   * Deletes everything that is kept at a place.  No connection may be open.
   * @param {string} place
   */
  static async remove(place) {
    await answer(indexedDB.deleteDatabase(nameOf(place)));
  }

  /**
   * Changes one store in one transaction, which is durable when this resolves; all of it or nothing.
   * @param {StoreName} name
   * @param {(store: IDBObjectStore) => void} change
   * @returns {Promise<void>}
   * @throws {DOMException} QuotaExceededError where there is no room
   */
  change(name, change) {
    return this.#kept((again) => this.#change(name, change).catch((error) => {
      // It was durable already, only the answer was lost: what adds a row names the row's key.
      if (!again || error?.name !== "ConstraintError") throw error;
    }));
  }

  /**
   * @param {StoreName} name
   * @param {(store: IDBObjectStore) => void} change
   * @returns {Promise<void>}
   */
  #change(name, change) {
    return new Promise((resolve, reject) => {
      const transaction = this.#connection.transaction(name, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new DOMException("aborted", "AbortError"));
      try {
        change(transaction.objectStore(name));
      } catch (error) {
        transaction.abort();
        reject(error);
      }
    });
  }

  /**
   * Reads from one store.
   * @template T
   * @param {StoreName} name
   * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
   */
  read(name, ask) {
    return this.#kept(async () => answer(ask(this.#connection.transaction(name, "readonly").objectStore(name))));
  }

  /** Lets go of the database; everything changed is durable already. */
  close() {
    this.#closed = true;
    this.#connection.close();
  }
}

/** @param {string} place */
function nameOf(place) {
  return `evidence-camera/${place}`;
}
