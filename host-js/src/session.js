//! The caller's side of a session: methods become messages, messages become results. Knows no particular environment.

import { exported, imported, partsOf, writeParts } from "./archive.js";
import { Commands } from "./command.js";
import { bytesAtOnce, gather, piecesOf, streamOf } from "./content.js";
import { AssetError, FileError, OptionError, SessionClosedError, SessionLostError, SnapshotError, WasmshError } from "./errors.js";
import { filePromises } from "./file-system.js";
import { Exchanges } from "./network.js";
import { checkMode, checkPath, checkRun } from "./options.js";
import { installPythonPackages } from "./packages.js";
import { signalNamed } from "./result.js";
import { ActiveRun, StreamedRun } from "./run.js";

/**
 * @import { Content, DirectoryEntry, FilePromises, InstallOptions, RunOptions, RunResult, SignalName, SpawnedRun, StreamContent, WasmshSession } from "../types/index.js"
 * @import { CheckedRun, CheckedSession, Listeners } from "./options.js"
 * @import { Assets, Failure, FromWorker, Limits, Outline, ToWorker } from "./protocol.js"
 *
 * The thread at the other side.
 * @typedef {object} Transport
 * @property {(message: ToWorker, transfer?: ArrayBuffer[]) => void} post
 * @property {() => Promise<void>} terminate
 * @property {(needed: boolean) => void} keep whether the process must go on for this session
 * @property {(name: string, coming: (outline: Outline) => void) => Promise<Assets>} component finds and compiles a component; `coming` is told
 *   first what is known before it is compiled
 * @property {boolean} modules whether compiled modules can be sent there
 * @property {() => Promise<void>} [save] writes what has changed to where the session is kept
 *
 * @typedef {{ resolve: (value: any) => void, reject: (error: unknown) => void }} Pending
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @implements {WasmshSession} */
export class Session {
  /** @type {Transport} */
  #transport;
  /** @type {Limits} */
  #limits = { steps: 0, wallTimeMs: 0, outputBytes: 0 };
  /** @type {Listeners} */
  #listeners = { onStdout: undefined, onStderr: undefined };
  #next = 1;
  /** @type {Map<number, Pending>} */
  #pending = new Map();
  /** Runs that wait for their turn, the present one first. @type {ActiveRun[]} */
  #runs = [];
  /** Why nothing can be asked any more. @type {WasmshError | undefined} */
  #over = undefined;
  /** @type {Promise<void> | undefined} */
  #closing = undefined;
  /** @type {Exchanges | undefined} */
  #exchanges = undefined;
  /** @type {Commands | undefined} */
  #commands = undefined;
  /** Opens a session with the same options that begins with a snapshot. @type {((snapshot: Uint8Array) => Promise<WasmshSession>) | undefined} */
  #sibling = undefined;
  /** `fs.promises` of Node, over the files of this session. @type {{ promises: FilePromises }} */
  fs;

