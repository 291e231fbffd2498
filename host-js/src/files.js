//! The files of a session as its host sees them: every operation of the file methods, on the filesystem component.

import { WORKSPACE } from "./protocol.js";

/**
 * @import { Entry, Files, NewTime, Stat } from "./wit.js"
 *
 * A file's `stat(2)`, as it crosses to the caller.
 * @typedef {object} FileStat
 * @property {import("./wit.js").FileType} type
 * @property {number} size bytes
 * @property {number} mode permission bits
 * @property {number} uid
 * @property {number} gid
 * @property {number} links
 * @property {bigint} inode
 * @property {bigint} device
 * @property {number} blocks of 512 bytes
 * @property {number} accessed milliseconds since 1970
 * @property {number} modified
 * @property {number} changed
 */

/** The user that scripts run as, and that files of the host belong to. */
const USER = 1000;

/** Symbolic links that one path may lead through (POSIX `SYMLOOP_MAX` is 8 at least; Linux has 40). */
const DEEPEST = 4096;

/** Bytes of one part of a file that is read piece by piece. */
export const PART = 1 << 18;

/** An error of the filesystem, on its way to the caller. */
export class FileFailure extends Error {
  /** @param {string} operation @param {string} path @param {string} error of `wasmsh:fs/types` */
  constructor(operation, path, error) {
    super(error);
    this.operation = operation;
    this.path = path;
  }
}

/**
 * The operations, by the names that messages use. Each gets the interface, an absolute path, and its parameters.
 * @type {Record<string, (files: Files, path: string, ...parameters: any[]) => unknown>}
 */
const OPERATIONS = {
  write: writeFile,
  // Of the host's own: to be read in the sandbox, and not changed.
  place(files, path, /** @type {Uint8Array} */ content, /** @type {number} */ mode) {
    files.writeFile(path, content, mode);
    files.setModeAt(path, mode, true);
  },
  "place-directory"(files, path, /** @type {number} */ mode, /** @type {boolean} */ host) {
    if (!isDirectory(files, path)) {
      makeParents(files, path);
      files.makeDirectory(path, mode);
    }
    files.setModeAt(path, mode, true);
    if (host) files.setOwnerAt(path, 0, 0, true);
    else files.setOwnerAt(path, USER, USER, true);
  },
  "place-link": (files, path, /** @type {string} */ target) => files.symlink(target, path),
  append(files, path, /** @type {Uint8Array} */ bytes, /** @type {number | undefined} */ mode) {
    const fresh = !exists(files, path);
    if (fresh) makeParents(files, path);
    files.appendFile(path, bytes, mode ?? 0o644);
    if (fresh) files.setOwnerAt(path, USER, USER, true);
  },
  read: (files, path) => files.readFile(path),
  part(files, path, /** @type {number} */ offset, /** @type {number} */ length) {
    const file = files.open(path, { read: true }, 0);
    try {
      return file.readAt(BigInt(offset), Math.min(length, PART));
    } finally {
      /** @type {any} */ (file)[Symbol.dispose ?? Symbol.for("dispose")]();
    }
  },
  list: (files, path) => files.readDirectory(path).map(({ name, stat }) => ({ name, ...statOf(stat) })),
  walk,
  stat: (files, path, /** @type {boolean} */ follow) => statOf(files.statAt(path, follow)),
  access: (files, path, /** @type {object} */ mode) => files.access(path, mode),
  mkdir(files, path, /** @type {boolean} */ recursive, /** @type {number | undefined} */ mode) {
    if (recursive && isDirectory(files, path)) return undefined;
    const made = recursive ? makeParents(files, path) : undefined;
    files.makeDirectory(path, mode ?? 0o755);
    files.setOwnerAt(path, USER, USER, true);
    return made ?? path;
  },
  remove,
  unlink: (files, path) => files.removeFile(path),
  rmdir: (files, path) => files.removeDirectory(path),
  rename: (files, path, /** @type {string} */ to) => files.rename(path, absolute(to)),
  copy(files, path, /** @type {string} */ to, /** @type {boolean} */ exclusive) {
    const target = absolute(to);
    if (exclusive && exists(files, target)) throw Object.assign(new Error(), { payload: "exist" });
    const fresh = !exists(files, target);
    files.copyFile(path, target, files.statAt(path, true).mode);
    if (fresh) files.setOwnerAt(target, USER, USER, true);
  },
  link: (files, path, /** @type {string} */ to) => files.link(path, absolute(to), false),
  symlink(files, path, /** @type {string} */ target) {
    files.symlink(target, path);
    files.setOwnerAt(path, USER, USER, false);
  },
  readlink: (files, path) => files.readLink(path),
  realpath: (files, path) => files.canonicalize(path),
  chmod: (files, path, /** @type {number} */ mode) => files.setModeAt(path, mode, true),
  chown: (files, path, /** @type {number} */ uid, /** @type {number} */ gid, /** @type {boolean} */ follow) =>
    files.setOwnerAt(path, uid, gid, follow),
  utimes: (files, path, /** @type {number} */ accessed, /** @type {number} */ modified, /** @type {boolean} */ follow) =>
    files.setTimesAt(path, timeOf(accessed), timeOf(modified), follow),
  truncate: (files, path, /** @type {number} */ length) => files.setSizeAt(path, BigInt(length)),
  glob: (files, path, /** @type {string} */ pattern) => glob(files, path, pattern),
};

