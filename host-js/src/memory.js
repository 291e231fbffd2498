//! The memories that modules begin with, where their contents are apart from them (`scripts/data.mjs`).

/** @import { Data } from "./protocol.js" */

/**
 * Reads a part of a file, all of it.
 * @typedef {(file: string, position: number, to: Uint8Array) => void} Read
 */

export class Memories {
  /** Those that nobody has yet, by where they are from. @type {Map<Data["from"], WebAssembly.Memory>} */
  #ready = new Map();

  /** @param {Read | undefined} read where files can be read */
  constructor(read) {
    this.read = read;
  }

  /** @param {Record<string, Data>} data */
  prepare(data) {
    for (const one of Object.values(data)) if (!this.#ready.has(one.from)) this.#ready.set(one.from, this.#make(one));
  }

  /** @param {Data} data @returns {WebAssembly.Memory} for one instance */
  take(data) {
    const memory = this.#ready.get(data.from) ?? this.#make(data);
    this.#ready.delete(data.from);
    return memory;
  }

  /** @param {Data} data */
  #make({ from, position, length, offset, initial, maximum }) {
    const memory = new WebAssembly.Memory({ initial, maximum });
    if (typeof from !== "string") {
      new WebAssembly.Instance(from, { wasmsh: { memory } });
      return memory;
    }
    try {
      this.read?.(from, position, new Uint8Array(memory.buffer, offset, length));
    } catch (cause) {
      // Scripts see this: the names of the host's files are not for them.
      throw new Error(`${from.slice(from.lastIndexOf("/") + 1)} cannot be read`, { cause });
    }
    return memory;
  }
}
