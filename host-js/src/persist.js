//! Sessions that outlive their page: a snapshot in the origin's private files (OPFS) or in IndexedDB, brought up to date as the session rests.

import { OptionError, PersistError, SnapshotError } from "./errors.js";

/**
 * @import { Persist, PersistOptions } from "../types/index.js"
 * @import { Session } from "./session.js"
 *
 * @typedef {object} Place where one snapshot is kept
 * @property {() => Promise<Uint8Array | undefined>} read
 * @property {(bytes: Uint8Array) => Promise<void>} write all of it or nothing
 * @property {() => Promise<void>} remove
 */

/** Milliseconds that a session rests before it is written: what follows at once is written with it. */
const REST = 300;

/** Of the database, and of the directory. */
const NAME = "wasmsh";
const SNAPSHOTS = "snapshots";
/** Of the database. */
const VERSION = 2;

/**
 * @param {Persist | undefined} persist
 * @returns {Required<Pick<PersistOptions, "store" | "name">> & PersistOptions | undefined}
 */
export function checkPersist(persist) {
  if (persist === undefined) return undefined;
  const options = typeof persist === "string" ? { store: persist } : persist;
  if (typeof options !== "object" || options === null) throw new OptionError("persist", "neither opfs nor indexeddb nor an object");
  const { store, name = "session", onSave, onError } = options;
  if (store !== "opfs" && store !== "indexeddb") throw new OptionError("persist", `${store} is neither opfs nor indexeddb`);
  if (typeof name !== "string" || name === "") throw new OptionError("persist", "a name is a string that is not empty");
  for (const listener of [onSave, onError]) if (listener !== undefined && typeof listener !== "function") throw new OptionError("persist", "a listener is not a function");
  return { store, name, onSave, onError };
}

/** @param {Persist} persist */
export async function removePersisted(persist) {
  const { store, name } = /** @type {NonNullable<ReturnType<typeof checkPersist>>} */ (checkPersist(persist));
  const release = await locked(store, name);
  try {
    await placeOf(store, name).remove();
  } finally {
    await release();
  }
}

/** Keeps one session in its place. */
export class Keeper {
  /** @type {Session | undefined} */
  #session = undefined;
  /** @type {Promise<void> | undefined} */
  #saving = undefined;
  /** What could not be written. @type {Uint8Array | undefined} */
  #unwritten = undefined;
  /** @type {any} */
  #timer = undefined;
  /** Whether what rests now was asked by this. */
  #asking = false;

  /** @param {Place} place @param {() => Promise<void>} release @param {Pick<PersistOptions, "onSave" | "onError">} listeners */
  constructor(place, release, { onSave, onError }) {
    this.place = place;
    this.release = release;
    this.onSave = onSave;
    this.onError = onError ?? ((/** @type {unknown} */ error) => console.error(error));
    this.hidden = () => {
      if (globalThis.document?.visibilityState === "hidden") this.#saveSoon(0);
    };
  }

  /**
   * The place, which belongs to this page until `stop`.
   * @param {NonNullable<ReturnType<typeof checkPersist>>} options
   */
  static async open({ store, name, ...listeners }) {
    return new Keeper(placeOf(store, name), await locked(store, name), listeners);
  }

  /** @param {Session} session */
  begin(session) {
    this.#session = session;
    globalThis.document?.addEventListener("visibilitychange", this.hidden);
    this.#saveSoon(REST);
  }

