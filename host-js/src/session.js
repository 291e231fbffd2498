//! The caller's side of a session: methods become messages, messages become results. Knows no particular environment.

import { FileError, OptionError, SessionClosedError, SessionLostError, WasmshError } from "./errors.js";
import { bytesOf, checkMode, checkPath, checkRun } from "./options.js";
import { resultOf, signalNamed } from "./result.js";

/**
 * @import { Content, DirectoryEntry, RunOptions, RunResult, SessionEvent, SignalName, WasmshSession } from "../types/index.js"
 * @import { CheckedRun, CheckedSession, Listeners, StdinSource } from "./options.js"
 * @import { Assets, Failure, FromWorker, Limits, ToWorker } from "./protocol.js"
 * @import { Chunk } from "./wit.js"
 *
 * The thread at the other side.
 * @typedef {object} Transport
 * @property {(message: ToWorker, transfer?: ArrayBuffer[]) => void} post
 * @property {() => Promise<void>} terminate
 * @property {(needed: boolean) => void} keep whether the process must go on for this session
 * @property {(name: string) => Promise<Assets>} component finds and compiles a component
 *
 * @typedef {{ resolve: (value: any) => void, reject: (error: unknown) => void }} Pending
 */

/** Milliseconds that a run gets to end after its time is over or it was cancelled, before its session is given up. */
const GRACE = 2000;

/** @implements {WasmshSession} */
export class Session {
  /** @type {Transport} */
  #transport;
  /** @type {Limits} */
  #limits;
  /** @type {Listeners} */
  #listeners;
  #next = 1;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** Runs that wait for their turn, the present one first. @type {ActiveRun[]} */
  #runs = [];
  /** Why nothing can be asked any more. @type {WasmshError | undefined} */
  #over = undefined;
  /** @type {Promise<void> | undefined} */
  #closing = undefined;

  /**
   * @param {Transport} transport
   * @param {CheckedSession} options
   */
  constructor(transport, { limits, listeners }) {
    this.#transport = transport;
    this.#limits = limits;
    this.#listeners = listeners;
  }

