//! Commands of the caller's: functions that a script runs like any other command, with standard streams that stream.

import { gather } from "./content.js";
import { FileError } from "./errors.js";

/**
 * @import { CommandFunction, CommandProcess } from "../types/index.js"
 * @import { FromWorker, ToWorker } from "./protocol.js"
 */

/** Bytes that cross at once. */
const PIECE = 65536;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The commands of one session, and those at work. */
export class Commands {
  /** @type {Map<string, Work>} */
  #work = new Map();

  /**
   * @param {ReadonlyMap<string, CommandFunction>} functions
   * @param {(message: ToWorker) => void} post
   */
  constructor(functions, post) {
    this.functions = functions;
    this.post = post;
  }

  /** @param {Extract<FromWorker, { type: "Command" }>} message */
  begin(message) {
    const { run, command, name } = message;
    const key = `${run} ${command}`;
    const work = new Work(run, command, this.post);
    this.#work.set(key, work);
    const run_ = /** @type {CommandFunction} */ (this.functions.get(name));
    void work.run(run_, message).then(() => this.#work.delete(key));
  }

  /** @param {Extract<FromWorker, { type: "CommandReply" }>} message */
  reply(message) {
    this.#work.get(`${message.run} ${message.command}`)?.reply(message);
  }

  /** @param {number} run @param {number} command */
  gone(run, command) {
    const key = `${run} ${command}`;
    this.#work.get(key)?.abort();
    this.#work.delete(key);
  }

  clear() {
    for (const work of this.#work.values()) work.abort();
    this.#work.clear();
  }
}

/** One command at work. */
class Work {
  #next = 1;
  /** @type {Map<number, { operation: string, resolve: (value: any) => void, reject: (error: unknown) => void }>} */
  #calls = new Map();
  #abort = new AbortController();

  /** @param {number} run @param {number} command @param {(message: ToWorker) => void} post */
  constructor(run, command, post) {
    this.id = { run, command };
    this.post = post;
  }

  /** @param {CommandFunction} command @param {Extract<FromWorker, { type: "Command" }>} message */
  async run(command, { name, args, env, cwd }) {
    const writers = { stdout: this.#writable(1), stderr: this.#writable(2) };
    /** @type {CommandProcess} */
    const process = {
      name,
      args: args.slice(1).map((argument) => decoder.decode(argument)),
      env: Object.fromEntries(env.map(([key, value]) => [decoder.decode(key), decoder.decode(value)])),
      cwd,
      stdin: this.#readable(0),
      ...writers,
      signal: this.#abort.signal,
      text: async () => decoder.decode(await gather(this.#pieces(0))),
      bytes: () => gather(this.#pieces(0)),
      print: (text) => this.#write(1, typeof text === "string" ? encoder.encode(text) : text),
      printError: (text) => this.#write(2, typeof text === "string" ? encoder.encode(text) : text),
    };
    let status = 0;
    /** @type {string | undefined} */
    let message;
    try {
      status = Number((await command(process)) ?? 0);
      if (!Number.isInteger(status)) throw new TypeError("its status is not a whole number");
      // What was written and not waited for comes before the end.
      await Promise.allSettled(this.#writing);
    } catch (error) {
      await Promise.allSettled(this.#writing);
      // As of a program that was ended by PIPE, there is nothing to say.
      const broken = error instanceof FileError && error.code === "EPIPE";
      status = broken ? 141 : 1;
      if (!broken) message = `${name}: ${error instanceof Error ? error.message : String(error)}\n`;
    }
    if (!this.#abort.signal.aborted) this.post({ type: "CommandExit", ...this.id, status, message });
  }

  /** @param {Extract<FromWorker, { type: "CommandReply" }>} message */
  reply(message) {
    const call = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    if ("error" in message) call?.reject(new FileError(call.operation, "-", message.error));
    else call?.resolve(message.value);
  }

  abort() {
    const reason = new DOMException("the process was ended", "AbortError");
    this.#abort.abort(reason);
    for (const { reject } of this.#calls.values()) reject(reason);
    this.#calls.clear();
  }

  /** Writes under way. @type {Set<Promise<unknown>>} */
  #writing = new Set();

  /** @param {number} descriptor @param {Uint8Array} bytes */
  async #write(descriptor, bytes) {
    for (let at = 0; at < bytes.length; at += PIECE) {
      const piece = bytes.slice(at, at + PIECE);
      const writing = this.#call("write", (call) => ({ type: "CommandWrite", ...this.id, call, descriptor, bytes: piece }));
      this.#writing.add(writing);
      const forget = () => this.#writing.delete(writing);
      writing.then(forget, forget);
      await writing;
    }
  }

  /** @param {number} descriptor @returns {Promise<Uint8Array>} */
  #read(descriptor) {
    return this.#call("read", (call) => ({ type: "CommandRead", ...this.id, call, descriptor, max: PIECE }));
  }

  /** @param {number} descriptor @returns {AsyncGenerator<Uint8Array, void>} */
  async *#pieces(descriptor) {
    for (let piece = await this.#read(descriptor); piece.length > 0; piece = await this.#read(descriptor)) yield piece;
  }

  /** @param {string} operation @param {(call: number) => ToWorker} message @returns {Promise<any>} */
  #call(operation, message) {
    return new Promise((resolve, reject) => {
      this.#abort.signal.throwIfAborted();
      const call = this.#next++;
      this.#calls.set(call, { operation, resolve, reject });
      this.post(message(call));
    });
  }

  /** @param {number} descriptor @returns {ReadableStream<Uint8Array>} */
  #readable(descriptor) {
    return new ReadableStream({
      pull: async (controller) => {
        const bytes = await this.#read(descriptor);
        if (bytes.length === 0) controller.close();
        else controller.enqueue(bytes);
      },
      // Nothing is read before somebody asks: what is left belongs to the next reader.
    }, { highWaterMark: 0 });
  }

  /** @param {number} descriptor @returns {WritableStream<Uint8Array | string>} */
  #writable(descriptor) {
    return new WritableStream({
      write: (chunk) => this.#write(descriptor, typeof chunk === "string" ? encoder.encode(chunk) : chunk),
    });
  }
}
