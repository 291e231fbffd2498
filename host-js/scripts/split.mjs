//! Makes of a module one to begin with, which has the functions that most sessions use, and the rest, which is loaded when another one is called.
//!
//! An engine checks a module's code before anything runs, and holds its bytes for as long as it lives; of the shell's functions, which are all commands,
//! a session calls few. In the beginning, each other function that something leads to is a stub, which has the rest loaded once and calls it by a table.
//! The rest is the whole module with the memories, tables and globals of the beginning in the place of its own: no index in its code changes, and
//! it calls the beginning by nothing but the tables. Of the whole module, only some sections have to be others: the rest is put together of both.

import { codeOf, functionsNamedBy } from "./code.mjs";
import { Reader, SECTION, assemble, leb, nameOf, section, sections, signedLeb } from "./binary.mjs";
import { LOADED, REST, START } from "../src/rest.js";

/** What an instrumented module exports: 32 functions each, a bit for each that has run. */
export const RAN = "wasmsh:ran";

const KIND = /** @type {const} */ (["function", "table", "memory", "global"]);
const FUNCREF = 0x70;
const I32 = 0x7f;
const FUNC = 0x60;
/** Instructions. */
const [UNREACHABLE, END, IF, CALL_INDIRECT, LOCAL_GET, GLOBAL_GET, GLOBAL_SET, I32_EQZ, I32_CONST, I32_OR, F32_CONST, F64_CONST, NO_VALUE] = [0x00, 0x0b, 0x04, 0x11, 0x20, 0x23, 0x24, 0x45, 0x41, 0x72, 0x43, 0x44, 0x40];
/** What a segment of data begins with that code puts somewhere. */
const PASSIVE = 1;

/**
 * A piece of the rest: bytes of the whole module, or of those that belong to the rest alone.
 * @typedef {{ of: "whole" | "own", position: number, length: number }} Piece
 *
 * @typedef {object} Split
 * @property {Uint8Array} start the module to begin with
 * @property {Uint8Array} own what the rest has in the place of the whole module's
 * @property {Piece[]} rest
 */

/** What is in a module. Functions, tables and so on that are imported come first in their index space. */
class Parsed {
  /** @param {Uint8Array} module */
  constructor(module) {
    this.sections = sections(module).filter(({ id }) => id !== SECTION.custom);
    const unknown = this.sections.find(({ id }) => !ORDER.includes(id));
    if (unknown !== undefined) throw new Error(`split: a section that is not known here: ${unknown.id}`);
    /** How many of each kind are imported. */
    this.imported = { function: 0, table: 0, memory: 0, global: 0 };
    const imports = this.reader(SECTION.import);
    for (let left = imports?.number() ?? 0; left > 0 && imports !== undefined; left -= 1) {
      imports.take(imports.number());
      imports.take(imports.number());
      const kind = KIND[imports.byte()];
      if (kind === undefined) throw new Error("split: something imported that is not known here");
      this.imported[kind] += 1;
      describe(imports, kind);
    }
    /** The types, each as it stands there, and how many parameters it has. */
    this.types = this.list(SECTION.type, (reader) => {
      if (reader.byte() !== FUNC) throw new Error("split: a type that is not a function's");
      const parameters = reader.take(reader.number()).length;
      const results = reader.take(reader.number()).length;
      return { parameters, results };
    });
    this.functions = this.list(SECTION.function, (reader) => reader.number());
    this.tables = this.list(SECTION.table, (reader) => void describe(reader, "table"));
    this.memories = this.list(SECTION.memory, (reader) => void describe(reader, "memory"));
    this.globals = this.list(SECTION.global, (reader) => {
      describe(reader, "global");
      constant(reader);
    });
    this.bodies = this.list(SECTION.code, (reader) => void reader.take(reader.number()));
    this.exports = this.list(SECTION.export, (reader) => {
      reader.take(reader.number());
      return { kind: KIND[reader.byte()], index: reader.number() };
    });
    this.elements = this.list(SECTION.element, (reader) => {
      if (reader.number() !== 0 || reader.byte() !== I32_CONST) throw new Error("split: elements that are not placed in the first table");
      const offset = reader.signed();
      if (reader.byte() !== END) throw new Error("split: elements whose place is computed");
      return { offset, functions: Array.from({ length: reader.number() }, () => reader.number()) };
    });
  }