  /**
   * Gives the worker the components. The session can be used afterwards.
   * @param {CheckedSession} options
   */
  async start({ init, signal }) {
    signal?.throwIfAborted();
    const assets = await this.#transport.component(init.composition === "linked" ? "core" : "sandbox");
    await this.#ask((id) => ({ type: "Init", id, assets, options: init }));
    if (signal?.aborted) {
      await this.close();
      signal.throwIfAborted();
    }
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  /**
   * @param {string} command
   * @param {RunOptions} [options]
   * @returns {Promise<RunResult>}
   */
  run(command, options = {}) {
    return new Promise((resolve, reject) => {
      const checked = checkRun(command, options, this.#limits, this.#listeners);
      if (this.#over !== undefined) throw this.#over;
      checked.signal?.throwIfAborted();
      const run = new ActiveRun(this.#next++, checked, this.#transport, (why) => this.lose(why));
      this.#expect(run.id, { resolve, reject });
      this.#runs.push(run);
      if (this.#runs.length === 1) run.begin();
      checked.signal?.addEventListener("abort", run.aborted);
    });
  }

  /** @param {SignalName} [name] */
  kill(name = "SIGINT") {
    const signal = signalNamed(name);
    if (signal === undefined) throw new OptionError("signal", `${name} is not the name of a signal`);
    const run = this.#runs[0];
    if (run !== undefined) this.#transport.post({ type: "Signal", run: run.id, signal });
  }

  /**
   * @param {string} path
   * @param {Content} content
   * @param {{ mode?: number }} [options]
   */
  async writeFile(path, content, { mode } = {}) {
    const bytes = bytesOf("content", content);
    const message = { path: checkPath("path", path), content: bytes, mode: checkMode("mode", mode) };
    await this.#ask((id) => ({ type: "WriteFile", id, ...message }));
    return { events: [] };
  }

  /** @param {string} path */
  async readFile(path) {
    checkPath("path", path);
    /** @type {Uint8Array} */
    const content = await this.#ask((id) => ({ type: "ReadFile", id, path }));
    return { content, events: [] };
  }

  /** @param {string} path */
  async listDir(path) {
    checkPath("path", path);
    /** @type {DirectoryEntry[]} */
    const entries = await this.#ask((id) => ({ type: "ListDir", id, path }));
    return { output: entries.map(({ name }) => `${name}\n`).join(""), entries, events: [] };
  }

  /** @param {string} path */
  async removeFile(path) {
    checkPath("path", path);
    await this.#ask((id) => ({ type: "RemoveFile", id, path }));
  }

  /** @returns {Promise<void>} */
  close() {
    if (this.#closing === undefined) {
      this.#end(new SessionClosedError());
      this.#closing = this.#transport.terminate();
    }
    return this.#closing;
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  /**
   * The session cannot go on.
   * @param {string} why
   * @param {unknown} [cause]
   */
  lose(why, cause) {
    if (this.#over !== undefined) return;
    this.#end(new SessionLostError(why, { cause }));
    this.#closing = this.#transport.terminate();
  }

  /** @param {FromWorker} message */
  receive(message) {
    switch (message.type) {
      case "Reply":
        this.#settle(message.id)?.resolve(message.value);
        return;
      case "Exit":
        this.#finish(message.id, (run) => run.result(message.exit, message.chunks));
        return;
      case "Failure": {
        const error = errorOf(message.failure);
        this.#finish(message.id, () => {
          throw error;
        });
        if (message.failure.kind === "lost") this.lose(message.failure.message, error);
        return;
      }
      case "Output":
        this.#transport.post({ type: "Taken", bytes: message.bytes });
        this.#runNumbered(message.run)?.output(message.chunks);
        return;
      case "WantStdin":
        void this.#runNumbered(message.run)?.sendStdin();
        return;
      case "Diagnostic":
        this.#runs[0]?.diagnostics.push({ Diagnostic: { level: message.level, message: message.message } });
        return;
      case "WantComponent":
        void this.#sendComponent(message.name);
    }
  }

  /** @param {string} name */
  async #sendComponent(name) {
    try {
      this.#transport.post({ type: "Component", name, assets: await this.#transport.component(name) });
    } catch (error) {
      this.#transport.post({ type: "Component", name, error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** @param {number} id */
  #runNumbered(id) {
    return this.#runs[0]?.id === id ? this.#runs[0] : undefined;
  }

  /**
   * @param {(id: number) => ToWorker} message
   * @returns {Promise<any>}
   */
  #ask(message) {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) throw this.#over;
      const id = this.#next++;
      this.#expect(id, { resolve, reject });
      this.#transport.post(message(id));
    });
  }

  /** @param {number} id @param {Pending} pending */
  #expect(id, pending) {
    if (this.#pending.size === 0) this.#transport.keep(true);
    this.#pending.set(id, pending);
  }

  /** @param {number} id */
  #settle(id) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#transport.keep(false);
    return pending;
  }

  /**
   * @param {number} id
   * @param {(run: ActiveRun) => RunResult} result
   */
  #finish(id, result) {
    const run = this.#runNumbered(id);
    const pending = this.#settle(id);
    try {
      pending?.resolve(result(/** @type {ActiveRun} */ (run)));
    } catch (error) {
      pending?.reject(error);
    }
    if (run !== undefined) {
      run.end();
      this.#runs.shift();
      this.#runs[0]?.begin();
    }
  }

