//! Takes the custom sections out of a module: names of functions, producers. Nothing that runs reads them, and a browser would download them.

/** The id of custom sections (WebAssembly core specification, 5.5.3). */
const CUSTOM = 0;
/** Magic number and version. */
const HEADER = 8;

/** @param {Uint8Array} module @returns {Uint8Array} */
export function strip(module) {
  const kept = [module.subarray(0, HEADER)];
  for (let at = HEADER; at < module.length; ) {
    let end = at + 1;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = module[end];
      end += 1;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    end += size;
    if (end > module.length) throw new Error("strip: the module ends within a section");
    if (module[at] !== CUSTOM) kept.push(module.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}
