//! Commands that the caller of a session runs, as the thread of the session has them: processes without code of their own here.

import { symbolDispose } from "./link.js";

/**
 * @import { CommandCall, FromWorker } from "./protocol.js"
 * @import { Exit, Process, Processes } from "./wit.js"
 *
 * @typedef {Exclude<CommandCall, { type: "CommandExit" }>} Transfer
 */

const encoder = new TextEncoder();

/** The commands of one run that are at work. */
export class ForeignCommands {
  /** @type {Map<number, Process>} */
  #processes = new Map();
  /** Transfers that could not be made yet, and how many bytes of a write have been. @type {Array<{ transfer: Transfer, done: number }>} */
  #open = [];
  /** @type {Array<Extract<CommandCall, { type: "CommandExit" }>>} */
  #ended = [];

  /**
   * @param {number} run
   * @param {Processes} processes
   * @param {(message: FromWorker) => void} post
   */
  constructor(run, processes, post) {
    this.run = run;
    this.processes = processes;
    this.post = post;
  }

  /** How many are at work. */
  get size() {
    return this.#processes.size;
  }

  /** Whether something waits for the core to be off the stack. */
  get pending() {
    return this.#open.length > 0 || this.#ended.length > 0;
  }

  /**
   * Begins one.
   * @param {number} command the number of the request
   * @param {string} name
   * @param {number} pid
   * @returns {boolean} whether there is such a process
   */
  begin(command, name, pid) {
    const process = this.processes.Process.open(pid);
    if (process === undefined) return false;
    this.#processes.set(command, process);
    this.post({ type: "Command", run: this.run, command, name, args: process.arguments(), env: process.environment(), cwd: process.cwd() });
    return true;
  }

  /** @param {CommandCall} call of the caller's; done by the next `serve` */
  take(call) {
    if (!this.#processes.has(call.command)) return;
    if (call.type === "CommandExit") this.#ended.push(call);
    else this.#open.push({ transfer: call, done: 0 });
  }

  /**
   * Moves what can be moved.
   * @param {(command: number, exit: Exit) => void} ended told of those that have ended
   * @returns {boolean} whether something was
   */
  serve(ended) {
    let moved = false;
    for (const open of this.#open.splice(0)) {
      const { done } = open;
      const over = this.#move(open);
      if (over || open.done > done) moved = true;
      if (!over) this.#open.push(open);
    }
    for (const { command, status, message } of this.#ended.splice(0)) {
      const process = this.#processes.get(command);
      if (process === undefined) continue;
      moved = true;
      if (message !== undefined) {
        try {
          process.write(2, encoder.encode(message), false);
        } catch {
          // Its stderr is closed: nobody wants to hear it.
        }
      }
      this.#drop(command);
      ended(command, { tag: "code", val: status & 0xff });
    }
    return moved;
  }

  /** @param {number} command that nobody waits for any more */
  cancel(command) {
    if (!this.#processes.has(command)) return;
    this.#drop(command);
    this.post({ type: "CommandGone", run: this.run, command });
  }

  /** Ends all. */
  clear() {
    for (const command of [...this.#processes.keys()]) this.cancel(command);
  }

  /** @param {number} command */
  #drop(command) {
    const process = this.#processes.get(command);
    this.#processes.delete(command);
    this.#open = this.#open.filter(({ transfer }) => transfer.command !== command);
    /** @type {any} */ (process)[symbolDispose]();
  }

  /** @param {{ transfer: Transfer, done: number }} open @returns {boolean} whether it is over */
  #move(open) {
    const { transfer } = open;
    const { run, command, call, descriptor } = transfer;
    const process = this.#processes.get(command);
    if (process === undefined) return true;
    try {
      if (transfer.type === "CommandRead") {
        this.post({ type: "CommandReply", run, command, call, value: process.read(descriptor, transfer.max, false) });
        return true;
      }
      const { bytes } = transfer;
      while (open.done < bytes.length) open.done += process.write(descriptor, bytes.subarray(open.done), false);
      this.post({ type: "CommandReply", run, command, call, value: bytes.length });
      return true;
    } catch (error) {
      const payload = /** @type {any} */ (error)?.payload;
      if (payload === "again") return false;
      if (typeof payload !== "string") throw error;
      this.post({ type: "CommandReply", run, command, call, error: payload });
      return true;
    }
  }
}
