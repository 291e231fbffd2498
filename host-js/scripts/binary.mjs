//! The binary format of modules, as far as it is changed here (WebAssembly core specification, 5).

/** Ids of sections (5.5.2). */
export const SECTION = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 };

/** Magic number and version. */
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

const encoder = new TextEncoder();

/** @typedef {{ id: number, body: Uint8Array, whole: Uint8Array }} Section `whole`: with its id and its size */

/** @param {Uint8Array} module @returns {Section[]} */
export function sections(module) {
  const reader = new Reader(module.subarray(HEADER.length));
  const list = [];
  while (!reader.ended) {
    const begin = reader.at;
    const id = reader.byte();
    const body = reader.take(reader.number());
    list.push({ id, body, whole: reader.bytes.subarray(begin, reader.at) });
  }
  return list;
}

/** A module of these sections, each with its id and its size. @param {Uint8Array[]} wholes @returns {Uint8Array} */
export function assemble(wholes) {
  return Buffer.concat([Uint8Array.from(HEADER), ...wholes]);
}

/** @param {number} id @param {Array<Uint8Array | number[]>} body in pieces @returns {Uint8Array} with its id and its size */
export function section(id, ...body) {
  const whole = Buffer.concat(body.map((piece) => Uint8Array.from(piece)));
  return Buffer.concat([Uint8Array.of(id, ...leb(whole.length)), whole]);
}

/** @param {string} text @returns {number[]} a name (5.2.4) */
export function nameOf(text) {
  const bytes = encoder.encode(text);
  return [...leb(bytes.length), ...bytes];
}

/** @param {number} value @returns {number[]} its unsigned LEB128 */
export function leb(value) {
  const bytes = [];
  do {
    const more = value > 0x7f;
    bytes.push((value & 0x7f) | (more ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

/** @param {number} value 32 bits @returns {number[]} its signed LEB128 */
export function signedLeb(value) {
  const bytes = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const last = rest >= -64 && rest < 64;
    bytes.push((rest & 0x7f) | (last ? 0 : 0x80));
    if (last) return bytes;
  }
}

export class Reader {
  at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
  }

  get ended() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Error("the module ends within a section");
    this.at += 1;
    return this.bytes[this.at - 1];
  }

  /** @param {number} length */
  take(length) {
    if (this.at + length > this.bytes.length) throw new Error("the module ends within a section");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Unsigned LEB128 (5.2.2). */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  /** Signed LEB128 of 32 bits. */
  signed() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 25 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
    }
  }

  /** The limits of a memory or a table (5.3.12). */
  limits() {
    const flags = this.number();
    if (flags > 1) throw new Error("a shared or a 64-bit memory");
    return { least: this.number(), most: flags === 1 ? this.number() : undefined };
  }
}

/** @param {{ least: number, most: number | undefined }} limits */
export function limitsOf({ least, most }) {
  return most === undefined ? [0, ...leb(least)] : [1, ...leb(least), ...leb(most)];
}
