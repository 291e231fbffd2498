//! `session.fs.promises`: the files of a session in the shape of Node's `fs.promises`.

import { gather, iterate } from "./content.js";
import { FileError, OptionError } from "./errors.js";

/**
 * @import { FilePromises } from "../types/index.js"
 * @import { FileStat } from "./files.js"
 *
 * @typedef {(operation: string, path: string, ...parameters: unknown[]) => Promise<any>} Operate
 */

/** Of `wasmsh:fs/types`, and what Node calls it. @type {Record<string, string>} */
const KIND = { "regular": "File", "directory": "Directory", "symbolic-link": "SymbolicLink", "character-device": "CharacterDevice", "fifo": "FIFO", "socket": "Socket" };
/** The bits of `S_IFMT`. @type {Record<string, number>} */
const FORMAT = { "regular": 0o100000, "directory": 0o40000, "symbolic-link": 0o120000, "character-device": 0o20000, "fifo": 0o10000, "socket": 0o140000 };

class Kinds {
  #type;

  /** @param {string} type */
  constructor(type) {
    this.#type = type;
  }

  isFile() {
    return KIND[this.#type] === "File";
  }
  isDirectory() {
    return KIND[this.#type] === "Directory";
  }
  isSymbolicLink() {
    return KIND[this.#type] === "SymbolicLink";
  }
  isCharacterDevice() {
    return KIND[this.#type] === "CharacterDevice";
  }
  isBlockDevice() {
    return false;
  }
  isFIFO() {
    return KIND[this.#type] === "FIFO";
  }
  isSocket() {
    return KIND[this.#type] === "Socket";
  }
}

/** As `fs.Stats`. */
export class Stats extends Kinds {
  /** @param {FileStat} stat */
  constructor({ type, size, mode, uid, gid, links, inode, device, blocks, accessed, modified, changed }) {
    super(type);
    this.dev = Number(device);
    this.ino = Number(inode);
    this.mode = (FORMAT[type] ?? 0) | mode;
    this.nlink = links;
    this.uid = uid;
    this.gid = gid;
    this.rdev = 0;
    this.size = size;
    this.blksize = 4096;
    this.blocks = blocks;
    this.atimeMs = accessed;
    this.mtimeMs = modified;
    this.ctimeMs = changed;
    this.birthtimeMs = changed;
    this.atime = new Date(accessed);
    this.mtime = new Date(modified);
    this.ctime = new Date(changed);
    this.birthtime = new Date(changed);
  }
}

/** As `fs.Dirent`. */
export class Dirent extends Kinds {
  /** @param {string} name @param {string} parentPath @param {string} type */
  constructor(name, parentPath, type) {
    super(type);
    this.name = name;
    this.parentPath = parentPath;
    this.path = parentPath;
  }
}

/** @param {unknown} path @returns {string} */
function pathOf(path) {
  if (path instanceof URL) return decodeURIComponent(path.pathname);
  if (path instanceof Uint8Array) return new TextDecoder().decode(path);
  if (typeof path !== "string" || path === "" || path.includes("\0")) throw new OptionError("path", "not a path");
  return path;
}

/** @param {unknown} options @returns {string | undefined} */
function encodingOf(options) {
  const encoding = typeof options === "string" ? options : /** @type {any} */ (options)?.encoding;
  if (encoding === undefined || encoding === null || encoding === "buffer") return undefined;
  if (!/^utf-?8$/i.test(encoding)) throw new OptionError("encoding", `${encoding}: utf8 and bytes are what there is`);
  return "utf8";
}

/** @param {unknown} data @returns {Promise<Uint8Array>} */
async function dataOf(data) {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof Blob) return new Uint8Array(await data.arrayBuffer());
  if (data instanceof ReadableStream) return gather(iterate(data));
  if (typeof data === "object" && data !== null && Symbol.asyncIterator in data) return gather(/** @type {any} */ (data));
  throw new OptionError("data", "neither text, nor bytes, nor a Blob, nor a stream");
}

/** @param {number | string | Date} time Node's: seconds, or a date @returns {number} milliseconds */
function timeOf(time) {
  return time instanceof Date ? time.getTime() : Number(time) * 1000;
}

/** @param {number | string | undefined} mode */
function modeOf(mode) {
  return typeof mode === "string" ? parseInt(mode, 8) : mode;
}

/** @param {string} base @param {string} name */
const join = (base, name) => (base.endsWith("/") ? `${base}${name}` : `${base}/${name}`);

/**
 * @param {Operate} operate
 * @returns {FilePromises}
 */
export function filePromises(operate) {
  /** @type {any} */
  const promises = {
    async readFile(/** @type {any} */ path, /** @type {any} */ options) {
      const encoding = encodingOf(options);
      const bytes = await operate("read", pathOf(path));
      return encoding === undefined ? bytes : new TextDecoder().decode(bytes);
    },
    async writeFile(/** @type {any} */ path, /** @type {any} */ data, /** @type {any} */ options) {
      encodingOf(options);
      const flag = options?.flag ?? "w";
      const name = pathOf(path);
      if (flag === "a") return promises.appendFile(path, data, options);
      if (flag === "wx" && (await exists(name))) throw new FileError("open", name, "exist");
      if (flag !== "w" && flag !== "wx") throw new OptionError("flag", `${flag}: w, wx and a are what there is`);
      await operate("write", name, await dataOf(data), modeOf(options?.mode), false);
    },
    async appendFile(/** @type {any} */ path, /** @type {any} */ data, /** @type {any} */ options) {
      await operate("append", pathOf(path), await dataOf(data), modeOf(options?.mode));
    },
    async readdir(/** @type {any} */ path, /** @type {any} */ options) {
      const base = pathOf(path);
      const { withFileTypes = false, recursive = false } = typeof options === "object" && options !== null ? options : {};
      if (recursive) {
        const entries = await operate("walk", base);
        return entries.map((/** @type {any} */ entry) => {
          if (!withFileTypes) return entry.path;
          const cut = entry.path.lastIndexOf("/");
          return new Dirent(entry.path.slice(cut + 1), cut < 0 ? base : join(base, entry.path.slice(0, cut)), entry.type);
        });
      }
      const entries = await operate("list", base);
      return entries.map((/** @type {any} */ { name, type }) => (withFileTypes ? new Dirent(name, base, type) : name));
    },
    stat: async (/** @type {any} */ path) => new Stats(await operate("stat", pathOf(path), true)),
    lstat: async (/** @type {any} */ path) => new Stats(await operate("stat", pathOf(path), false)),
    async access(/** @type {any} */ path, /** @type {number} */ mode = 0) {
      await operate("access", pathOf(path), { read: (mode & 4) !== 0, write: (mode & 2) !== 0, execute: (mode & 1) !== 0 });
    },
    async mkdir(/** @type {any} */ path, /** @type {any} */ options) {
      const { recursive = false, mode } = typeof options === "object" && options !== null ? options : { mode: options };
      const made = await operate("mkdir", pathOf(path), recursive, modeOf(mode));
      return recursive ? made : undefined;
    },
    async mkdtemp(/** @type {string} */ prefix) {
      for (;;) {
        const name = pathOf(prefix) + Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => LETTERS[byte % LETTERS.length]).join("");
        try {
          await operate("mkdir", name, false, 0o700);
          return name;
        } catch (error) {
          if (!(error instanceof FileError) || error.code !== "EEXIST") throw error;
        }
      }
    },
    rm: async (/** @type {any} */ path, /** @type {any} */ { recursive = false, force = false } = {}) => {
      const name = pathOf(path);
      if (!recursive && (await exists(name)) && (await operate("stat", name, false)).type === "directory") {
        throw new FileError("rm", name, "is-directory");
      }
      await operate("remove", name, recursive, force);
    },
    rmdir: async (/** @type {any} */ path) => void (await operate("rmdir", pathOf(path))),
    unlink: async (/** @type {any} */ path) => void (await operate("unlink", pathOf(path))),
    rename: async (/** @type {any} */ from, /** @type {any} */ to) => void (await operate("rename", pathOf(from), pathOf(to))),
    copyFile: async (/** @type {any} */ from, /** @type {any} */ to, /** @type {number} */ mode = 0) =>
      void (await operate("copy", pathOf(from), pathOf(to), (mode & 1) !== 0)),
    link: async (/** @type {any} */ from, /** @type {any} */ to) => void (await operate("link", pathOf(from), pathOf(to))),
    symlink: async (/** @type {any} */ target, /** @type {any} */ path) => void (await operate("symlink", pathOf(path), pathOf(target))),
    readlink: async (/** @type {any} */ path) => operate("readlink", pathOf(path)),
    realpath: async (/** @type {any} */ path) => operate("realpath", pathOf(path)),
    chmod: async (/** @type {any} */ path, /** @type {any} */ mode) => void (await operate("chmod", pathOf(path), modeOf(mode))),
    chown: async (/** @type {any} */ path, /** @type {number} */ uid, /** @type {number} */ gid) => void (await operate("chown", pathOf(path), uid, gid, true)),
    lchown: async (/** @type {any} */ path, /** @type {number} */ uid, /** @type {number} */ gid) => void (await operate("chown", pathOf(path), uid, gid, false)),
    utimes: async (/** @type {any} */ path, /** @type {any} */ accessed, /** @type {any} */ modified) =>
      void (await operate("utimes", pathOf(path), timeOf(accessed), timeOf(modified), true)),
    lutimes: async (/** @type {any} */ path, /** @type {any} */ accessed, /** @type {any} */ modified) =>
      void (await operate("utimes", pathOf(path), timeOf(accessed), timeOf(modified), false)),
    truncate: async (/** @type {any} */ path, /** @type {number} */ length = 0) => void (await operate("truncate", pathOf(path), length)),
    constants: { F_OK: 0, R_OK: 4, W_OK: 2, X_OK: 1, COPYFILE_EXCL: 1 },
  };
  /** @param {string} name */
  async function exists(name) {
    try {
      await operate("stat", name, false);
      return true;
    } catch (error) {
      if (error instanceof FileError && error.code === "ENOENT") return false;
      throw error;
    }
  }
  return promises;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
