//! The worker of a session in a browser.

import { Bell } from "./bell.js";
import { SessionWorker } from "./worker.js";

/** Milliseconds that a script may run before messages are looked at. */
const ATTENTION = 8;

/**
 * Nobody ever wakes who waits on this. A shared memory can be had for oneself also where the page is not isolated from others; only where
 * it cannot does sleeping keep the processor busy.
 */
const silence = (() => {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const cell = new Int32Array(buffer);
    Atomics.wait(cell, 0, 0, 0);
    return cell;
  } catch {
    return undefined;
  }
})();

/** @param {number} milliseconds */
function sleep(milliseconds) {
  if (silence !== undefined) {
    Atomics.wait(silence, 0, 0, milliseconds);
    return;
  }
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** When messages were looked at. */
let looked = performance.now();

const { port1, port2 } = new MessageChannel();
/** @type {(() => void) | undefined} */
let resume;
port1.onmessage = () => {
  looked = performance.now();
  resume?.();
};

const scope = /** @type {any} */ (globalThis);

/** What tells of signals while a component computes, if the page has one. @type {Bell | undefined} */
let bell;

function receive() {
  for (const message of bell?.take() ?? []) worker.handle(message);
}

const worker = new SessionWorker({
  blocks: false,
  post: (message, transfer) => scope.postMessage(message, transfer ?? []),
  pending: () => bell?.rings === true || performance.now() - looked >= ATTENTION,
  // A message of one's own comes behind those that were there before.
  pause: () => new Promise((resolve) => {
    resume = () => resolve(undefined);
    port2.postMessage(0);
  }),
  receive,
  wait: (milliseconds) => (bell === undefined ? sleep(milliseconds) : bell.wait(milliseconds)),
  sleep,
  later: (task) => void setTimeout(task),
});

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  if (data.type === "Bell") bell = new Bell(data.memory);
  else if (data.type === "Look") receive();
  else worker.handle(data);
};
