//! Modules of which only what most sessions use is there at first (`scripts/split.mjs`), and the rest of them.

/** @import { Rest } from "./protocol.js" */

/** What the module to begin with exports, and the rest imports. */
export const START = "wasmsh:start";
/** The table of what is called in the rest; its first entry has it loaded. */
export const REST = "wasmsh:rest";
/** A global that is not 0 once it is. */
export const LOADED = "wasmsh:loaded";

/**
 * Exports the function that it imports: only functions of WebAssembly go into tables.
 *
 * ```wat
 * (module (import "" "" (func)) (export "" (func 0)))
 * ```
 */
const DOOR = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, 5, 1, 0, 0, 0, 0, 7, 4, 1, 0, 0, 0);

/** @type {WebAssembly.Module | undefined} */
let door;

/** Those that this thread has, by what they are of. @type {Map<string, WebAssembly.Module>} */
const loaded = new Map();

/** @param {string} of what @param {WebAssembly.Module} module that another thread has compiled */
export function keepRest(of, module) {
  loaded.set(of, module);
}

/** @param {Rest} rest @param {import("./memory.js").Read} read @returns {Uint8Array<ArrayBuffer>} the module */
export function bytesOf({ pieces }, read) {
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const { from, position, length } of pieces) {
    try {
      read(from, position, bytes.subarray(at, at + length));
    } catch (cause) {
      // Scripts see this: the names of the host's files are not for them.
      throw new Error(`${from.slice(from.lastIndexOf("/") + 1)} cannot be read`, { cause });
    }
    at += length;
  }
  return bytes;
}

/**
 * @param {Rest} rest
 * @param {import("./memory.js").Read} read
 * @returns {WebAssembly.Module}
 */
function restOf(rest, read) {
  let module = loaded.get(rest.of) ?? rest.module;
  if (module === undefined) {
    // Whoever calls it is on the stack and cannot wait; a thread of its own may.
    module = new WebAssembly.Module(bytesOf(rest, read));
    loaded.set(rest.of, module);
  }
  return module;
}

/**
 * @param {Record<string, Rest>} rests of modules, by their names
 * @param {import("./memory.js").Read | undefined} read where files can be read
 * @returns {(name: string) => (() => WebAssembly.Module) | undefined}
 */
export function restsBy(rests, read) {
  return (name) => (Object.hasOwn(rests, name) && read !== undefined ? () => restOf(rests[name], read) : undefined);
}

/**
 * Has the rest of an instance loaded when something in it is called for the first time.
 * @param {WebAssembly.Instance} instance of the module to begin with
 * @param {WebAssembly.Imports} imports of the whole module
 * @param {() => WebAssembly.Module} rest
 */
export function withRest({ exports }, imports, rest) {
  const load = () => {
    new WebAssembly.Instance(rest(), { ...imports, [START]: exports });
    /** @type {WebAssembly.Global} */ (exports[LOADED]).value = 1;
  };
  door ??= new WebAssembly.Module(DOOR);
  const { exports: way } = new WebAssembly.Instance(door, { "": { "": load } });
  /** @type {WebAssembly.Table} */ (exports[REST]).set(0, way[""]);
}
