//! Sessions in a browser: each in a module worker, with or without cross-origin isolation.

import { Bell } from "./bell.js";
import { OptionError } from "./errors.js";
import { Keeper, checkPersist } from "./persist.js";
import { sendByFetch } from "./network.js";
import { checkSession } from "./options.js";
import { Session } from "./session.js";
import { WebAssets } from "./web-assets.js";

/** @import { BrowserSessionOptions, WasmshSession } from "../types/index.js" */

/**
 * A browser shows neither addresses nor redirects: that names lead nowhere they should not, it sees to itself (CORS, private network access).
 * @type {import("./options.js").Offer}
 */
const OFFER = {
  send: (hop) => sendByFetch((url, init) => fetch(url, { ...init, credentials: "omit" }), "follow")(hop),
  follows: true,
  options: ["assetBaseUrl", "worker", "onProgress", "persist"],
};

/**
 * @param {BrowserSessionOptions} [options]
 * @returns {Promise<WasmshSession>}
 */
export function createBrowserWorkerSession(options) {
  return openBrowserSession(options);
}

/**
 * As `createBrowserWorkerSession`; what is only for tests can be chosen.
 * @param {BrowserSessionOptions} [options]
 * @param {object} [build]
 * @param {"linked" | "composed"} [build.composition]
 * @param {"multi" | "single"} [build.memories]
 * @returns {Promise<WasmshSession>}
 */
export async function openBrowserSession(options = {}, { composition = "linked", memories } = {}) {
  const checked = checkSession(options, OFFER);
  checked.init.composition = composition;
  const { assetBaseUrl, worker: given, onProgress } = options;
  if (assetBaseUrl !== undefined && typeof assetBaseUrl !== "string" && !(assetBaseUrl instanceof URL)) throw new OptionError("assetBaseUrl", "not an address");
  if (onProgress !== undefined && typeof onProgress !== "function") throw new OptionError("onProgress", "not a function");
  const persist = checkPersist(options.persist);
  checked.signal?.throwIfAborted();
  const keeper = persist === undefined ? undefined : await Keeper.open(persist);
  const assets = new WebAssets(assetBaseUrl === undefined ? undefined : directory(assetBaseUrl), onProgress, memories);
  /** @type {Worker} */
  let worker;
  try {
    worker = given ?? new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module", name: "wasmsh" });
  } catch (error) {
    // A page's policy may forbid workers: what is kept is then not held back from others.
    await keeper?.stop();
    throw error;
  }
  const bell = Bell.available ? new Bell() : undefined;
  if (bell !== undefined) worker.postMessage({ type: "Bell", memory: bell.memory });
  const session = new Session({
    post: (message, transfer) => {
      if (bell?.tell(message)) worker.postMessage({ type: "Look" });
      else worker.postMessage(message, transfer ?? []);
    },
    terminate: async () => {
      worker.terminate();
      await keeper?.stop();
    },
    keep: (needed) => {
      if (!needed) keeper?.rest();
    },
    save: keeper === undefined ? undefined : () => keeper.save(),
    component: (name, coming) => assets.component(name, coming),
    modules: true,
  });
  worker.addEventListener("message", ({ data }) => session.receive(data));
  worker.addEventListener("error", (event) => session.lose(event.message ?? "its worker cannot be loaded", event.error));
  worker.addEventListener("messageerror", () => session.lose("a message could not be read"));
  try {
    const [kept] = await Promise.all([keeper?.read(), session.prepare(composition)]);
    if (kept !== undefined) {
      checked.init.snapshot = kept;
      checked.init.files = [];
    }
    await session.start(checked, (snapshot) => openBrowserSession({ ...options, snapshot, initialFiles: [], worker: undefined, persist: undefined }, { composition, memories }));
    keeper?.begin(session);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/** @param {string | URL} base */
function directory(base) {
  const url = new URL(base, globalThis.location?.href);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

export function resolveBrowserWorkerPath() {
  return new URL("./browser-worker.js", import.meta.url);
}
