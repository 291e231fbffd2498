//! Directories of the host inside a session: what is in them when the session begins. Nothing is ever written back.

import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { OptionError } from "./errors.js";

/**
 * @import { Mount } from "../types/index.js"
 * @import { PlacedFile } from "./protocol.js"
 */

/** Files that are read at the same time. */
const AT_ONCE = 32;

/**
 * @param {unknown} mounts
 * @returns {Promise<PlacedFile[]>}
 */
export async function mounted(mounts) {
  if (!Array.isArray(mounts)) throw new OptionError("mounts", "not a list");
  /** @type {PlacedFile[]} */
  const placed = [];
  for (const mount of /** @type {Mount[]} */ (mounts)) {
    const { source, path, mode = "ro", filter } = mount;
    if (typeof path !== "string" || !isAbsolute(path) || path === "/" || path.split("/").includes("..")) throw new OptionError("mounts", `${path} is no absolute path below /`);
    if (mode !== "ro" && mode !== "overlay") throw new OptionError("mounts", `${mode}: ro and overlay are what there is`);
    const from = resolve(source instanceof URL || String(source).startsWith("file:") ? fileURLToPath(source) : String(source));
    const top = await stat(from).catch((error) => {
      throw new OptionError("mounts", `${from}: ${error.message}`);
    });
    if (!top.isDirectory()) throw new OptionError("mounts", `${from} is not a directory`);
    await place(from, path.replace(/\/+$/, ""), mode === "ro", filter, placed);
  }
  return placed;
}

/**
 * @param {string} from
 * @param {string} to
 * @param {boolean} host whether nobody in the sandbox may change it
 * @param {Mount["filter"]} filter
 * @param {PlacedFile[]} placed
 */
async function place(from, to, host, filter, placed) {
  /** @type {string[]} */
  const open = [""];
  /** @type {Array<{ below: string, executable: boolean }>} */
  const files = [];
  for (let below = open.pop(); below !== undefined; below = open.pop()) {
    placed.push({ path: `${to}${below}`, content: new Uint8Array(), mode: host ? 0o555 : 0o755, host, directory: true });
    for (const entry of await readdir(join(from, below), { withFileTypes: true })) {
      const next = `${below}/${entry.name}`;
      if (filter !== undefined && !filter(next.slice(1))) continue;
      if (entry.isDirectory()) {
        open.push(next);
      } else if (entry.isSymbolicLink()) {
        // As it is: inside, it leads to what has that name inside.
        placed.push({ path: `${to}${next}`, content: new Uint8Array(), target: await readlink(join(from, next)) });
      } else if (entry.isFile()) {
        files.push({ below: next, executable: ((await stat(join(from, next))).mode & 0o100) !== 0 });
      }
      // Devices, sockets and pipes are of the host alone.
    }
  }
  for (let at = 0; at < files.length; at += AT_ONCE) {
    placed.push(...(await Promise.all(files.slice(at, at + AT_ONCE).map(async ({ below, executable }) => ({
      path: `${to}${below}`,
      content: new Uint8Array(await readFile(join(from, below))),
      mode: (host ? 0o444 : 0o644) | (executable ? 0o111 : 0),
      host,
    })))));
  }
}
