//! Gives the memories that a module defines a maximum (WebAssembly core specification, 5.5.8).

import { Reader, SECTION, assemble, leb, limitsOf, section, sections } from "./binary.mjs";

/**
 * @param {Uint8Array} module
 * @param {number} pages the most of 64 KiB; a lower maximum of the module's own stays
 * @returns {Uint8Array} the module itself if it defines no memory
 */
export function bound(module, pages) {
  const all = sections(module);
  if (!all.some(({ id }) => id === SECTION.memory)) return module;
  return assemble(all.map(({ id, body, whole }) => (id === SECTION.memory ? bounded(new Reader(body), pages) : whole)));
}

/** @param {Reader} reader at a memory section @param {number} pages */
function bounded(reader, pages) {
  const count = reader.number();
  const limits = [];
  for (let index = 0; index < count; index += 1) {
    const { least, most = Infinity } = reader.limits();
    limits.push(limitsOf({ least, most: Math.min(most, Math.max(pages, least)) }));
  }
  return section(SECTION.memory, leb(count), ...limits);
}
