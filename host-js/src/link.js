//! Brings components together: instantiates `core` (or `sandbox`), and Python beside it on the same files and processes.

/** @import { Core, CoreExports, File, Files, Interpreter, Loaded, Process, Processes } from "./wit.js" */

import { withRest } from "./rest.js";

/** The name of a resource's disposing method: not every engine has `Symbol.dispose` yet. @type {typeof Symbol.dispose} */
export const symbolDispose = Symbol.dispose ?? /** @type {any} */ (Symbol.for("dispose"));

/**
 * A process that was ended gets `interrupted` from every call; one that has a signal to take, from one. So many in a row mean that a guest
 * does not understand that it has ended.
 */
const PATIENCE = 1000;

/** Calls of a guest between two looks at the clock. */
const LOOK = 16;

/**
 * Milliseconds that a guest gets to unwind after it was told that it has ended. What is thrown through it costs no more than that another
 * instance must be made; and a guest below it, that waits for it, its life: that one is worth more patience.
 */
const UNWINDING = { alone: 25, nested: 500 };

/** Thrown through a guest, to end it. */
export class GuestStopped extends Error {}

/**
 * Whether the instance was left in the middle of something: it trapped, or the thread's stack was at its end. The error of a `result`
 * has a `payload`; a `TypeError` is that of the glue, which refuses a value before the instance sees it.
 * @param {unknown} error
 */
function isTrap(error) {
  return !(error instanceof TypeError || error instanceof GuestStopped || (typeof error === "object" && error !== null && Object.hasOwn(error, "payload")));
}

/**
 * @param {Loaded} loaded
 * @param {Record<string, object>} imports
 * @returns {any} the component's exports
 */
function instantiate({ glue, modules, memory, rest }, imports) {
  const names = new Map(Object.entries(modules).map(([name, module]) => [module, name]));
  return glue.instantiate(
    (/** @type {string} */ name) => modules[name],
    imports,
    // Synchronous: the modules are compiled, and a worker may.
    (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports} */ wanted) => {
      const name = names.get(module) ?? "";
      const own = memory(name);
      const all = own === undefined ? wanted : { ...wanted, wasmsh: { memory: own } };
      const instance = new WebAssembly.Instance(module, all);
      const later = rest(name);
      if (later !== undefined) withRest(instance, all, later);
      return instance;
    },
  );
}

/** Contents stay in the component's memory: handing them over would copy them, and there is nobody to share them with. */
const NO_BLOBS = { keep: () => undefined, read: () => undefined, release: () => {} };

/**
 * An instance that exports the session. Every call into it is watched: once one has trapped, nothing of the instance can be
 * trusted, and `defect` says why.
 */
export class Sandbox {
  /** What a trap inside the instance left behind. @type {unknown} */
  defect = undefined;

  /** Handles that were made since `record`. @type {Set<Disposable> | undefined} */
  #made = undefined;

  /** When, on `performance.now`, a guest that still calls is to be stopped. */
  stopAt = Infinity;
  /** Calls since `record` that ended with `interrupted`, one after the other. */
  #interrupted = 0;
  #calls = 0;
  /** When, on `performance.now`, a guest that still runs was told that it has ended. @type {number | undefined} */
  #told = undefined;

  /**
   * Where the caller has commands of its own: lets all others go on while a guest waits.
   * @type {Pick<import("./driver.js").RunDriver, "turn" | "rest" | "needed"> | undefined}
   */
  meanwhile = undefined;

  /**
   * @param {Loaded} loaded `core` or `sandbox`
   * @param {Record<string, object>} imports WASI and `wasmsh:session/host`
   */
  constructor(loaded, imports) {
    /** @type {CoreExports} */
    const exports = instantiate(loaded, { "wasmsh:fs/blobs": NO_BLOBS, ...imports });
    this.session = exports.session;
    this.quotas = exports.quotas;
    this.determinism = exports.determinism;
    this.files = this.#watchInterface(exports.files);
    this.processes = this.#watchInterface(exports.processes);
    this.snapshots = this.#watchInterface(exports.snapshots);
    this.#watchMethods(exports.session.Session.prototype);
    this.#watchMethods(exports.session.Run.prototype);
    this.#watchMakers();
  }

  /**
   * Remembers from now on which handles are made, for `release`.
   * @param {number} stopAt
   */
  record(stopAt) {
    this.#made = new Set();
    this.#interrupted = 0;
    this.#told = undefined;
    this.stopAt = stopAt;
  }

  /** The process that was opened since `record`, if it still is. */
  madeProcess() {
    const { Process } = this.processes;
    for (const handle of this.#made ?? []) {
      if (handle instanceof /** @type {any} */ (Process)) return /** @type {Process} */ (handle);
    }
    return undefined;
  }