  /** @param {number} id */
  reader(id) {
    const found = this.sections.find((one) => one.id === id);
    return found === undefined ? undefined : new Reader(found.body);
  }

  /**
   * The entries of a section, each with its bytes.
   * @template T
   * @param {number} id
   * @param {(reader: Reader) => T} read
   * @param {(value: T) => boolean} [last] no entry after such a one is read
   */
  list(id, read, last = () => false) {
    const reader = this.reader(id);
    /** @type {Array<{ value: T, bytes: Uint8Array }>} */
    const entries = [];
    if (reader === undefined) return entries;
    for (let left = reader.number(); left > 0; left -= 1) {
      const begin = reader.at;
      const value = read(reader);
      entries.push({ value, bytes: reader.bytes.subarray(begin, reader.at) });
      if (last(value)) break;
    }
    return entries;
  }

  /** The body of a function that is defined here: locals and instructions. @param {number} index among those defined */
  body(index) {
    const reader = new Reader(this.bodies[index].bytes);
    return reader.take(reader.number());
  }

  /**
   * A module with other sections in the place of its own, and such as it has not.
   * @param {Map<number, Uint8Array | undefined>} others `undefined`: it has none any more
   */
  with(others) {
    /** @type {Map<number, Uint8Array | undefined>} */
    const all = new Map(this.sections.map(({ id, whole }) => [id, whole]));
    for (const [id, whole] of others) all.set(id, whole);
    return assemble(ORDER.flatMap((id) => all.get(id) ?? []));
  }
}

/** How sections follow each other (5.5.2). */
const ORDER = [SECTION.type, SECTION.import, SECTION.function, SECTION.table, SECTION.memory, SECTION.global, SECTION.export, SECTION.start, SECTION.element, SECTION.dataCount, SECTION.code, SECTION.data];

/** Reads what something is. @param {Reader} reader @param {typeof KIND[number]} kind */
function describe(reader, kind) {
  if (kind === "function") reader.number();
  else if (kind === "global") reader.take(2);
  else {
    if (kind === "table") reader.byte();
    reader.limits();
  }
}

/** Reads what a global begins with (5.4.9). @param {Reader} reader */
function constant(reader) {
  for (let opcode = reader.byte(); opcode !== END; opcode = reader.byte()) {
    if (opcode === F32_CONST) reader.take(4);
    else if (opcode === F64_CONST) reader.take(8);
    else reader.signed();
  }
}

/** Whether a module puts something into a memory by itself. @param {Parsed} parsed */
function fills(parsed) {
  return parsed.list(SECTION.data, (reader) => {
    const passive = reader.number() === PASSIVE;
    if (passive) reader.take(reader.number());
    return passive;
  }, (passive) => !passive).some(({ value }) => !value);
}

/**
 * @param {number} id
 * @param {Array<{ bytes: Uint8Array }>} entries
 * @param {Array<Uint8Array | number[]>} more
 */
function listed(id, entries, ...more) {
  return section(id, leb(entries.length + more.length), ...entries.map(({ bytes }) => bytes), ...more);
}

/** @param {Uint8Array | number[]} bytes @returns {Uint8Array} with its length */
function sized(bytes) {
  return Buffer.concat([Uint8Array.from(leb(bytes.length)), Uint8Array.from(bytes)]);
}

/**
 * @param {Uint8Array} module
 * @param {string} tag of the names under which it exports what has run
 * @returns {Uint8Array} the module, which notes each function of its own that runs
 */
