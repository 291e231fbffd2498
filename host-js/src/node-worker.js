//! The thread of a session in Node.

import { receiveMessageOnPort, workerData } from "node:worker_threads";
import { SessionWorker } from "./worker.js";

/** Not `parentPort`, which in Deno is none that messages can be received from while the thread is blocked. @type {import("node:worker_threads").MessagePort} */
const port = workerData.port;

/** Counts the messages that were sent here. @type {Int32Array} */
const bell = workerData.bell;
/** How many of them were received. */
let received = 0;

/** Nobody ever wakes who waits on this. */
const silence = new Int32Array(new SharedArrayBuffer(4));

/** @param {import("./protocol.js").ToWorker} message */
function take(message) {
  received = (received + 1) | 0;
  worker.handle(message);
}

const worker = new SessionWorker({
  blocks: true,
  post: (message, transfer) => port.postMessage(message, transfer),
  pending: () => Atomics.load(bell, 0) !== received,
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  receive: () => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) take(next.message);
  },
  wait: (milliseconds) => void Atomics.wait(bell, 0, received, milliseconds),
  sleep: (milliseconds) => void Atomics.wait(silence, 0, 0, milliseconds),
  later: (task) => void setImmediate(task),
});

port.on("message", take);