  /**
   * @param {Transport} transport
   */
  constructor(transport) {
    this.#transport = transport;
    this.fs = { promises: filePromises((...parameters) => this.#operate(...parameters)) };
  }

  /**
   * Begins the session, which can be used afterwards.
   * @param {CheckedSession} options
   * @param {(snapshot: Uint8Array) => Promise<WasmshSession>} sibling opens a session with the same options that begins with a snapshot
   */
  async start({ init, limits, listeners, signal, network, commands }, sibling) {
    signal?.throwIfAborted();
    const transport = this.#transport;
    const post = (/** @type {ToWorker} */ message) => {
      if (this.#over === undefined) transport.post(message);
    };
    this.#sibling = sibling;
    this.#limits = limits;
    this.#listeners = listeners;
    this.#exchanges = new Exchanges(network, (run, request, answer) => post({ type: "Answer", run, request, answer }));
    this.#commands = new Commands(commands, post);
    await this.#ask((id) => ({ type: "Init", id, options: init }));
    if (signal?.aborted) {
      await this.close();
      signal.throwIfAborted();
    }
    signal?.addEventListener("abort", () => void this.close(), { once: true });
  }

  /**
   * Makes the thread ready for whatever session.
   * @param {"linked" | "composed"} composition
   */
  async prepare(composition) {
    const assets = this.#transport.modules ? await this.#component(composition === "linked" ? "core" : "sandbox") : { script: "", data: {}, modules: {}, rests: {} };
    await this.#ask((id) => ({ type: "Prepare", id, assets, composition }));
  }

  /** The process must go on for what was asked already. */
  awaken() {
    if (this.#pending.size > 0) this.#transport.keep(true);
  }

  /**
   * @param {string} command
   * @param {RunOptions} [options]
   * @returns {Promise<RunResult>}
   */
  run(command, options = {}) {
    return new Promise((resolve, reject) => {
      const checked = checkRun(command, options, this.#limits, this.#listeners);
      this.#begin(new ActiveRun(this.#next++, checked, this.#transport, (why) => this.lose(why)), checked, { resolve, reject });
    });
  }

  /**
   * @param {string} command
   * @param {RunOptions} [options]
   * @returns {SpawnedRun}
   */
  spawn(command, options = {}) {
    const given = options.stdin !== undefined;
    const pipe = new TransformStream(undefined, { highWaterMark: 1 }, { highWaterMark: 0 });
    const checked = checkRun(command, given ? options : { ...options, stdin: pipe.readable }, this.#limits, { onStdout: undefined, onStderr: undefined });
    checked.request.streaming = true;
    const run = new StreamedRun(this.#next++, checked, this.#transport, (why) => this.lose(why));
    const result = new Promise((resolve, reject) => this.#begin(run, checked, { resolve, reject }));
    // Who looks at the streams alone is told there.
    result.catch((error) => run.fail(error));
    const exit = result.then(({ exitCode, limit }) => ({ exitCode, limit }));
    exit.catch(() => {});
    return {
      stdin: given ? closedStream() : pipe.writable,
      stdout: run.stdout,
      stderr: run.stderr,
      exit,
      kill: (name = "SIGTERM") => this.#signal(run.id, name),
    };
  }

  /** @param {ActiveRun} run @param {CheckedRun} checked @param {Pending} pending */
  #begin(run, { signal }, pending) {
    if (this.#over !== undefined) throw this.#over;
    signal?.throwIfAborted();
    this.#expect(run.id, pending);
    this.#runs.push(run);
    if (this.#runs.length === 1) run.begin();
    signal?.addEventListener("abort", run.aborted);
  }

  /** @param {SignalName} [name] */
  kill(name = "SIGINT") {
    this.#signal(this.#runs[0]?.id, name);
  }

  /** @param {number | undefined} run @param {SignalName} name */
  #signal(run, name) {
    const signal = signalNamed(name);
    if (signal === undefined) throw new OptionError("signal", `${name} is not the name of a signal`);
    if (run !== undefined && this.#runs[0]?.id === run) this.#transport.post({ type: "Signal", run, signal });
  }

  /**
   * @param {string} path
   * @param {Content | StreamContent} content
   * @param {{ mode?: number }} [options]
   */
  async writeFile(path, content, { mode } = {}) {
    checkPath("path", path);
    checkMode("mode", mode);
    const bytes = bytesAtOnce("content", content);
    const operate = this.#operate.bind(this);
    if (bytes !== undefined) await operate("write", path, bytes, mode);
    else await writeParts(operate, path, piecesOf("content", content), mode);
    return { events: [] };
  }

  /** @param {string} path */
  async readFile(path) {
    /** @type {Uint8Array} */
    const content = await this.#operate("read", checkPath("path", path));
    return { content, events: [] };
  }

  /** @param {string} path @returns {ReadableStream<Uint8Array>} */
  readStream(path) {
    return streamOf(partsOf(this.#operate.bind(this), checkPath("path", path)));
  }

  /** @param {string} path @param {{ type?: string }} [options] */
  async readBlob(path, { type = "" } = {}) {
    return new Blob([await this.#operate("read", checkPath("path", path))], { type });
  }

  /** @param {string} path */
  async listDir(path) {
    /** @type {DirectoryEntry[]} */
    const entries = await this.#operate("list", checkPath("path", path));
    return { output: entries.map(({ name }) => `${name}\n`).join(""), entries, events: [] };
  }

  /** @param {string} path @param {{ followSymlinks?: boolean }} [options] */
  async stat(path, { followSymlinks = true } = {}) {
    return this.#operate("stat", checkPath("path", path), followSymlinks);
  }

  /** @param {string} path */
  async exists(path) {
    try {
      await this.#operate("stat", checkPath("path", path), true);
      return true;
    } catch (error) {
      if (error instanceof FileError && (error.code === "ENOENT" || error.code === "ENOTDIR")) return false;
      throw error;
    }
  }

  /** @param {string} path @param {{ recursive?: boolean, mode?: number }} [options] */
  async mkdir(path, { recursive = false, mode } = {}) {
    await this.#operate("mkdir", checkPath("path", path), recursive, checkMode("mode", mode));
  }

  /** @param {string} path @param {{ recursive?: boolean, force?: boolean }} [options] */
  async remove(path, { recursive = false, force = false } = {}) {
    await this.#operate("remove", checkPath("path", path), recursive, force);
  }

  /** @param {string} path */
  async removeFile(path) {
    await this.#operate("unlink", checkPath("path", path));
  }

  /** @param {string} from @param {string} to */
  async rename(from, to) {
    await this.#operate("rename", checkPath("from", from), checkPath("to", to));
  }

  /** @param {string} pattern @param {{ cwd?: string }} [options] @returns {Promise<string[]>} */
  async glob(pattern, { cwd = "/workspace" } = {}) {
    return this.#operate("glob", checkPath("cwd", cwd), checkPath("pattern", pattern));
  }

  /** @param {string} [path] @returns {Promise<Uint8Array>} */
  async exportTar(path = "/workspace") {
    return gather(exported(this.#operate.bind(this), checkPath("path", path)));
  }

  /** @param {string} [path] @returns {ReadableStream<Uint8Array>} */
  exportTarStream(path = "/workspace") {
    return streamOf(exported(this.#operate.bind(this), checkPath("path", path)));
  }

  /** @param {Content | StreamContent} archive @param {string} [path] */
  async importTar(archive, path = "/workspace") {
    await imported(this.#operate.bind(this), archive, checkPath("path", path));
  }

  /**
   * @param {string | readonly string[]} requirements
   * @param {InstallOptions} [options]
   */
  installPythonPackages(requirements, options = {}) {
    return installPythonPackages(this, requirements, options);
  }

  /** @returns {Promise<string>} */
  cwd() {
    return this.#ask((id) => ({ type: "Ask", id, what: "cwd" }));
  }

  /** @returns {Promise<{ bytes: number, inodes: number }>} */
  usage() {
    return this.#ask((id) => ({ type: "Ask", id, what: "usage" }));
  }

  /** @param {string} text */
  async check(text) {
    const { tag, val } = await this.#ask((id) => ({ type: "Check", id, text: encoder.encode(text.endsWith("\n") ? text : `${text}\n`) }));
    return tag === "wrong" ? { state: tag, ...val } : { state: tag };
  }

  /** @param {string} text @param {number} [cursor] */
  async complete(text, cursor = text.length) {
    const bytes = encoder.encode(text);
    const { start, candidates } = await this.#ask((id) => ({ type: "Complete", id, text: bytes, cursor: encoder.encode(text.slice(0, cursor)).length }));
    return {
      start: decoder.decode(bytes.subarray(0, start)).length,
      candidates: candidates.map((/** @type {Uint8Array} */ candidate) => decoder.decode(candidate)),
    };
  }

  /** @returns {Promise<Uint8Array>} */
  snapshot() {
    return this.#ask((id) => ({ type: "Snapshot", id, changed: false }));
  }

  /** A snapshot, unless nothing has changed since the last one that this returned. @returns {Promise<Uint8Array | undefined>} */
  changed() {
    return this.#ask((id) => ({ type: "Snapshot", id, changed: true }));
  }

  /** @param {Content | StreamContent} snapshot */
  async restore(snapshot) {
    const bytes = bytesAtOnce("snapshot", snapshot) ?? (await gather(piecesOf("snapshot", snapshot)));
    await this.#ask((id) => ({ type: "Restore", id, bytes }));
  }

  /** @returns {Promise<WasmshSession>} */
  async fork() {
    const snapshot = await this.snapshot();
    return /** @type {(snapshot: Uint8Array) => Promise<WasmshSession>} */ (this.#sibling)(snapshot);
  }

  /** Writes what has changed to where the session is kept. */
  async persist() {
    const { save } = this.#transport;
    if (save === undefined) throw new OptionError("persist", "the session was opened without it");
    await save();
  }

  /** @returns {Promise<void>} */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    const { save } = this.#transport;
    try {
      if (save !== undefined && this.#over === undefined && this.#runs.length === 0) await save();
    } finally {
      this.#end(new SessionClosedError());
      await this.#transport.terminate();
    }
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
        this.#runNumbered(message.id)?.fail(error);
        this.#finish(message.id, () => {
          throw error;
        });
        if (message.failure.kind === "lost") this.lose(message.failure.message, error);
        return;
      }
      case "Output":
        this.#runNumbered(message.run)?.output(message.chunks, message.bytes);
        return;
      case "Fetch":
        void this.#exchanges?.begin(message.run, message.request, message.http);
        return;
      case "Audit":
        this.#exchanges?.options.policy?.audit?.(message.access);
        return;
      case "FetchTaken":
        this.#exchanges?.taken(message.run, message.request);
        return;
      case "FetchUnwanted":
        this.#exchanges?.cancel(message.run, message.request);
        return;
      case "Command":
        this.#commands?.begin(message);
        return;
      case "CommandReply":
        this.#commands?.reply(message);
        return;
      case "CommandGone":
        this.#commands?.gone(message.run, message.command);
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
      this.#transport.post({ type: "Component", name, assets: await this.#component(name) });
    } catch (error) {
      this.#transport.post({ type: "Component", name, error: error instanceof Error ? error.message : String(error) });
    }
  }

  /** @param {string} name */
  #component(name) {
    return this.#transport.component(name, (outline) => this.#transport.post({ type: "Coming", outline }));
  }

  /** @param {number} id */
  #runNumbered(id) {
    return this.#runs[0]?.id === id ? this.#runs[0] : undefined;
  }

  /** @param {string} operation @param {string} path @param {unknown[]} parameters @returns {Promise<any>} */
  #operate(operation, path, ...parameters) {
    return this.#ask((id) => ({ type: "File", id, operation, path, parameters }));
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
    this.#exchanges?.clear();
    this.#commands?.clear();
    for (const run of this.#runs.splice(0)) {
      run.fail(why);
      run.end();
    }
    for (const { reject } of this.#pending.values()) reject(why);
    this.#pending.clear();
    this.#transport.keep(false);
  }
}

/** @param {Failure} failure */
function errorOf(failure) {
  switch (failure.kind) {
    case "file":
      return new FileError(failure.operation, failure.path, failure.error);
    case "lost":
      return new SessionLostError(failure.message);
    case "assets":
      return new AssetError(failure.message);
    case "snapshot":
      return new SnapshotError(failure.reason, failure.message);
    case "other":
      return new WasmshError("ERR_WASMSH_INTERNAL", failure.message);
  }
}

/** What stands for an input that is not the caller's to write. @returns {WritableStream<Uint8Array | string>} */
function closedStream() {
  const stream = new WritableStream();
  void stream.close();
  return stream;
}