/**
 * Does one operation with the rights of the host, which may do everything.
 * @param {Files} files
 * @param {string} operation
 * @param {string} path
 * @param {unknown[]} parameters
 */
export function operate(files, operation, path, parameters) {
  const work = /** @type {Function} */ (OPERATIONS[operation]);
  const [uid, gid] = files.getUser();
  files.setUser(0, 0);
  try {
    return work(files, absolute(path), ...parameters);
  } catch (error) {
    const payload = /** @type {any} */ (error)?.payload;
    if (typeof payload === "string") throw new FileFailure(operation, path, payload);
    throw error;
  } finally {
    files.setUser(uid, gid);
  }
}

/** @param {string} path */
function absolute(path) {
  return path.startsWith("/") ? path : `${WORKSPACE}/${path}`;
}

/**
 * Missing directories are made; what is made belongs to the user of the scripts.
 * @param {Files} files
 * @param {string} path
 * @param {Uint8Array} content
 * @param {number} [mode]
 * @param {boolean} [parents]
 */
function writeFile(files, path, content, mode, parents = true) {
  if (exists(files, path)) {
    files.writeFile(path, content, 0o644);
    if (mode !== undefined) files.setModeAt(path, mode, true);
    return;
  }
  if (parents) makeParents(files, path);
  files.writeFile(path, content, mode ?? 0o644);
  files.setOwnerAt(path, USER, USER, true);
}

/** @param {Files} files @param {string} path */
function exists(files, path) {
  try {
    files.statAt(path, true);
    return true;
  } catch (error) {
    if (/** @type {any} */ (error)?.payload === "no-entry") return false;
    throw error;
  }
}

/** @param {Files} files @param {string} path */
function isDirectory(files, path) {
  return exists(files, path) && files.statAt(path, true).kind === "directory";
}

/** @param {Files} files @param {string} path @returns {string | undefined} the first that was made */
function makeParents(files, path) {
  let first;
  for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1)) {
    const parent = path.slice(0, end);
    if (path[end - 1] === "/" || exists(files, parent)) continue;
    files.makeDirectory(parent, 0o755);
    files.setOwnerAt(parent, USER, USER, true);
    first ??= parent;
  }
  return first;
}

/**
 * Everything below a directory, in the order of names, a directory before what is in it.
 * @param {Files} files
 * @param {string} path
 */
function walk(files, path) {
  /** @type {Array<{ path: string } & FileStat>} */
  const found = [];
  /** @type {Array<{ path: string, entries: Entry[] }>} */
  const open = [{ path: "", entries: files.readDirectory(path).reverse() }];
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const entry = top.entries.pop();
    if (entry === undefined) {
      open.pop();
      continue;
    }
    const below = top.path === "" ? entry.name : `${top.path}/${entry.name}`;
    found.push({ path: below, ...statOf(entry.stat) });
    if (entry.stat.kind === "directory" && open.length < DEEPEST) {
      open.push({ path: below, entries: files.readDirectory(`${path}/${below}`).reverse() });
    }
  }
  return found;
}

