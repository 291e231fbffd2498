//! Sessions in Node, Deno and Bun: each in a worker thread, or in a process of its own; threads are made ready ahead of their need.

import { fileURLToPath } from "node:url";
import { Assets, PACKAGE_ASSETS } from "./assets.js";
import { OptionError } from "./errors.js";
import { mounted } from "./mounts.js";
import { checkSession } from "./options.js";
import { Session } from "./session.js";
import { HOST, SharedThread, Thread } from "./thread.js";

/**
 * @import { SessionOptions, WasmshSession } from "../types/index.js"
 * @import { Child } from "./child.js"
 */

/** @type {import("./options.js").Offer} */
const OFFER = {
  // Node's HTTP takes 12 MB: only who reaches for something pays them.
  send: async (hop) => (await import("./node-network.js")).send(hop),
  follows: false,
  options: ["assetDir", "nodeExecutable", "isolate", "mounts"],
};

/** Milliseconds after the last session was made before a spare is: whoever makes several gets them first. */
const REST = 100;

/** Milliseconds that a spare waits at most for sessions that are at work, which need the processor themselves. */
const PATIENCE = 1000;

/** Sessions that are at work. */
let busy = 0;

/** How many threads are kept ready for each set of assets. */
let kept = 1;

/** Sessions that nobody has yet, with the components in their threads, by their assets. @type {Map<Assets, Set<Spare>>} */
const spares = new Map();

/** The threads of sessions, by their assets. @type {Map<Assets, Set<Thread | SharedThread | Child>>} */
const threads = new Map();

/** @typedef {{ session: Session, ready: Promise<void>, keeper: { held: boolean } }} Spare */

/**
 * @param {SessionOptions} [options]
 * @returns {Promise<WasmshSession>}
 */
export function createNodeSession(options) {
  return openSession(options);
}

/**
 * Makes threads ready for sessions to come; so many are kept from now on.
 * @param {{ spares?: number, assetDir?: string }} [options]
 */
export async function prewarm({ spares: count = 1, assetDir } = {}) {
  if (!Number.isInteger(count) || count < 0) throw new OptionError("spares", "not a whole number ≥ 0");
  kept = count;
  await replenish(Assets.of(assetDir), true);
}

/**
 * As `createNodeSession`; what is only for tests can be chosen.
 * @param {SessionOptions} [options]
 * @param {object} [build]
 * @param {"linked" | "composed"} [build.composition]
 * @param {"multi" | "single"} [build.memories]
 * @returns {Promise<WasmshSession>}
 */
export async function openSession(options = {}, { composition = "linked", memories } = {}) {
  const checked = checkSession(options, OFFER);
  const { assetDir, isolate = "thread", nodeExecutable, mounts } = options;
  if (assetDir !== undefined && typeof assetDir !== "string") throw new OptionError("assetDir", "not a path");
  if (!["thread", "process", "shared"].includes(isolate)) throw new OptionError("isolate", "neither thread nor process nor shared");
  if (nodeExecutable !== undefined && typeof nodeExecutable !== "string") throw new OptionError("nodeExecutable", "not a path");
  checked.signal?.throwIfAborted();
  checked.init.composition = composition;
  if (mounts !== undefined) checked.init.files.unshift(...(await mounted(mounts)));
  const assets = Assets.of(assetDir, memories);
  const threaded = isolate === "thread" && composition === "linked";
  const session = (threaded ? await takeSpare(assets) : undefined) ?? await fresh(
    isolate === "process" ? await child(nodeExecutable, { assetDir, mode: assets.mode }) : isolate === "shared" ? new SharedThread() : new Thread(),
    assets,
    composition,
  );
  if (threaded) {
    pooled.add(assets);
    later(assets);
  }
  // What was placed at the beginning is in the snapshot.
  const sibling = (/** @type {Uint8Array} */ snapshot) => openSession({ ...options, snapshot, initialFiles: [], mounts: [] }, { composition, memories });
  await orClose(session, session.start(checked, sibling));
  return session;
}