export function instrumented(module, tag) {
  const parsed = new Parsed(module);
  const first = parsed.imported.global + parsed.globals.length;
  const words = Math.ceil(parsed.functions.length / 32);
  const bodies = parsed.bodies.map((_, index) => {
    const body = parsed.body(index);
    const code = codeOf(body);
    const word = leb(first + (index >>> 5));
    return sized(Buffer.concat([
      body.subarray(0, code),
      Uint8Array.of(GLOBAL_GET, ...word, I32_CONST, ...signedLeb(1 << (index & 31)), I32_OR, GLOBAL_SET, ...word),
      body.subarray(code),
    ]));
  });
  const range = Array.from({ length: words }, (_, word) => word);
  return parsed.with(new Map([
    [SECTION.global, listed(SECTION.global, parsed.globals, ...range.map(() => [I32, 1, I32_CONST, 0, END]))],
    [SECTION.export, listed(SECTION.export, parsed.exports, ...range.map((word) => [...nameOf(`${RAN} ${tag} ${word}`), KIND.indexOf("global"), ...leb(first + word)]))],
    [SECTION.code, section(SECTION.code, leb(bodies.length), ...bodies)],
  ]));
}

/**
 * @param {Uint8Array} module without a start function, and without contents of memories
 * @param {Set<number>} used the functions that the beginning has: their indices among those that are defined
 * @returns {Split}
 */
export function split(module, used) {
  const parsed = new Parsed(module);
  const { imported } = parsed;
  if (parsed.sections.some(({ id }) => id === SECTION.start)) throw new Error("split: the module has a start function");
  if (fills(parsed)) throw new Error("split: the module has contents of a memory");
  const defined = (/** @type {number} */ index) => index - imported.function;
  const away = (/** @type {number} */ index) => defined(index) >= 0 && !used.has(defined(index));

  // The functions of the rest that something in the beginning names, each with its entry in the table.
  /** @type {Map<number, number>} */
  const entries = new Map();
  const enter = (/** @type {number} */ index) => {
    if (away(index) && !entries.has(index)) entries.set(index, entries.size + 1);
  };
  for (const index of used) functionsNamedBy(parsed.body(index)).forEach(enter);
  for (const { value } of parsed.exports) if (value.kind === "function") enter(value.index);
  for (const { value } of parsed.elements) value.functions.forEach(enter);

  const types = [...parsed.types];
  let nothing = types.findIndex(({ value }) => value.parameters === 0 && value.results === 0);
  if (nothing < 0) nothing = types.push({ value: { parameters: 0, results: 0 }, bytes: Uint8Array.of(FUNC, 0, 0) }) - 1;

  const table = imported.table + parsed.tables.length;
  const loaded = imported.global + parsed.globals.length;
  const bodies = parsed.bodies.map(({ bytes }, index) => {
    if (used.has(index)) return bytes;
    const entry = entries.get(index + imported.function);
    if (entry === undefined) return sized([0, UNREACHABLE, END]);
    const type = parsed.functions[index].value;
    const parameters = Array.from({ length: types[type].value.parameters }, (_, parameter) => [LOCAL_GET, ...leb(parameter)]).flat();
    return sized([
      0,
      GLOBAL_GET, ...leb(loaded), I32_EQZ, IF, NO_VALUE, I32_CONST, 0, CALL_INDIRECT, ...leb(nothing), ...leb(table), END,
      ...parameters, I32_CONST, ...signedLeb(entry), CALL_INDIRECT, ...leb(type), ...leb(table),
      END,
    ]);
  });
  const size = entries.size + 1;
  const limits = [1, ...leb(size), ...leb(size)];

  /** What the rest shares of what is defined: as the beginning exports it, and as the rest imports it. */
  const shared = (/** @type {"table" | "memory" | "global"} */ kind, /** @type {Array<{ bytes: Uint8Array }>} */ list) =>
    list.map(({ bytes }, at) => {
      const name = nameOf(`${START} ${kind} ${at}`);
      const reader = new Reader(bytes);
      describe(reader, kind);
      return {
        exported: [...name, KIND.indexOf(kind), ...leb(imported[kind] + at)],
        imported: [...nameOf(START), ...name, KIND.indexOf(kind), ...bytes.subarray(0, reader.at)],
      };
    });
  const all = [...shared("table", parsed.tables), ...shared("memory", parsed.memories), ...shared("global", parsed.globals)];
  const start = parsed.with(new Map([
    [SECTION.type, listed(SECTION.type, types)],
    [SECTION.table, listed(SECTION.table, parsed.tables, [FUNCREF, ...limits])],
    [SECTION.global, listed(SECTION.global, parsed.globals, [I32, 1, I32_CONST, 0, END])],
    [SECTION.export, listed(
      SECTION.export,
      parsed.exports,
      ...all.map(({ exported }) => exported),
      [...nameOf(REST), KIND.indexOf("table"), ...leb(table)],
      [...nameOf(LOADED), KIND.indexOf("global"), ...leb(loaded)],
    )],
    [SECTION.code, section(SECTION.code, leb(bodies.length), ...bodies)],
  ]));

  const imports = parsed.list(SECTION.import, (reader) => {
    reader.take(reader.number());
    reader.take(reader.number());
    describe(reader, KIND[reader.byte()]);
  });
  const placed = (/** @type {number} */ into, /** @type {number} */ offset, /** @type {number[]} */ functions) =>
    [...(into === 0 ? [0] : [2, ...leb(into)]), I32_CONST, ...signedLeb(offset), END, ...(into === 0 ? [] : [0]), ...leb(functions.length), ...functions.flatMap(leb)];
  // Whoever calls by the module's own table reaches the rest without a stub from then on.
  const direct = parsed.elements.flatMap(({ value }) => runs(value.functions, away).map(({ at, functions }) => placed(0, value.offset + at, functions)));
  const own = new Map([
    [SECTION.import, listed(SECTION.import, imports, ...all.map((one) => one.imported), [...nameOf(START), ...nameOf(REST), KIND.indexOf("table"), FUNCREF, ...limits])],
    [SECTION.element, listed(SECTION.element, [], placed(table, 1, [...entries.keys()]), ...direct)],
  ]);
  const made = pieces(module, parsed, own);
  const rest = Buffer.concat(made.rest.map(({ of, position, length }) => (of === "own" ? made.own : module).subarray(position, position + length)));
  for (const one of [start, rest]) {
    if (!WebAssembly.validate(/** @type {any} */ (one))) throw new Error("split: a module is not valid any more");
  }
  return { start, ...made };
}

