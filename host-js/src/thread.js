//! The worker thread of a session in Node, with a bell by which a blocked thread is told of messages.

import { MessageChannel, Worker } from "node:worker_threads";

/** @import { FromWorker, ToWorker } from "./protocol.js" */

/** Python's C stack is the thread's; the default of 4 MB ends its recursion before its own limit does. */
const STACK_MB = 16;

export const HOST = new URL("./node-worker.js", import.meta.url);

export class Thread {
  #bell = new Int32Array(new SharedArrayBuffer(4));
  #port;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.worker = new Worker(HOST, {
      name: "wasmsh",
      workerData: { bell: this.#bell, port: port2 },
      transferList: [port2],
      // Nothing of the host is for the sandbox.
      env: {},
      argv: [],
      execArgv: [],
      resourceLimits: { stackSizeMb: STACK_MB },
    });
  }

  /**
   * @param {(message: FromWorker) => void} receive
   * @param {(why: string, cause?: unknown) => void} lose
   */
  listen(receive, lose) {
    this.#port.on("message", receive);
    this.worker.on("error", (error) => lose(error.message, error));
    this.worker.on("exit", () => lose("its thread ended"));
  }

  /** @param {ToWorker} message @param {ArrayBuffer[]} [transfer] */
  post(message, transfer) {
    this.#port.postMessage(message, transfer);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  async terminate() {
    this.#port.close();
    await this.worker.terminate();
  }

  /** @param {boolean} needed whether the process must go on for it */
  keep(needed) {
    for (const one of [this.worker, this.#port]) {
      if (needed) one.ref();
      else one.unref();
    }
  }
}
