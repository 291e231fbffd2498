//! Sessions in Node: each in a worker thread, with a bell by which a blocked thread is told of messages.

import { Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { Assets, PACKAGE_ASSETS } from "./assets.js";
import { checkSession } from "./options.js";
import { Session } from "./session.js";

/** @import { SessionOptions, WasmshSession } from "../types/index.js" */

/** Python's C stack is the thread's; the default of 4 MB ends its recursion before its own limit does. */
const STACK_MB = 16;

const HOST = new URL("./node-worker.js", import.meta.url);

/**
 * @param {SessionOptions} [options]
 * @returns {Promise<WasmshSession>}
 */
export function createNodeSession(options) {
  return openSession(options);
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
  const checked = checkSession(options);
  checked.init.composition = composition;
  const assets = Assets.of(checked.assetDir, memories);
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(HOST, {
    name: "wasmsh",
    workerData: { bell },
    // Nothing of the host is for the sandbox.
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { stackSizeMb: STACK_MB },
  });
  const session = new Session(
    {
      post: (message, transfer) => {
        worker.postMessage(message, transfer);
        Atomics.add(bell, 0, 1);
        Atomics.notify(bell, 0);
      },
      terminate: async () => {
        await worker.terminate();
      },
      keep: (needed) => (needed ? worker.ref() : worker.unref()),
      component: (name) => assets.component(name),
    },
    checked,
  );
  worker.on("message", (message) => session.receive(message));
  worker.on("error", (error) => session.lose(error.message, error));
  worker.on("exit", () => session.lose("its thread ended"));
  try {
    await session.start(checked);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/** @param {string[]} segments */
export function resolveAssetPath(...segments) {
  return fileURLToPath(new URL(segments.map(encodeURIComponent).join("/"), PACKAGE_ASSETS));
}

export function resolveNodeHostPath() {
  return fileURLToPath(HOST);
}