  /** @param {WasmshError} why */
  #end(why) {
    if (this.#over !== undefined) return;
    this.#over = why;
    for (const run of this.#runs.splice(0)) run.end();
    for (const { reject } of this.#pending.values()) reject(why);
    this.#pending.clear();
    this.#transport.keep(false);
  }
}

/** A run between its call and its result. */
class ActiveRun {
  /** @type {SessionEvent[]} */
  diagnostics = [];
  /** @type {Chunk[]} */
  #chunks = [];
  #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  /** @type {any} */
  #watchdog = undefined;
  /** What the caller is told in the place of a result. @type {{ error: unknown } | undefined} */
  #failed = undefined;
  #begun = false;

  /**
   * @param {number} id
   * @param {CheckedRun} checked
   * @param {Transport} transport
   * @param {(why: string) => void} lose
   */
  constructor(id, { request, stdin, listeners, signal }, transport, lose) {
    this.id = id;
    this.request = request;
    this.stdin = stdin;
    this.listeners = listeners;
    this.abortSignal = signal;
    this.transport = transport;
    this.lose = lose;
    this.aborted = () => this.#cancel(signal?.reason);
  }

  begin() {
    const { request } = this;
    this.#begun = true;
    this.transport.post({ type: "Run", id: this.id, run: request });
    if (this.#failed !== undefined) this.#cancel(this.#failed.error);
    else if (request.limits.wallTimeMs > 0) this.#watch(request.limits.wallTimeMs + GRACE);
  }

  end() {
    clearTimeout(this.#watchdog);
    this.abortSignal?.removeEventListener("abort", this.aborted);
    void this.stdin?.return?.();
  }

  /** @param {Chunk[]} chunks */
  output(chunks) {
    for (const chunk of chunks) {
      this.#chunks.push(chunk);
      this.#tell(chunk.origin, chunk.bytes, true);
    }
  }

  /**
   * What a listener throws ends the run, and is what the caller of the run gets.
   * @param {"stdout" | "stderr"} origin
   * @param {Uint8Array} bytes
   * @param {boolean} more whether the rest of a character may follow
   */
  #tell(origin, bytes, more) {
    const listener = origin === "stdout" ? this.listeners.onStdout : this.listeners.onStderr;
    if (listener === undefined || this.#failed !== undefined) return;
    const text = this.#decoders[origin].decode(bytes, { stream: more });
    if (!more && text === "") return;
    try {
      listener(text, bytes);
    } catch (error) {
      this.#cancel(error);
    }
  }

  /** @param {import("./wit.js").Exit} exit @param {Chunk[]} chunks */
  result(exit, chunks) {
    this.output(chunks);
    this.#tell("stdout", new Uint8Array(), false);
    this.#tell("stderr", new Uint8Array(), false);
    if (this.#failed !== undefined) throw this.#failed.error;
    return resultOf(exit, this.#chunks, this.diagnostics);
  }

  async sendStdin() {
    const { id, transport } = this;
    try {
      const next = await /** @type {StdinSource} */ (this.stdin).next();
      if (next.done === true) transport.post({ type: "StdinEnd", run: id });
      else transport.post({ type: "Stdin", run: id, bytes: bytesOf("stdin", next.value) });
    } catch (error) {
      this.#cancel(error);
    }
  }

  /** @param {unknown} error */
  #cancel(error) {
    this.#failed ??= { error };
    if (!this.#begun) return;
    this.transport.post({ type: "Cancel", run: this.id });
    this.#watch(GRACE);
  }

  /** @param {number} milliseconds */
  #watch(milliseconds) {
    clearTimeout(this.#watchdog);
    // `setTimeout` has no longer delay; a month is beyond what a watchdog is for.
    if (milliseconds > 2 ** 31 - 1) return;
    this.#watchdog = setTimeout(() => this.lose("a program in it did not stop when its time was over"), milliseconds);
  }
}

/** @param {Failure} failure */
function errorOf(failure) {
  switch (failure.kind) {
    case "file":
      return new FileError(failure.operation, failure.path, failure.error);
    case "lost":
      return new SessionLostError(failure.message);
    case "other":
      return new WasmshError("ERR_WASMSH_INTERNAL", failure.message);
  }
}
