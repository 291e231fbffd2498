//! How signals reach a browser's worker that computes: no message does, but memory that it shares with the page does, where the page is
//! isolated from other origins.

import { SIGNALS } from "./result.js";

/**
 * @import { ToWorker } from "./protocol.js"
 * @import { Signal } from "./wit.js"
 */

/** The bit of a cancel; that of a signal is 1 << its number. */
const CANCEL = 1;

/** Words of the memory: what was told and not seen yet, and which run it is for. */
const [TOLD, RUN] = [0, 1];

export class Bell {
  #words;

  /** @param {SharedArrayBuffer} [memory] that of the other side */
  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** @returns {boolean} whether memory can be shared with a worker here */
  static get available() {
    return globalThis.crossOriginIsolated === true;
  }

  /** @param {ToWorker} message @returns {boolean} whether it is one that this tells */
  tell(message) {
    if (message.type !== "Signal" && message.type !== "Cancel") return false;
    const words = this.#words;
    if (Atomics.load(words, RUN) !== message.run) {
      // What was for an earlier run came too late for it.
      Atomics.store(words, TOLD, 0);
      Atomics.store(words, RUN, message.run);
    }
    Atomics.or(words, TOLD, message.type === "Cancel" ? CANCEL : 1 << SIGNALS[message.signal]);
    Atomics.notify(words, TOLD);
    return true;
  }

  /** Whether something was told. */
  get rings() {
    return Atomics.load(this.#words, TOLD) !== 0;
  }

  /** @returns {ToWorker[]} what was told */
  take() {
    const told = Atomics.exchange(this.#words, TOLD, 0);
    const run = Atomics.load(this.#words, RUN);
    /** @type {ToWorker[]} */
    const messages = [];
    for (const [signal, number] of Object.entries(SIGNALS)) {
      if ((told & (1 << number)) !== 0) messages.push({ type: "Signal", run, signal: /** @type {Signal} */ (signal) });
    }
    if ((told & CANCEL) !== 0) messages.push({ type: "Cancel", run });
    return messages;
  }

  /** Until something is told. @param {number} milliseconds at most */
  wait(milliseconds) {
    Atomics.wait(this.#words, TOLD, 0, milliseconds);
  }
}