  /** Ends `record`: drops all handles made since that are still held. */
  release() {
    const left = [...(this.#made ?? [])];
    this.#made = undefined;
    for (const handle of left) handle[symbolDispose]();
  }

  /**
   * @template {object} T
   * @param {T} exported
   * @returns {T}
   */
  #watchInterface(exported) {
    const watched = /** @type {any} */ ({ ...exported });
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value !== "function") continue;
      if (isClass(value)) this.#watchMethods(value.prototype);
      else watched[name] = this.#watch(value);
    }
    return watched;
  }

  /** @param {any} prototype */
  #watchMethods(prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      // Asking for a signal always succeeds: it is no sign that a guest goes on to anything.
      if (name === "takeSignal") prototype[name] = this.#watchSignals(this.#watch(prototype[name], false));
      else if (name !== "constructor") prototype[name] = this.#watch(prototype[name]);
    }
  }

  /**
   * A guest that asks again and again after it was told of its end is in code that does not unwind.
   * @param {() => import("./wit.js").Signal | undefined} takeSignal
   */
  #watchSignals(takeSignal) {
    const sandbox = this;
    return /** @this {any} */ function () {
      const signal = takeSignal.call(this);
      if (signal !== "kill") {
        // That of one that ran within the guest.
        sandbox.#told = undefined;
        return signal;
      }
      const now = performance.now();
      sandbox.#told ??= now;
      if (sandbox.#made !== undefined && now - sandbox.#told >= (sandbox.#nested ? UNWINDING.nested : UNWINDING.alone)) {
        throw new GuestStopped("it went on after it was told to end");
      }
      return signal;
    };
  }

  /** Whether a guest waits for another one that runs within it. */
  get #nested() {
    let processes = 0;
    for (const handle of this.#made ?? []) processes += handle instanceof /** @type {any} */ (this.processes.Process) ? 1 : 0;
    return processes > 1;
  }

  /**
   * @param {Function} call
   * @param {boolean} [progress] whether its success means that the guest gets on
   * @returns {(...parameters: any[]) => any}
   */
  #watch(call, progress = true) {
    const sandbox = this;
    // No call has more parameters. Naming them is several times as fast as collecting them.
    return /** @this {any} */ function (/** @type {any} */ a, /** @type {any} */ b, /** @type {any} */ c, /** @type {any} */ d) {
      if (sandbox.#made !== undefined) sandbox.#stop();
      try {
        const result = call.call(this, a, b, c, d);
        if (progress) sandbox.#interrupted = 0;
        return result;
      } catch (error) {
        if (isTrap(error)) sandbox.defect ??= error;
        else if (/** @type {any} */ (error).payload === "interrupted") sandbox.#interrupted += 1;
        throw error;
      }
    };
  }

  /** Nothing else can end a guest that goes on after its process has ended than an error it cannot catch. */
  #stop() {
    if (this.#interrupted >= PATIENCE) throw new GuestStopped("it went on after its process had ended");
    this.#calls += 1;
    if (this.#calls % LOOK === 0 && performance.now() >= this.stopAt) throw new GuestStopped("its time was over");
  }

  /** Has what makes handles tell of them. */
  #watchMakers() {
    const { files, processes } = this;
    const made = (/** @type {any} */ handle) => {
      if (this.#made !== undefined && handle !== undefined) this.#remember(this.#made, handle);
      return handle;
    };
    const { open } = files;
    files.open = (path, how, mode) => made(open(path, how, mode));
    const file = files.File.prototype;
    const { duplicate } = file;
    file.duplicate = /** @type {(this: File) => File} */ (
      function () {
        return made(duplicate.call(this));
      }
    );
    const { Process } = processes;
    const { open: openProcess } = Process;
    Process.open = (pid) => made(openProcess(pid));
    const process = Process.prototype;
    const { file: fileOf } = process;
    process.file = function (descriptor) {
      return made(fileOf.call(this, descriptor));
    };
    this.#watchWaits(process);
    const { adopt } = process;
    const sandbox = this;
    process.adopt = function (handle) {
      sandbox.#made?.delete(handle);
      return adopt.call(this, handle);
    };
  }

  /**
   * Has calls that wait take turns with what needs the core meanwhile.
   * @param {Process} process
   */
  #watchWaits(process) {
    const { read, write, poll, wait } = process;
    const sandbox = this;
    process.read = function (descriptor, max, blocking) {
      if (!blocking || sandbox.meanwhile === undefined) return read.call(this, descriptor, max, blocking);
      return sandbox.#waiting(Infinity, () => attempt(() => read.call(this, descriptor, max, false)), () => read.call(this, descriptor, max, true), () => read.call(this, descriptor, max, false));
    };
    process.write = function (descriptor, bytes, blocking) {
      if (!blocking || sandbox.meanwhile === undefined) return write.call(this, descriptor, bytes, blocking);
      let done = 0;
      const piece = () => {
        try {
          const taken = attempt(() => write.call(this, descriptor, bytes.subarray(done), false));
          done += taken ?? 0;
        } catch (error) {
          // As write(2): what was written counts, the signal is seen afterwards.
          if (done > 0 && /** @type {any} */ (error).payload === "interrupted") return done;
          throw error;
        }
        return done === bytes.length ? done : undefined;
      };
      return sandbox.#waiting(Infinity, piece, () => done + write.call(this, descriptor, bytes.subarray(done), true), () => done);
    };
    process.poll = function (entries, timeout) {
      if (timeout === 0n || sandbox.meanwhile === undefined) return poll.call(this, entries, timeout);
      const look = (/** @type {bigint | undefined} */ time) => {
        const ready = poll.call(this, entries, time);
        return ready.some(({ read, write, hangUp, invalid }) => read || write || hangUp || invalid) ? ready : undefined;
      };
      return sandbox.#waiting(endOf(timeout), () => look(0n), look, () => poll.call(this, entries, 0n));
    };
    process.wait = function (child, timeout) {
      if (timeout === 0n || sandbox.meanwhile === undefined) return wait.call(this, child, timeout);
      return sandbox.#waiting(endOf(timeout), () => wait.call(this, child, 0n), (time) => wait.call(this, child, time), () => undefined);
    };
  }

  /**
   * @template T
   * @param {number} until when, on `performance.now`, the wait is over
   * @param {() => T | undefined} attempt does it if it can be done at once
   * @param {(timeout: bigint | undefined) => T | undefined} block does it inside the component
   * @param {() => T} over what there is when the time is over
   * @returns {T}
   */
  #waiting(until, attempt, block, over) {
    /** @type {import("./wit.js").Wait | undefined} */
    let idle;
    for (;;) {
      const done = attempt();
      if (done !== undefined) return done;
      const left = until - performance.now();
      if (left <= 0) return over();
      this.#stop();
      if (idle === undefined) {
        idle = this.meanwhile?.turn();
        continue;
      }
      const inside = this.meanwhile?.rest(idle, until);
      idle = undefined;
      if (inside === undefined) continue;
      try {
        const waited = block(until === Infinity ? undefined : BigInt(Math.max(1, Math.round(Math.min(inside, left) * 1e6))));
        if (waited !== undefined) return waited;
      } catch (error) {
        if (/** @type {any} */ (error).payload !== "again" || !this.meanwhile?.needed) throw error;
      }
    }
  }

  /** @param {Set<Disposable>} made @param {any} handle */
  #remember(made, handle) {
    made.add(handle);
    const dispose = handle[symbolDispose];
    handle[symbolDispose] = () => {
      made.delete(handle);
      dispose();
    };
  }
}

