//! Reads and writes tar archives (POSIX ustar with pax headers, XCU pax), as streams, of what a session's files are.

/**
 * @typedef {object} Member
 * @property {string} path
 * @property {"regular" | "directory" | "symbolic-link"} type
 * @property {number} mode
 * @property {number} size bytes
 * @property {number} modified milliseconds since 1970
 * @property {string} [target] of a symbolic link
 */

const BLOCK = 512;
/** What `size` can hold: eleven octal digits. */
const MOST_SIZE = 0o77777777777;
/** A pax header is not larger in any archive that means well. */
const MOST_HEADER = 1 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {Uint8Array} block @param {number} at @param {number} length @param {number} value */
function octal(block, at, length, value) {
  block.set(encoder.encode(Math.max(0, Math.trunc(value)).toString(8).padStart(length - 1, "0")), at);
}

/** @param {Member} member @param {string} flag @returns {Uint8Array} */
function block({ path, mode, size, modified, target = "" }, flag) {
  const bytes = new Uint8Array(BLOCK);
  bytes.set(encoder.encode(path).subarray(0, 100), 0);
  octal(bytes, 100, 8, mode & 0o7777);
  octal(bytes, 108, 8, 1000);
  octal(bytes, 116, 8, 1000);
  octal(bytes, 124, 12, size > MOST_SIZE ? 0 : size);
  octal(bytes, 136, 12, modified / 1000);
  bytes.fill(32, 148, 156);
  bytes.set(encoder.encode(flag), 156);
  bytes.set(encoder.encode(target).subarray(0, 100), 157);
  bytes.set(encoder.encode("ustar\x0000"), 257);
  bytes.set(encoder.encode("user"), 265);
  bytes.set(encoder.encode("user"), 297);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return bytes;
}

/** The header of a member, with a pax header before it where ustar has no room. @param {Member} member */
export function headerOf(member) {
  const path = member.type === "directory" ? `${member.path}/` : member.path;
  const flag = member.type === "directory" ? "5" : member.type === "symbolic-link" ? "2" : "0";
  /** @type {Array<[string, string]>} */
  const records = [];
  if (encoder.encode(path).length > 100) records.push(["path", path]);
  if (member.target !== undefined && encoder.encode(member.target).length > 100) records.push(["linkpath", member.target]);
  if (member.size > MOST_SIZE) records.push(["size", String(member.size)]);
  if (member.modified % 1000 !== 0) records.push(["mtime", String(member.modified / 1000)]);
  const own = block({ ...member, path }, flag);
  if (records.length === 0) return own;
  const body = encoder.encode(records.map(([key, value]) => record(key, value)).join(""));
  const before = block({ path: `PaxHeaders/${path}`.slice(0, 99), type: "regular", mode: 0o644, size: body.length, modified: member.modified }, "x");
  const all = new Uint8Array(BLOCK + Math.ceil(body.length / BLOCK) * BLOCK + BLOCK);
  all.set(before, 0);
  all.set(body, BLOCK);
  all.set(own, all.length - BLOCK);
  return all;
}

/** The length of a record counts its own digits. @param {string} key @param {string} value */
function record(key, value) {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  if (String(length).length + rest > length) length += 1;
  return `${length} ${key}=${value}\n`;
}