/** @param {Files} files @param {string} path @param {boolean} recursive @param {boolean} force */
function remove(files, path, recursive, force) {
  let kind;
  try {
    kind = files.statAt(path, false).kind;
  } catch (error) {
    if (force && /** @type {any} */ (error)?.payload === "no-entry") return;
    throw error;
  }
  if (kind !== "directory") {
    files.removeFile(path);
    return;
  }
  if (recursive) {
    for (const entry of walk(files, path).reverse()) {
      if (entry.type === "directory") files.removeDirectory(`${path}/${entry.path}`);
      else files.removeFile(`${path}/${entry.path}`);
    }
  }
  files.removeDirectory(path);
}

/**
 * Paths that a pattern stands for, in the order of names: `*`, `?` and `[…]` in a name, `**` for any number of directories. What begins with a
 * dot is found only by a pattern that does.
 * @param {Files} files
 * @param {string} base where a relative pattern begins
 * @param {string} pattern
 */
function glob(files, base, pattern) {
  const rooted = pattern.startsWith("/");
  const parts = pattern.split("/").filter((part) => part !== "");
  /** @type {Set<string>} */
  const found = new Set();
  /** @type {Array<{ path: string, shown: string, at: number }>} */
  const open = [{ path: rooted ? "" : base.replace(/\/+$/, ""), shown: rooted ? "/" : "", at: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, shown, at } = next;
    if (at === parts.length) {
      if (shown !== "") found.add(shown.length > 1 ? shown.replace(/\/$/, "") : shown);
      continue;
    }
    const part = parts[at];
    if (part === "**") open.push({ path, shown, at: at + 1 });
    if (!/[*?[]/.test(part)) {
      if (exists(files, `${path}/${part}`)) open.push({ path: `${path}/${part}`, shown: `${shown}${part}/`, at: at + 1 });
      continue;
    }
    if (!isDirectory(files, path === "" ? "/" : path)) continue;
    const matcher = part === "**" ? undefined : matcherOf(part);
    for (const { name, stat } of files.readDirectory(path === "" ? "/" : path)) {
      if (name.startsWith(".") && !part.startsWith(".")) continue;
      if (matcher === undefined ? stat.kind === "directory" : matcher.test(name)) {
        open.push({ path: `${path}/${name}`, shown: `${shown}${name}/`, at: matcher === undefined ? at : at + 1 });
      }
    }
  }
  return [...found].sort();
}

/** @param {string} pattern of one name */
function matcherOf(pattern) {
  const source = pattern.replace(/\[([!^]?)((?:\]|[^\]])[^\]]*)\]|[*?]|[\\^$.|+(){}\[\]]/g, (match, not, set) => {
    if (match === "*") return ".*";
    if (match === "?") return ".";
    if (set === undefined) return `\\${match}`;
    return `[${not === "" ? "" : "^"}${set.replace(/[\\\]^[]/g, "\\$&")}]`;
  });
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    // A range that ends before it begins has nothing in it.
    return /$^/;
  }
}

/** @param {Stat} stat @returns {FileStat} */
function statOf(stat) {
  return {
    type: stat.kind,
    size: Number(stat.size),
    mode: stat.mode,
    uid: stat.uid,
    gid: stat.gid,
    links: stat.links,
    inode: stat.inode,
    device: stat.device,
    blocks: Number(stat.blocks),
    accessed: milliseconds(stat.accessed),
    modified: milliseconds(stat.modified),
    changed: milliseconds(stat.changed),
  };
}

/** @param {import("./wit.js").Timestamp} time */
function milliseconds({ seconds, nanoseconds }) {
  return Number(seconds) * 1000 + nanoseconds / 1e6;
}

/** @param {number} time milliseconds since 1970 @returns {NewTime} */
function timeOf(time) {
  const seconds = Math.floor(time / 1000);
  return { tag: "at", val: { seconds: BigInt(seconds), nanoseconds: Math.round((time - seconds * 1000) * 1e6) } };
}
