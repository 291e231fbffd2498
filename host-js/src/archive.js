//! Files of a session as a tar archive, out and in, streamed: neither side holds more than a part of a file.

import { iterate, piecesOf } from "./content.js";
import { OptionError } from "./errors.js";
import { PART } from "./files.js";
import { END, headerOf, members, paddingOf } from "./tar.js";

/**
 * @import { Content, StreamContent } from "../types/index.js"
 * @import { FileStat } from "./files.js"
 * @import { Operate } from "./file-system.js"
 */

/**
 * A file in parts.
 * @param {Operate} operate
 * @param {string} path
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* partsOf(operate, path) {
  for (let at = 0; ; ) {
    /** @type {Uint8Array} */
    const part = await operate("part", path, at, PART);
    if (part.length === 0) return;
    at += part.length;
    yield part;
  }
}

/**
 * Writes what comes to a file, in parts.
 * @param {Operate} operate
 * @param {string} path
 * @param {AsyncIterable<Uint8Array>} pieces
 * @param {number} [mode]
 */
export async function writeParts(operate, path, pieces, mode) {
  let first = true;
  for await (const piece of pieces) {
    await operate(first ? "write" : "append", path, piece, mode);
    first = false;
  }
  if (first) await operate("write", path, new Uint8Array(), mode);
}

/**
 * @param {Operate} operate
 * @param {string} path of a directory, or of one file
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* exported(operate, path) {
  /** @type {FileStat} */
  const top = await operate("stat", path, true);
  const single = top.type !== "directory";
  /** @type {Array<{ path: string } & FileStat>} */
  const entries = single ? [{ ...top, path: path.slice(path.lastIndexOf("/") + 1) }] : await operate("walk", path);
  for (const entry of entries) {
    const { type, mode, modified } = entry;
    const full = single ? path : `${path}/${entry.path}`;
    if (type === "directory" || type === "symbolic-link") {
      const target = type === "symbolic-link" ? await operate("readlink", full) : undefined;
      yield headerOf({ path: entry.path, type, mode, size: 0, modified, target });
    } else if (type === "regular") {
      // As long as it is now: it may grow or shrink meanwhile.
      let left = entry.size;
      yield headerOf({ path: entry.path, type, mode, size: left, modified });
      for await (const part of partsOf(operate, full)) {
        const piece = part.subarray(0, left);
        left -= piece.length;
        if (piece.length > 0) yield piece;
        if (left === 0) break;
      }
      for (; left > 0; left -= Math.min(left, PART)) yield new Uint8Array(Math.min(left, PART));
      yield paddingOf(entry.size);
    }
  }
  yield END;
}

/**
 * Puts what an archive holds below a directory. One that is compressed by gzip is recognised.
 * @param {Operate} operate
 * @param {Content | StreamContent} archive
 * @param {string} path
 */
export async function imported(operate, archive, path) {
  await operate("mkdir", path, true, undefined);
  for await (const { member, body } of members(unpacked(piecesOf("archive", archive)))) {
    const parts = member.path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw new OptionError("archive", `${member.path} leads out of the directory`);
    if (parts.length === 0) continue;
    const full = `${path}/${parts.join("/")}`;
    const parent = full.slice(0, full.lastIndexOf("/"));
    await operate("mkdir", parent, true, undefined);
    const real = await operate("realpath", parent);
    const top = await operate("realpath", path);
    if (real !== top && !real.startsWith(top === "/" ? "/" : `${top}/`)) throw new OptionError("archive", `${member.path} leads out of the directory`);
    if (member.type === "directory") {
      await operate("mkdir", full, true, undefined);
      await operate("chmod", full, member.mode);
      continue;
    }
    // What is there gives way: nothing is written through a link.
    const there = await operate("stat", full, false).catch(() => undefined);
    if (there !== undefined && there.type !== "directory") await operate("unlink", full);
    if (member.type === "symbolic-link") {
      await operate("symlink", full, member.target);
      continue;
    }
    await writeParts(operate, full, body(), member.mode);
    await operate("utimes", full, member.modified, member.modified, true);
  }
}

/** @param {AsyncGenerator<Uint8Array>} pieces @returns {AsyncGenerator<Uint8Array>} */
async function* unpacked(pieces) {
  let { done, value: first } = await pieces.next();
  while (done !== true && first.length === 0) ({ done, value: first } = await pieces.next());
  if (done === true) return;
  const whole = (async function* () {
    yield first;
    yield* pieces;
  })();
  if (!(first[0] === 0x1f && first[1] === 0x8b)) {
    yield* whole;
    return;
  }
  const stream = new ReadableStream({
    async pull(controller) {
      const next = await whole.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
  });
  yield* iterate(stream.pipeThrough(/** @type {any} */ (new DecompressionStream("gzip"))));
}
