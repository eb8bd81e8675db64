/**
 * The phone's IndexedDB: one database a place, three stores.
 *
 *     facts     the journal: batches of facts in the order of their keys
 *     settings  the phone's key, and where media is kept
 *     pieces    media, where the browser has no files: [name, number] → bytes
 */

/** @typedef {"facts"|"settings"|"pieces"} StoreName */

const VERSION = 1;

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

/** What belongs to one recording, apart from its media files. */
export class Database {
  #connection;

  /** @param {IDBDatabase} connection */
  constructor(connection) {
    this.#connection = connection;
    // Another page deletes or renews the database: what is open here would block it for ever.
    connection.onversionchange = () => connection.close();
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
    return new Database(await answer(request));
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
    return answer(ask(this.#connection.transaction(name, "readonly").objectStore(name)));
  }

  /** Lets go of the database; everything changed is durable already. */
  close() {
    this.#connection.close();
  }
}

/** @param {string} place */
function nameOf(place) {
  return `evidence-camera/${place}`;
}
