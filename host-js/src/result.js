//! Makes what a caller gets of a run out of what the worker tells.

/**
 * @import { RunResult, SessionEvent, SignalName } from "../types/index.js"
 * @import { Chunk, Exit, Signal } from "./wit.js"
 */

/** The numbers of Linux, which 128 is added to. @type {Record<Signal, number>} */
export const SIGNALS = {
  hup: 1, int: 2, quit: 3, ill: 4, trap: 5, abrt: 6, bus: 7, fpe: 8, kill: 9, usr1: 10, segv: 11, usr2: 12, pipe: 13, alrm: 14, term: 15,
  stkflt: 16, chld: 17, cont: 18, stop: 19, tstp: 20, ttin: 21, ttou: 22, urg: 23, xcpu: 24, xfsz: 25, vtalrm: 26, prof: 27, winch: 28,
  io: 29, pwr: 30, sys: 31,
};
const LIMITS = /** @type {const} */ ({ "steps": "steps", "wall-time-ms": "time", "output-bytes": "output" });

const decoder = new TextDecoder();

/** @param {SignalName} name @returns {Signal | undefined} */
export function signalNamed(name) {
  const signal = /** @type {Signal} */ (String(name).toLowerCase().replace(/^sig/, ""));
  return Object.hasOwn(SIGNALS, signal) ? signal : undefined;
}

/** @param {Exit} exit */
function statusOf(exit) {
  switch (exit.tag) {
    case "code":
      return exit.val;
    case "signalled":
      return 128 + SIGNALS[exit.val];
    case "limited":
      return exit.val.tag === "wall-time-ms" ? 124 : 137;
  }
}

/**
 * @param {Exit} exit
 * @param {Chunk[]} chunks
 * @param {SessionEvent[]} diagnostics
 * @returns {RunResult}
 */
export function resultOf(exit, chunks, diagnostics) {
  const exitCode = statusOf(exit);
  const out = chunks.filter(({ origin }) => origin === "stdout");
  const err = chunks.filter(({ origin }) => origin === "stderr");
  const stdout = decode(out);
  const stderr = decode(err);
  return {
    stdout,
    stderr,
    output: err.length === 0 ? stdout : out.length === 0 ? stderr : decode(chunks),
    exitCode,
    events: [
      ...chunks.map(({ origin, bytes }) => (origin === "stdout" ? { Stdout: bytes } : { Stderr: bytes })),
      ...diagnostics,
      { Exit: exitCode },
    ],
    limit: exit.tag === "limited" ? LIMITS[exit.val.tag] : null,
  };
}

/** @param {Chunk[]} chunks */
function decode(chunks) {
  if (chunks.length === 0) return "";
  if (chunks.length === 1) return decoder.decode(chunks[0].bytes);
  let length = 0;
  for (const { bytes } of chunks) length += bytes.length;
  // In one piece, since a character may be spread over two chunks.
  const all = new Uint8Array(length);
  let at = 0;
  for (const { bytes } of chunks) {
    all.set(bytes, at);
    at += bytes.length;
  }
  return decoder.decode(all);
}
