//! Reads function bodies (WebAssembly core specification, 5.4), as far as to know which functions they name.

import { Reader } from "./binary.mjs";

/** What follows an instruction's opcode, in this order: `u` an unsigned or signed LEB128 of any length, `m` a memory argument, `1`, `4`, `8`, `16` bytes. */
const NOTHING = "";

/** @type {Record<number, string>} One byte; what is not here is no instruction that is known here. */
const PLAIN = {};
for (const [first, last] of [[0x00, 0x01], [0x05, 0x05], [0x0b, 0x0b], [0x0f, 0x0f], [0x19, 0x1b], [0x45, 0xc4], [0xd1, 0xd1]]) {
  for (let opcode = first; opcode <= last; opcode += 1) PLAIN[opcode] = NOTHING;
}
// Blocks, with their type.
for (const opcode of [0x02, 0x03, 0x04, 0x06]) PLAIN[opcode] = "u";
// Exceptions, in the form that compilers still make: catch, throw, rethrow, delegate; catch_all is above. And throw_ref.
for (const opcode of [0x07, 0x08, 0x09, 0x18]) PLAIN[opcode] = "u";
PLAIN[0x0a] = NOTHING;
// br, br_if; calls; variables; tables.
for (const opcode of [0x0c, 0x0d, 0x10, 0x12, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26]) PLAIN[opcode] = "u";
for (const opcode of [0x11, 0x13]) PLAIN[opcode] = "uu";
for (let opcode = 0x28; opcode <= 0x3e; opcode += 1) PLAIN[opcode] = "m";
for (const opcode of [0x3f, 0x40, 0x41, 0x42, 0xd0, 0xd2]) PLAIN[opcode] = "u";
PLAIN[0x43] = "4";
PLAIN[0x44] = "8";

/** After 0xfc: conversions that saturate, memory and tables in bulk. */
const MORE = [...Array(8).fill(NOTHING), "uu", "u", "uu", "u", "uu", "u", "uu", "u", "u", "u"];

/** After 0xfd: vectors. @param {number} opcode */
function vector(opcode) {
  if (opcode <= 0x0b || opcode === 0x5c || opcode === 0x5d) return "m";
  if (opcode === 0x0c || opcode === 0x0d) return "16";
  if (opcode >= 0x15 && opcode <= 0x22) return "1";
  if (opcode >= 0x54 && opcode <= 0x5b) return "m1";
  return NOTHING;
}

const BR_TABLE = 0x0e;
const CALLS = new Set([0x10, 0x12, 0xd2]);

/**
 * @param {Uint8Array} body locals and instructions
 * @returns {Set<number>} the functions that it calls or takes references of
 */
export function functionsNamedBy(body) {
  const named = new Set();
  const reader = new Reader(body);
  const skip = (/** @type {string} */ operands) => {
    switch (operands) {
      case "u":
        return void reader.number();
      case "uu":
        return void (reader.number(), reader.number());
      case "m":
      case "m1":
        // Bit 6 of the alignment: a memory's number follows.
        if ((reader.number() & 0x40) !== 0) reader.number();
        reader.number();
        if (operands === "m1") reader.byte();
        return;
      default:
        reader.take(Number(operands));
    }
  };
  reader.take(codeOf(body));
  while (!reader.ended) {
    const opcode = reader.byte();
    if (CALLS.has(opcode)) named.add(reader.number());
    else if (opcode === BR_TABLE) for (let left = reader.number() + 1; left > 0; left -= 1) reader.number();
    else if (opcode === 0x1c) for (let left = reader.number(); left > 0; left -= 1) reader.number();
    else if (opcode === 0xfd) skip(vector(reader.number()));
    else {
      const operands = opcode === 0xfc ? MORE[reader.number()] : PLAIN[opcode];
      if (operands === undefined) throw new Error(`an instruction that is not known here: 0x${opcode.toString(16)}`);
      skip(operands);
    }
  }
  return named;
}

/** @param {Uint8Array} body @returns {number} where its instructions begin, after its locals */
export function codeOf(body) {
  const reader = new Reader(body);
  for (let groups = reader.number(); groups > 0; groups -= 1) {
    reader.number();
    reader.byte();
  }
  return reader.at;
}
