//! Takes what a memory begins with out of a module (WebAssembly core specification, 5.5.14), together with the memory, which is imported from then on.
//!
//! An engine reads a module's bytes, copies them, hashes them and takes them apart before anything runs, and holds them for as long as the module
//! lives. Four fifths of Python's are contents of its memory. From a file of their own they go to where they belong in one piece, while the
//! engine compiles the rest. That file is a module as well, which puts them there: for who cannot read a part of a file.

import { Reader, SECTION, assemble, leb, limitsOf, nameOf, section, sections, signedLeb } from "./binary.mjs";

/** What a module without its memory imports it as. */
export const MEMORY = { module: "wasmsh", name: "memory" };

/** With fewer bytes it is not worth a file. */
const LEAST = 1 << 20;

/** What a segment begins with (5.5.14). */
const ACTIVE = 0;
const PASSIVE = 1;
/** What an imported memory begins with (5.5.5). */
const IMPORTED_MEMORY = 2;
/** Instructions (5.4). */
const I32_CONST = 0x41;
const END = 0x0b;

/**
 * @typedef {{ offset: number | undefined, bytes: Uint8Array }} Segment `undefined`: code puts it somewhere, or never
 *
 * @typedef {object} Data
 * @property {Uint8Array} module imports the memory, and fills it
 * @property {number} position where in these bytes the contents begin
 * @property {number} length of the contents
 * @property {number} offset where in the memory they begin
 * @property {number} initial pages of the memory
 * @property {number | undefined} maximum
 */

/**
 * @param {Uint8Array} module
 * @param {number} [least] bytes of contents below which it stays as it is
 * @returns {{ module: Uint8Array, data?: Data }}
 */
export function withoutData(module, least = LEAST) {
  const all = sections(module);
  const bodyOf = (/** @type {number} */ wanted) => all.find(({ id }) => id === wanted)?.body;
  const [memories, contents] = [bodyOf(SECTION.memory), bodyOf(SECTION.data)];
  // What runs by itself would run before it is told; more than one memory is more than there is here.
  if (contents === undefined || memories === undefined || memories[0] !== 1 || bodyOf(SECTION.start) !== undefined) return { module };
  const imports = bodyOf(SECTION.import);
  const segments = segmentsOf(new Reader(contents));
  if (imports === undefined || segments === undefined || importsMemory(module)) return { module };
  const placed = segments.flatMap(({ offset, bytes }) => (offset === undefined || bytes.length === 0 ? [] : [{ offset, bytes }]));
  const offset = Math.min(...placed.map((segment) => segment.offset));
  const length = Math.max(...placed.map((segment) => segment.offset + segment.bytes.length)) - offset;
  if (!(length >= least)) return { module };

  const image = new Uint8Array(length);
  // In their order: a later one may lie over an earlier one.
  for (const segment of placed) image.set(segment.bytes, segment.offset - offset);

  const memory = new Reader(memories.subarray(1)).limits();
  const imported = [...nameOf(MEMORY.module), ...nameOf(MEMORY.name), IMPORTED_MEMORY, ...limitsOf(memory)];
  const reader = new Reader(imports);
  const count = reader.number();
  // Code names segments by their numbers. One that was placed is empty from then on.
  const named = segments.slice(0, segments.findLastIndex((segment) => segment.offset === undefined) + 1);
  const left = named.map((segment) => (segment.offset === undefined ? segment.bytes : new Uint8Array()));
  const changed = assemble(all.flatMap(({ id, whole }) => {
    switch (id) {
      case SECTION.import:
        return section(id, leb(count + 1), imports.subarray(reader.at), imported);
      case SECTION.memory:
        return [];
      case SECTION.dataCount:
        return section(id, leb(left.length));
      case SECTION.data:
        return section(id, leb(left.length), ...left.flatMap((rest) => [[PASSIVE, ...leb(rest.length)], rest]));
      default:
        return whole;
    }
  }));
  const filling = assemble([
    section(SECTION.import, leb(1), imported),
    section(SECTION.data, leb(1), [ACTIVE, I32_CONST, ...signedLeb(offset), END, ...leb(length)], image),
  ]);
  for (const made of [changed, filling]) {
    if (!WebAssembly.validate(/** @type {any} */ (made))) throw new Error("data: a module is not valid any more");
  }
  return { module: changed, data: { module: filling, position: filling.length - length, length, offset, initial: memory.least, maximum: memory.most } };
}

/** @param {Uint8Array} module */
function importsMemory(module) {
  return WebAssembly.Module.imports(new WebAssembly.Module(/** @type {any} */ (module))).some(({ kind }) => kind === "memory");
}

/** @param {Reader} reader at a data section @returns {Segment[] | undefined} `undefined`: something is placed where no constant says, or in another memory */
function segmentsOf(reader) {
  /** @type {Segment[]} */
  const segments = [];
  for (let left = reader.number(); left > 0; left -= 1) {
    const kind = reader.number();
    let offset;
    if (kind === ACTIVE) {
      if (reader.byte() !== I32_CONST) return undefined;
      offset = reader.signed() >>> 0;
      if (reader.byte() !== END) return undefined;
    } else if (kind !== PASSIVE) {
      return undefined;
    }
    segments.push({ offset, bytes: reader.take(reader.number()) });
  }
  return segments;
}