/**
 * The longest runs of functions for which `wanted` holds.
 * @param {number[]} functions
 * @param {(index: number) => boolean} wanted
 */
function runs(functions, wanted) {
  /** @type {Array<{ at: number, functions: number[] }>} */
  const found = [];
  let open = false;
  for (const [at, index] of functions.entries()) {
    const is = wanted(index);
    if (is && open) found[found.length - 1].functions.push(index);
    else if (is) found.push({ at, functions: [index] });
    open = is;
  }
  return found;
}

/** What belongs to an instance alone, and is the beginning's. */
const INSTANCE = new Set([SECTION.table, SECTION.memory, SECTION.global, SECTION.export]);

/**
 * @param {Uint8Array} module
 * @param {Parsed} parsed
 * @param {Map<number, Uint8Array>} others sections that the rest has for itself
 * @returns {{ own: Uint8Array, rest: Piece[] }}
 */
function pieces(module, parsed, others) {
  /** @type {Piece[]} */
  const rest = [];
  /** @type {Uint8Array[]} */
  const own = [];
  let position = 0;
  const add = (/** @type {Uint8Array} */ bytes) => {
    rest.push({ of: "own", position, length: bytes.length });
    own.push(bytes);
    position += bytes.length;
  };
  add(assemble([]));
  for (const id of ORDER) {
    const other = others.get(id);
    const found = parsed.sections.find((one) => one.id === id);
    if (other !== undefined) add(other);
    else if (found !== undefined && !INSTANCE.has(id)) {
      rest.push({ of: "whole", position: found.whole.byteOffset - module.byteOffset, length: found.whole.length });
    }
  }
  return { own: Buffer.concat(own), rest };
}
