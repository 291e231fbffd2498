//! Gives the memories that a module defines a maximum (WebAssembly core specification, 5.5.8).

/** The id of the memory section. */
const MEMORIES = 5;

/**
 * @param {Uint8Array} module
 * @param {number} pages the most of 64 KiB; a lower maximum of the module's own stays
 * @returns {Uint8Array} the module itself if it defines no memory
 */
export function bound(module, pages) {
  let at = 8;
  /** @returns {number} LEB128 */
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[at];
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < module.length) {
    const start = at;
    const id = module[at];
    at += 1;
    const size = number();
    const end = at + size;
    if (id !== MEMORIES) {
      at = end;
      continue;
    }
    const count = number();
    const limits = [];
    for (let index = 0; index < count; index += 1) {
      const flags = number();
      if (flags > 1) throw new Error("bound: a shared or a 64-bit memory");
      const least = number();
      limits.push([least, Math.min(flags === 1 ? number() : Infinity, Math.max(pages, least))]);
    }
    const body = [...leb(count), ...limits.flatMap(([least, most]) => [1, ...leb(least), ...leb(most)])];
    const section = [MEMORIES, ...leb(body.length), ...body];
    const bounded = new Uint8Array(start + section.length + module.length - end);
    bounded.set(module.subarray(0, start));
    bounded.set(section, start);
    bounded.set(module.subarray(end), start + section.length);
    return bounded;
  }
  return module;
}

/** @param {number} value */
function leb(value) {
  const bytes = [];
  do {
    const more = value > 0x7f;
    bytes.push((value & 0x7f) | (more ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}