  /** Nothing is asked of the session at the moment. */
  rest() {
    if (!this.#asking) this.#saveSoon(REST);
  }

  /** @param {number} milliseconds */
  #saveSoon(milliseconds) {
    if (this.#session === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.save().catch((error) => this.onError(error)), milliseconds);
  }

  /**
   * Writes what has changed.
   * @returns {Promise<void>}
   * @throws {PersistError}
   */
  save() {
    clearTimeout(this.#timer);
    // One after the other: what one under way has asked for may be older.
    const saving = (this.#saving ?? Promise.resolve()).catch(() => {}).then(() => this.#write());
    this.#saving = saving;
    return saving;
  }

  async #write() {
    const session = this.#session;
    if (session === undefined) return;
    this.#asking = true;
    try {
      this.#unwritten = (await session.changed()) ?? this.#unwritten;
    } catch (error) {
      // It rests again when the run is over.
      if (error instanceof SnapshotError && error.reason === "busy") return;
      throw error;
    } finally {
      this.#asking = false;
    }
    if (this.#unwritten === undefined) return;
    const bytes = this.#unwritten;
    await understood("written", this.place.write(bytes));
    if (this.#unwritten === bytes) this.#unwritten = undefined;
    this.onSave?.(bytes.length);
  }

  /** What is kept. */
  read() {
    return understood("read", this.place.read());
  }

  /** Gives the place up. */
  async stop() {
    this.#session = undefined;
    clearTimeout(this.#timer);
    globalThis.document?.removeEventListener("visibilitychange", this.hidden);
    await this.release();
  }
}

/**
 * @template T
 * @param {"read" | "written"} what
 * @param {Promise<T>} work
 */
async function understood(what, work) {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof PersistError) throw cause;
    throw new PersistError(`the session cannot be ${what}: ${/** @type {any} */ (cause)?.message ?? cause}`, { cause });
  }
}

/**
 * Two pages that write the same place would lose each what the other has written. Where the browser has no locks, as outside of secure
 * contexts, the last one counts.
 * @param {string} store
 * @param {string} name
 * @returns {Promise<() => Promise<void>>} gives it up
 */
async function locked(store, name) {
  if (globalThis.navigator?.locks === undefined) return async () => {};
  return new Promise((resolve, reject) => {
    const held = new Promise((/** @type {(value: void) => void} */ release) => {
      const over = navigator.locks.request(`${NAME} ${store} ${name}`, { ifAvailable: true }, (lock) => {
        if (lock === null) {
          reject(new PersistError(`another session has '${name}'`));
          return undefined;
        }
        resolve(async () => {
          release();
          await over;
        });
        return held;
      });
      over.catch((cause) => reject(new PersistError(`'${name}' cannot be locked`, { cause })));
    });
  });
}

/** @param {"opfs" | "indexeddb"} store @param {string} name @returns {Place} */
function placeOf(store, name) {
  if (store === "opfs") {
    if (globalThis.navigator?.storage?.getDirectory === undefined) throw new PersistError("there is no OPFS here: it needs a browser, and a secure context");
    return privateFile(`${encodeURIComponent(name)}.wasmsh`);
  }
  if (globalThis.indexedDB === undefined) throw new PersistError("there is no IndexedDB here");
  return record(name);
}

/** @param {string} file @returns {Place} */
function privateFile(file) {
  const directory = async () => (await navigator.storage.getDirectory()).getDirectoryHandle(NAME, { create: true });
  const absent = (/** @type {any} */ error) => {
    if (error.name !== "NotFoundError") throw error;
    return undefined;
  };
  return {
    async read() {
      const handle = await (await directory()).getFileHandle(file).catch(absent);
      return handle === undefined ? undefined : new Uint8Array(await (await handle.getFile()).arrayBuffer());
    },
    async write(bytes) {
      const handle = await (await directory()).getFileHandle(file, { create: true });
      if (handle.createWritable === undefined) throw new PersistError("this browser's OPFS cannot be written from a page; indexeddb can");
      // What is written takes the place of the file when it is closed.
      const stream = await handle.createWritable();
      try {
        await stream.write(/** @type {any} */ (bytes));
      } catch (error) {
        await stream.abort();
        throw error;
      }
      await stream.close();
    },
    async remove() {
      await (await directory()).removeEntry(file).catch(absent);
    },
  };
}

/** @param {string} key @returns {Place} */
function record(key) {
  /**
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(store: IDBObjectStore) => IDBRequest<T>} work
   * @returns {Promise<T>}
   */
  const transact = async (mode, work) => {
    const database = await opened();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(SNAPSHOTS, mode);
        const request = work(transaction.objectStore(SNAPSHOTS));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onabort = () => reject(transaction.error);
        transaction.onerror = () => reject(transaction.error ?? request.error);
      });
    } finally {
      database.close();
    }
  };
  return {
    read: () => transact("readonly", (store) => store.get(key)),
    write: async (bytes) => void (await transact("readwrite", (store) => store.put(bytes, key))),
    remove: async () => void (await transact("readwrite", (store) => store.delete(key))),
  };
}

/** @returns {Promise<IDBDatabase>} */
function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      if (!request.result.objectStoreNames.contains(SNAPSHOTS)) request.result.createObjectStore(SNAPSHOTS);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new PersistError("another page has an older version of the database open"));
  });
}
