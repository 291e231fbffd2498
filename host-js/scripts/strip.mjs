//! Takes the custom sections out of a module: names of functions, producers. Nothing that runs reads them, and a browser would download them.

import { SECTION, assemble, sections } from "./binary.mjs";

/** @param {Uint8Array} module @returns {Uint8Array} */
export function strip(module) {
  return assemble(sections(module).filter(({ id }) => id !== SECTION.custom).map(({ whole }) => whole));
}