/** @param {ConstructorParameters<typeof import("./child.js").Child>} parameters */
async function child(...parameters) {
  const { Child } = await import("./child.js");
  return new Child(...parameters);
}

/**
 * @param {Thread | SharedThread | Child} thread
 * @param {Assets} assets
 * @param {{ held: boolean }} keeper whether the process may go on for the session
 */
function connect(thread, assets, keeper) {
  let working = false;
  const open = threads.get(assets) ?? new Set();
  threads.set(assets, open);
  if (thread.modules) open.add(thread);
  const session = new Session({
    post: (message, transfer) => thread.post(message, transfer),
    terminate: () => {
      open.delete(thread);
      return thread.terminate();
    },
    keep: (needed) => {
      const kept = needed && keeper.held;
      if (kept !== working) busy += kept ? 1 : -1;
      working = kept;
      thread.keep(kept);
    },
    component: async (name, coming) => {
      const component = await assets.component(name, coming);
      later(assets);
      return component;
    },
    modules: thread.modules,
  });
  thread.listen((message) => session.receive(message), (why, cause) => session.lose(why, cause));
  return session;
}

/**
 * @param {Thread | SharedThread | Child} thread
 * @param {Assets} assets
 * @param {"linked" | "composed"} composition
 */
async function fresh(thread, assets, composition) {
  const session = connect(thread, assets, { held: true });
  await orClose(session, session.prepare(composition));
  return session;
}

/** @param {Session} session @param {Promise<void>} work */
async function orClose(session, work) {
  try {
    await work;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** @param {Assets} assets @returns {Promise<Session | undefined>} */
async function takeSpare(assets) {
  for (const spare of spares.get(assets) ?? []) {
    spares.get(assets)?.delete(spare);
    spare.keeper.held = true;
    spare.session.awaken();
    try {
      await spare.ready;
      return spare.session;
    } catch {
      // Its thread was lost before anybody had it: the next, or a new one.
    }
  }
  return undefined;
}

/** Those whose sessions have threads of their own. @type {Set<Assets>} */
const pooled = new Set();

/** @type {any} */
let timer;

/**
 * Makes ready what may be needed next.
 * @param {Assets} assets
 * @param {number} [latest] when, on `performance.now`, it waits for nobody any more
 */
function later(assets, latest = performance.now() + PATIENCE) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (busy > 0 && performance.now() < latest) later(assets, latest);
    else void ready(assets);
  }, REST);
  timer.unref?.();
}

/** @param {Assets} assets */
async function ready(assets) {
  try {
    for (const { of, module } of await assets.finish()) {
      if (module !== undefined) for (const thread of threads.get(assets) ?? []) thread.post({ type: "Rest", of, module });
    }
  } catch {
    // Who needs it tries again, and tells.
  }
  if (pooled.has(assets)) await replenish(assets, false);
}

/**
 * @param {Assets} assets
 * @param {boolean} held whether the process goes on until they are ready
 */
async function replenish(assets, held) {
  const there = spares.get(assets) ?? new Set();
  spares.set(assets, there);
  for (const spare of there) {
    if (there.size <= kept) break;
    there.delete(spare);
    void spare.session.close();
  }
  while (there.size < kept) {
    const keeper = { held };
    const thread = new Thread();
    thread.keep(held);
    const session = connect(thread, assets, keeper);
    /** @type {Spare} */
    const spare = { session, keeper, ready: session.prepare("linked") };
    there.add(spare);
    spare.ready.catch(() => {
      there.delete(spare);
      void session.close();
    });
  }
  await Promise.allSettled([...there].map((spare) => spare.ready));
  for (const { keeper } of there) keeper.held = false;
}

/** @param {string[]} segments */
export function resolveAssetPath(...segments) {
  return fileURLToPath(new URL(segments.map(encodeURIComponent).join("/"), PACKAGE_ASSETS));
}

export function resolveNodeHostPath() {
  return fileURLToPath(HOST);
}
