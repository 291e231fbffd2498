//! Keeps the workspace in this browser, as a tar archive in IndexedDB.

/** @returns {Promise<IDBDatabase>} */
function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("wasmsh", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("archives");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} work
 * @returns {Promise<T>}
 */
async function transact(mode, work) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const request = work(opened.transaction("archives", mode).objectStore("archives"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    opened.close();
  }
}

/** @returns {Promise<Uint8Array | undefined>} */
export const kept = () => transact("readonly", (store) => store.get("workspace"));
/** @param {Uint8Array} archive */
export const keep = (archive) => transact("readwrite", (store) => store.put(archive, "workspace"));
export const forget = () => transact("readwrite", (store) => store.delete("workspace"));
