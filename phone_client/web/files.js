/**
 * Files of media that grow at their end, by what the browser has: synchronous access handles of the origin
 * private file system, else its writable streams, else rows in IndexedDB.
 *
 * All three are only in a worker.  What was appended is durable when `flush` resolves, and not before.
 */

/** @typedef {import("./database.js").Database} Database */
/** @typedef {import("./pairing/encoding.js").Bytes} Bytes */
/** @typedef {"handles"|"streams"|"rows"} Kind */

/**
 * What only workers have of a file.
 * @typedef {object} AccessHandle
 * @property {() => number} getSize
 * @property {(bytes: Bytes, options: {at: number}) => number} write
 * @property {(size: number) => void} truncate
 * @property {() => void} flush
 * @property {() => void} close
 */
/** @typedef {FileSystemFileHandle & {createSyncAccessHandle: () => Promise<AccessHandle>}} WorkerFile */

/**
 * A file that is being written.
 * @typedef {object} OpenFile
 * @property {() => number} size bytes, appended ones included
 * @property {(bytes: Bytes) => Promise<void>} append rejects with QuotaExceededError where there is no room; the file
 *   may then be longer than it was: truncate it
 * @property {() => Promise<void>} flush
 * @property {(size: number) => Promise<void>} truncate durable when it resolves
 * @property {() => void} close
 */

/**
 * Files by name.
 * @typedef {object} Files
 * @property {Kind} kind
 * @property {(name: string) => Promise<OpenFile>} open made where it is missing; one at a time a name
 * @property {(name: string) => Promise<Blob|null>} read null where it is missing
 * @property {(name: string) => Promise<void>} remove nothing happens where it is missing
 * @property {() => Promise<string[]>} list
 */

const SETTING = "files";
const PROBE = "probe";
/** A handle that the page before this one held is let go of in the browser's own time, of which it tells nothing. */
const LOCKED_FOR_MS = 5_000;
const LOOK_AGAIN_MS = 50;

/**
 * The files of a place.  What they are kept in is chosen once: later choices would not find what is there.
 * @param {string} place
 * @param {Database} database
 * @param {number} free bytes of the quota that rows leave free
 * @returns {Promise<Files>}
 */
export async function openFiles(place, database, free) {
  /** @type {Kind|undefined} */
  const chosen = await database.read("settings", (store) => store.get(SETTING));
  const kind = chosen ?? (await bestKind());
  if (!chosen) await database.change("settings", (store) => void store.put(kind, SETTING));
  return filesOf(kind, place, database, free);
}

/**
 * Files of one kind.
 * @param {Kind} kind
 * @param {string} place
 * @param {Database} database
 * @param {number} free bytes of the quota that rows leave free
 * @returns {Promise<Files>}
 */
export async function filesOf(kind, place, database, free) {
  if (kind === "rows") return new Rows(database, free);
  return new Folder(kind, await folderOf(place, true));
}

/**
 * Deletes all files of a place; those in rows go with its database.
 * @param {string} place
 */
export async function removeFiles(place) {
  try {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(place, { recursive: true });
  } catch (error) {
    // There are none, or none can be.
    if (!isNamed(error, "NotFoundError", "SecurityError", "TypeError")) throw error;
  }
}

/** @returns {Promise<Kind>} */
async function bestKind() {
  try {
    const folder = await folderOf("evidence-camera-probe", true);
    const file = await folder.getFileHandle(PROBE, { create: true });
    const kind = "createSyncAccessHandle" in file ? "handles" : "createWritable" in file ? "streams" : "rows";
    // Some private modes have the names of all this and then refuse it.
    if (kind !== "rows") {
      const probe = await new Folder(kind, folder).open(PROBE);
      await probe.append(Uint8Array.of(1));
      await probe.flush();
      probe.close();
    }
    await folder.removeEntry(PROBE);
    return kind;
  } catch {
    return "rows";
  }
}

/**
 * @param {string} place
 * @param {boolean} create
 */
async function folderOf(place, create) {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(place, { create });
}

/**
 * @param {unknown} error
 * @param {...string} names
 */
function isNamed(error, ...names) {
  return error instanceof Error && names.includes(error.name);
}

/** A folder of the origin private file system. */
class Folder {
  /**
   * @param {"handles"|"streams"} kind
   * @param {FileSystemDirectoryHandle} folder
   */
  constructor(kind, folder) {
    this.kind = kind;
    this.folder = folder;
  }

  /**
   * @param {string} name
   * @returns {Promise<OpenFile>}
   */
  async open(name) {
    const file = await this.folder.getFileHandle(name, { create: true });
    if (this.kind === "streams") return new StreamFile(file, (await file.getFile()).size);
    return new HandleFile(await accessHandle(/** @type {WorkerFile} */ (file)));
  }

  /**
   * @param {string} name
   * @returns {Promise<Blob|null>}
   */
  async read(name) {
    try {
      return await (await this.folder.getFileHandle(name)).getFile();
    } catch (error) {
      if (isNamed(error, "NotFoundError")) return null;
      throw error;
    }
  }

  /** @param {string} name */
  async remove(name) {
    try {
      await this.folder.removeEntry(name);
    } catch (error) {
      if (!isNamed(error, "NotFoundError")) throw error;
    }
  }