/**
 * @template T
 * @param {() => T} call that does not wait
 * @returns {T | undefined} `undefined`: it would have to
 */
function attempt(call) {
  try {
    return call();
  } catch (error) {
    if (/** @type {any} */ (error).payload === "again") return undefined;
    throw error;
  }
}

/** @param {bigint | undefined} timeout nanoseconds */
function endOf(timeout) {
  return timeout === undefined ? Infinity : performance.now() + Number(timeout) / 1e6;
}

/** A trap in Python, or whatever else ended it from outside its own code. */
export class PythonTrap extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "PythonTrap";
  }
}

/** Python beside a `core`. After a trap its instance is thrown away, and the next run gets another. */
export class Python {
  /** @type {Interpreter | undefined} */
  #interpreter = undefined;
  #owed = false;

  /**
   * @param {Loaded} loaded `python`
   * @param {Sandbox} sandbox
   * @param {Record<string, object>} imports WASI
   */
  constructor(loaded, sandbox, imports) {
    this.loaded = loaded;
    this.sandbox = sandbox;
    this.imports = imports;
  }

  /**
   * Runs the process `pid`, which `core` has handed over. `Sandbox.release` afterwards.
   * @param {number} pid
   * @param {number} stopAt when, on `performance.now`, it is stopped if it still calls
   * @returns {import("./wit.js").Exit}
   * @throws {PythonTrap} with the handles of the dead instance still open
   */
  run(pid, stopAt) {
    const { sandbox } = this;
    sandbox.record(stopAt);
    try {
      this.#interpreter ??= instantiate(this.loaded, {
        ...this.imports,
        "wasmsh:fs/files": sandbox.files,
        "wasmsh:session/processes": sandbox.processes,
      }).interpreter;
      const exit = /** @type {Interpreter} */ (this.#interpreter).run(pid);
      this.#owed = true;
      return exit;
    } catch (error) {
      this.#interpreter = undefined;
      this.#owed = false;
      throw new PythonTrap(error);
    }
  }

  /** Puts the memory back, if that is owed. For when nobody waits. */
  reset() {
    if (!this.#owed) return;
    this.#owed = false;
    try {
      this.#interpreter?.reset();
    } catch {
      this.#interpreter = undefined;
    }
  }
}

/** @param {Function} value */
function isClass(value) {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
