//! The thread of one session or several in Node, Deno and Bun.

import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { readPart } from "./node-read.js";
import { SessionWorker } from "./worker.js";

/** Milliseconds that a script may run before the other sessions of its thread have their turn. */
const TURN = 8;

/** Nobody ever wakes who waits on this. */
const silence = new Int32Array(new SharedArrayBuffer(4));

/** When the event loop had its last turn, where several sessions share the thread. */
let looked = performance.now();

/**
 * A session: `port` brings its messages, and `bell` counts those that were sent. Not `parentPort`, from which in Deno nothing can be received
 * while the thread is blocked.
 * @param {{ bell: Int32Array, port: import("node:worker_threads").MessagePort }} seat
 */
function seat({ bell, port }) {
  /** How many messages were received. */
  let received = 0;

  /** @param {import("./protocol.js").ToWorker} message */
  const take = (message) => {
    received = (received + 1) | 0;
    worker.handle(message);
    if (message.type !== "Leave") return;
    // This may be inside a Python that waits. It has left when the thread has come out of it.
    setImmediate(() => {
      port.postMessage({ type: "Left" });
      port.close();
    });
  };

  const worker = new SessionWorker({
    blocks: true,
    post: (message, transfer) => port.postMessage(message, transfer),
    pending: () => Atomics.load(bell, 0) !== received || (workerData.shared && performance.now() - looked >= TURN),
    pause: () => new Promise((resolve) => setImmediate(() => {
      looked = performance.now();
      resolve(undefined);
    })),
    receive: () => {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) take(next.message);
    },
    wait: (milliseconds) => void Atomics.wait(bell, 0, received, milliseconds),
    sleep: (milliseconds) => void Atomics.wait(silence, 0, 0, milliseconds),
    later: (task) => void setImmediate(task),
    read: readPart,
  });
  port.on("message", take);
}

/** @type {import("node:worker_threads").MessagePort} */ (parentPort).on("message", seat);