/** What fills the last block of a file. @param {number} size */
export function paddingOf(size) {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** The end of an archive. */
export const END = new Uint8Array(2 * BLOCK);

/** Reads bytes in the portions that are asked for. */
class Source {
  /** @type {Uint8Array} */
  #left = new Uint8Array();

  /** @param {AsyncIterator<Uint8Array>} iterator */
  constructor(iterator) {
    this.iterator = iterator;
  }

  /** @param {number} most @returns {Promise<Uint8Array>} at least one byte, unless all was read */
  async some(most) {
    while (this.#left.length === 0) {
      const { done, value } = await this.iterator.next();
      if (done === true) return this.#left;
      this.#left = value;
    }
    const part = this.#left.subarray(0, most);
    this.#left = this.#left.subarray(part.length);
    return part;
  }

  /** @param {number} length @returns {Promise<Uint8Array>} fewer only at the end */
  async exactly(length) {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const part = await this.some(length - at);
      if (part.length === 0) return bytes.subarray(0, at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/**
 * The members of an archive, in their order. `body` of each is to be read, or left, before the next member is asked for.
 * @param {AsyncIterable<Uint8Array>} archive
 * @returns {AsyncGenerator<{ member: Member, body: () => AsyncGenerator<Uint8Array> }>}
 */
export async function* members(archive) {
  const source = new Source(archive[Symbol.asyncIterator]());
  /** @type {Map<string, string>} */
  let extended = new Map();
  for (;;) {
    const head = await source.exactly(BLOCK);
    if (head.length === 0 || head.every((byte) => byte === 0)) return;
    if (head.length < BLOCK) throw new TypeError("the archive ends within a header");
    const sum = head.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    if (numberAt(head, 148, 8) !== sum) throw new TypeError("no tar archive, or a damaged one");
    const flag = String.fromCharCode(head[156]);
    const size = extended.has("size") ? Number(extended.get("size")) : numberAt(head, 124, 12);
    if (!Number.isSafeInteger(size) || size < 0) throw new TypeError("no tar archive, or a damaged one");
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if ("xgLK".includes(flag)) {
      if (size > MOST_HEADER) throw new TypeError("a header of the archive is too large");
      const body = (await source.exactly(size + padding)).subarray(0, size);
      if (flag === "x") extended = new Map([...extended, ...records(body)]);
      else if (flag === "L") extended.set("path", decoder.decode(body).replace(/\0.*$/s, ""));
      else if (flag === "K") extended.set("linkpath", decoder.decode(body).replace(/\0.*$/s, ""));
      continue;
    }
    const prefix = textAt(head, 345, 155);
    const ustar = textAt(head, 257, 6).startsWith("ustar") && head[262] === 0;
    const path = extended.get("path") ?? (ustar && prefix !== "" ? `${prefix}/${textAt(head, 0, 100)}` : textAt(head, 0, 100));
    const type = flag === "5" || (path.endsWith("/") && flag !== "2") ? "directory" : flag === "2" ? "symbolic-link" : "regular";
    const known = flag === "0" || flag === "\0" || flag === "7" || flag === "5" || flag === "2";
    let left = size;
    const body = async function* () {
      while (left > 0) {
        const part = await source.some(Math.min(left, 1 << 16));
        if (part.length === 0) throw new TypeError("the archive ends within a file");
        left -= part.length;
        yield part;
      }
    };
    if (known) {
      const member = /** @type {Member} */ ({
        path: path.replace(/\/+$/, ""),
        type,
        mode: numberAt(head, 100, 8) & 0o7777,
        size,
        modified: Number(extended.get("mtime") ?? numberAt(head, 136, 12)) * 1000,
        target: type === "symbolic-link" ? (extended.get("linkpath") ?? textAt(head, 157, 100)) : undefined,
      });
      yield { member, body };
    }
    for await (const _ of body());
    await source.exactly(padding);
    extended = new Map();
  }
}

/** @param {Uint8Array} head @param {number} at @param {number} length */
function textAt(head, at, length) {
  const field = head.subarray(at, at + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

/** Octal, or the binary form of GNU. @param {Uint8Array} head @param {number} at @param {number} length */
function numberAt(head, at, length) {
  if (head[at] & 0x80) return head.subarray(at + 1, at + length).reduce((number, byte) => number * 256 + byte, head[at] & 0x7f);
  const digits = textAt(head, at, length).trim();
  return digits === "" ? 0 : /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}

/** @param {Uint8Array} body @returns {Array<[string, string]>} */
function records(body) {
  /** @type {Array<[string, string]>} */
  const found = [];
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(32, at);
    const length = space < 0 ? 0 : Number(decoder.decode(body.subarray(at, space)));
    if (!Number.isInteger(length) || length <= space - at + 1 || at + length > body.length) throw new TypeError("a pax header of the archive is damaged");
    const [, key, value] = /^([^=]*)=([^]*)\n$/.exec(decoder.decode(body.subarray(space + 1, at + length))) ?? [];
    if (key !== undefined) found.push([key, value]);
    at += length;
  }
  return found;
}
