//! A run between its call and its result, as its caller has it: for `run` all at once, for `spawn` by streams.

import { bytesOf, streamOf } from "./content.js";
import { resultOf } from "./result.js";

/**
 * @import { RunResult, SessionEvent } from "../types/index.js"
 * @import { CheckedRun, StdinSource } from "./options.js"
 * @import { Transport } from "./session.js"
 * @import { Chunk, Exit } from "./wit.js"
 */

/** Milliseconds that a run gets to end after its time is over or it was cancelled, before its session, with all its files, is given up: also on a busy machine. */
const GRACE = 5000;

/** A run for `run`: collects its output. */
export class ActiveRun {
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
    this.aborted = () => this.cancel(signal?.reason);
  }

  begin() {
    const { request } = this;
    this.#begun = true;
    this.transport.post({ type: "Run", id: this.id, run: request });
    if (this.#failed !== undefined) this.cancel(this.#failed.error);
    else if (request.limits.wallTimeMs > 0) this.#watch(request.limits.wallTimeMs + GRACE);
  }

  end() {
    clearTimeout(this.#watchdog);
    this.abortSignal?.removeEventListener("abort", this.aborted);
    void this.stdin?.return?.();
  }

  /**
   * @param {Chunk[]} chunks
   * @param {number} bytes that are on their way until `Taken` says otherwise; 0: they came with the end
   */
  output(chunks, bytes) {
    if (bytes > 0) this.transport.post({ type: "Taken", bytes });
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
      this.cancel(error);
    }
  }

  /** @param {Exit} exit @param {Chunk[]} chunks */
  result(exit, chunks) {
    this.output(chunks, 0);
    this.#tell("stdout", new Uint8Array(), false);
    this.#tell("stderr", new Uint8Array(), false);
    this.rethrow();
    return resultOf(exit, this.#chunks, this.diagnostics);
  }

  /** Throws what the caller is told in the place of a result. */
  rethrow() {
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  /** @param {unknown} _error why there is no result */
  fail(_error) {}

  async sendStdin() {
    const { id, transport } = this;
    try {
      const next = await /** @type {StdinSource} */ (this.stdin).next();
      if (next.done === true) transport.post({ type: "StdinEnd", run: id });
      else transport.post({ type: "Stdin", run: id, bytes: bytesOf("stdin", next.value) });
    } catch (error) {
      this.cancel(error);
    }
  }

  /** @param {unknown} error */
  cancel(error) {
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

/** A run for `spawn`: hands its output on as it is read. */
export class StreamedRun extends ActiveRun {
  /** What was not read yet. @type {Record<"stdout" | "stderr", Uint8Array[]>} */
  #unread = { stdout: [], stderr: [] };
  /** Ends the waiting of who reads. @type {Record<"stdout" | "stderr", (() => void) | undefined>} */
  #wake = { stdout: undefined, stderr: undefined };
  /** Streams that nobody reads any more. */
  #left = { stdout: false, stderr: false };
  #over = false;
  /** @type {{ error: unknown } | undefined} */
  #error = undefined;
  stdout = streamOf(this.#pieces("stdout"), () => this.#leave("stdout"));
  stderr = streamOf(this.#pieces("stderr"), () => this.#leave("stderr"));

  /** @override @param {Chunk[]} chunks @param {number} bytes */
  output(chunks, bytes) {
    for (const { origin, bytes: piece } of chunks) {
      if (this.#left[origin]) {
        if (bytes > 0) this.#taken(piece.length);
        continue;
      }
      this.#unread[origin].push(piece);
      this.#wake[origin]?.();
    }
  }

  /** @override @param {Exit} exit @param {Chunk[]} chunks */
  result(exit, chunks) {
    this.output(chunks, 0);
    try {
      this.rethrow();
    } catch (error) {
      this.fail(error);
      throw error;
    }
    this.#finish();
    return resultOf(exit, [], this.diagnostics);
  }

  /** @override @param {unknown} error */
  fail(error) {
    this.#error ??= { error };
    this.#finish();
  }

  #finish() {
    this.#over = true;
    this.#wake.stdout?.();
    this.#wake.stderr?.();
  }

  /** @param {number} bytes */
  #taken(bytes) {
    if (!this.#over) this.transport.post({ type: "Taken", bytes });
  }

  /** @param {"stdout" | "stderr"} origin */
  #leave(origin) {
    this.#left[origin] = true;
    for (const piece of this.#unread[origin].splice(0)) this.#taken(piece.length);
    this.#wake[origin]?.();
  }

  /** @param {"stdout" | "stderr"} origin @returns {AsyncGenerator<Uint8Array>} */
  async *#pieces(origin) {
    while (!this.#left[origin]) {
      const piece = this.#unread[origin].shift();
      if (piece !== undefined) {
        this.#taken(piece.length);
        yield piece;
      } else if (this.#over) {
        if (this.#error !== undefined) throw this.#error.error;
        return;
      } else {
        await new Promise((resolve) => (this.#wake[origin] = () => resolve(undefined)));
      }
    }
  }
}