  async list() {
    const names = [];
    for await (const name of this.folder.keys()) names.push(name);
    return names;
  }
}

/**
 * @param {WorkerFile} file
 * @returns {Promise<AccessHandle>}
 */
async function accessHandle(file) {
  const until = performance.now() + LOCKED_FOR_MS;
  for (;;) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (!isNamed(error, "NoModificationAllowedError", "InvalidStateError") || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }
}

class HandleFile {
  #handle;

  /** @param {AccessHandle} handle */
  constructor(handle) {
    this.#handle = handle;
  }

  size() {
    return this.#handle.getSize();
  }

  /** @param {Bytes} bytes */
  async append(bytes) {
    const written = this.#handle.write(bytes, { at: this.#handle.getSize() });
    if (written !== bytes.length) throw new DOMException("written only in part", "QuotaExceededError");
  }

  async flush() {
    this.#handle.flush();
  }

  /** @param {number} size */
  async truncate(size) {
    this.#handle.truncate(size);
    this.#handle.flush();
  }

  close() {
    this.#handle.close();
  }
}

/** A stream replaces the file by a changed copy when it is closed: each append is durable by itself. */
class StreamFile {
  #file;
  #size;

  /**
   * @param {FileSystemFileHandle} file
   * @param {number} size
   */
  constructor(file, size) {
    this.#file = file;
    this.#size = size;
  }

  size() {
    return this.#size;
  }

  /** @param {Bytes} bytes */
  async append(bytes) {
    await this.#change((stream) => stream.write({ type: "write", position: this.#size, data: bytes }));
    this.#size += bytes.length;
  }

  async flush() {}

  /** @param {number} size */
  async truncate(size) {
    await this.#change((stream) => stream.truncate(size));
    this.#size = size;
  }

  close() {}

  /** @param {(stream: FileSystemWritableFileStream) => Promise<void>} change */
  async #change(change) {
    const stream = await this.#file.createWritable({ keepExistingData: true });
    try {
      await change(stream);
      await stream.close();
    } catch (error) {
      await stream.abort().catch(() => undefined);
      throw error;
    }
  }
}

/** Rows [name, number of the row] → bytes. */
class Rows {
  /** @type {Kind} */
  kind = "rows";
  #database;
  #free;

  /**
   * @param {Database} database
   * @param {number} free
   */
  constructor(database, free) {
    this.#database = database;
    this.#free = free;
  }

  /**
   * @param {string} name
   * @returns {Promise<OpenFile>}
   */
  async open(name) {
    return new RowFile(this.#database, name, await this.#rows(name), this.#free);
  }

  /**
   * @param {string} name
   * @returns {Promise<Blob|null>}
   */
  async read(name) {
    const rows = await this.#rows(name);
    return rows.length ? new Blob(rows) : null;
  }

  /** @param {string} name */
  remove(name) {
    return this.#database.change("pieces", (store) => void store.delete(rangeOf(name)));
  }

  async list() {
    const keys = await this.#database.read("pieces", (store) => store.getAllKeys());
    return [...new Set(keys.map((key) => String(/** @type {IDBValidKey[]} */ (key)[0])))];
  }

  /**
   * @param {string} name
   * @returns {Promise<ArrayBuffer[]>}
   */
  #rows(name) {
    return this.#database.read("pieces", (store) => store.getAll(rangeOf(name)));
  }
}

/** All rows of a file: a list sorts behind every number. @param {string} name */
function rangeOf(name) {
  return IDBKeyRange.bound([name], [name, []]);
}

class RowFile {
  #database;
  #name;
  #free;
  /** @type {number[]} bytes of each row */
  #lengths;

  /**
   * @param {Database} database
   * @param {string} name
   * @param {ArrayBuffer[]} rows
   * @param {number} free
   */
  constructor(database, name, rows, free) {
    this.#free = free;
    this.#database = database;
    this.#name = name;
    this.#lengths = rows.map((row) => row.byteLength);
  }

  size() {
    return this.#lengths.reduce((sum, length) => sum + length, 0);
  }

  /** @param {Bytes} bytes */
  async append(bytes) {
    const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
    if (usage + bytes.length + this.#free > quota) throw new DOMException("no room is left", "QuotaExceededError");
    const key = [this.#name, this.#lengths.length];
    await this.#database.change("pieces", (store) => void store.put(bytes.slice().buffer, key));
    this.#lengths.push(bytes.length);
  }

  async flush() {}

  /** @param {number} size */
  async truncate(size) {
    /** @type {number[]} */
    const lengths = [];
    let before = 0;
    for (const length of this.#lengths) {
      if (before >= size) break;
      lengths.push(Math.min(length, size - before));
      before += length;
    }
    const last = lengths.length - 1;
    const cut = lengths[last] !== this.#lengths[last];
    /** @type {ArrayBuffer|null} */
    const row = cut ? await this.#database.read("pieces", (store) => store.get([this.#name, last])) : null;
    await this.#database.change("pieces", (store) => {
      store.delete(IDBKeyRange.bound([this.#name, last], [this.#name, []], true));
      if (row) store.put(row.slice(0, lengths[last]), [this.#name, last]);
    });
    this.#lengths = lengths;
  }

  close() {}
}
