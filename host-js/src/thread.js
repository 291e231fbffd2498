//! The worker threads of sessions in Node, Deno and Bun: a thread for one session, or a seat in a thread of several. Every session has a port of
//! its own, and a bell by which its thread is told of messages while it is blocked.

import { MessageChannel, Worker } from "node:worker_threads";

/** @import { FromWorker, ToWorker } from "./protocol.js" */

/** Python's C stack is the thread's; the default of 4 MB ends its recursion before its own limit does. */
const STACK_MB = 16;

/** Sessions of one thread: a thread takes some 10 MB, a session in it 2. */
const SEATS = 8;

/** Milliseconds that a session of several gets to leave its thread, before the thread is ended. */
const PATIENCE = 2000;

export const HOST = new URL("./node-worker.js", import.meta.url);

/** @param {boolean} shared */
function start(shared) {
  return new Worker(HOST, {
    name: "wasmsh",
    workerData: { shared },
    // Nothing of the host is for the sandbox.
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { stackSizeMb: STACK_MB },
  });
}

/** A session's way to its thread. */
class Seat {
  /** Compiled modules can be sent there. */
  modules = true;
  #bell = new Int32Array(new SharedArrayBuffer(4));
  #port;
  /** Says that the session cannot go on. @type {(why: string, cause?: unknown) => void} */
  lose = () => {};
  /** @param {Error} error */
  #failed = (error) => this.lose(error.message, error);
  #ended = () => this.lose("its thread ended");

  /** @param {Worker} worker */
  constructor(worker) {
    this.worker = worker;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    worker.postMessage({ bell: this.#bell, port: port2 }, [port2]);
  }

  /**
   * @param {(message: FromWorker) => void} receive
   * @param {(why: string, cause?: unknown) => void} lose
   */
  listen(receive, lose) {
    this.lose = lose;
    this.#port.on("message", receive);
    this.worker.on("error", this.#failed);
    this.worker.on("exit", this.#ended);
  }

  /** @param {ToWorker} message @param {ArrayBuffer[]} [transfer] */
  post(message, transfer) {
    this.#port.postMessage(message, transfer);
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }

  leave() {
    this.#port.close();
  }

  /** The thread goes on for others, and does not hold on to this session. */
  forget() {
    this.worker.off("error", this.#failed);
    this.worker.off("exit", this.#ended);
  }

  /** @param {() => void} left called when the session has left its thread */
  onLeft(left) {
    this.#port.on("message", (/** @type {FromWorker} */ { type }) => {
      if (type === "Left") left();
    });
  }

  /** @param {boolean} needed whether the process must go on for it */
  keep(needed) {
    if (needed) this.#port.ref();
    else this.#port.unref();
  }
}

/** A thread for one session. */
export class Thread extends Seat {
  constructor() {
    super(start(false));
  }

  async terminate() {
    this.leave();
    await this.worker.terminate();
  }

  /** @param {boolean} needed @override */
  keep(needed) {
    super.keep(needed);
    if (needed) this.worker.ref();
    else this.worker.unref();
  }
}

/** A thread of several sessions. */
class Room {
  /** @type {Set<SharedThread>} */
  taken = new Set();
  /** Those that the process must go on for. @type {Set<SharedThread>} */
  needed = new Set();
  worker = start(true);
  /** @type {Promise<unknown> | undefined} */
  #ending = undefined;

  constructor() {
    this.worker.setMaxListeners(0);
    this.worker.unref();
    this.worker.on("exit", () => rooms.delete(this));
    // Seats tell their sessions. Without a listener at all, an error of the thread would end the process.
    this.worker.on("error", () => rooms.delete(this));
  }

  async #end() {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    // Bun does not always tell that a thread has ended.
    await Promise.race([this.worker.terminate(), new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE)))]);
    clearTimeout(timer);
  }

  /** Ends the thread with all who are in it. */
  end() {
    rooms.delete(this);
    this.#ending ??= this.#end();
    return this.#ending;
  }
}

/** @type {Set<Room>} */
const rooms = new Set();

/** A seat in a thread of several sessions. Such a thread ends with the last of them, or with one that cannot be ended otherwise. */
export class SharedThread extends Seat {
  constructor() {
    let room = [...rooms].find(({ taken }) => taken.size < SEATS);
    if (room === undefined) {
      room = new Room();
      rooms.add(room);
    }
    super(room.worker);
    this.room = room;
    room.taken.add(this);
  }

  async terminate() {
    const { room } = this;
    if (!room.taken.delete(this)) return;
    this.keep(false);
    if (room.taken.size > 0 && (await this.#left())) return;
    const ended = room.end();
    for (const seat of room.taken) seat.lose("its thread had to be ended with another session");
    await ended;
  }

  /** Whether the session has left its thread by itself. @returns {Promise<boolean>} */
  #left() {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), PATIENCE);
      this.onLeft(() => {
        clearTimeout(timer);
        this.leave();
        this.forget();
        resolve(true);
      });
      this.post({ type: "Leave" });
    });
  }

  /** @param {boolean} needed @override */
  keep(needed) {
    super.keep(needed);
    const { needed: wanted, worker } = this.room;
    if (needed) wanted.add(this);
    else wanted.delete(this);
    if (wanted.size > 0) worker.ref();
    else worker.unref();
  }
}
