//! What the two sides of a session say to each other, and the numbers both must agree on.
//!
//! The names are those of the JSON protocol of `wasmsh serve --stdio`; values that JSON does not have (bytes, compiled modules)
//! are themselves here, since messages are structured clones.

/** @import { Chunk, Exit, Signal } from "./wit.js" */

/**
 * Where a component is: its glue by address, its modules compiled, by the names that the glue uses.
 * @typedef {{ script: string, modules: Record<string, WebAssembly.Module> }} Assets
 *
 * @typedef {{ steps: number, wallTimeMs: number, outputBytes: number }} Limits 0: none
 *
 * @typedef {object} InitOptions
 * @property {"linked" | "composed"} composition
 * @property {Record<string, string>} env
 * @property {string} cwd
 * @property {Limits} limits of every run that has none of its own
 * @property {Array<{ path: string, content: Uint8Array, mode?: number }>} files
 *
 * @typedef {object} RunRequest
 * @property {Uint8Array} script
 * @property {string} name
 * @property {string[]} args
 * @property {Record<string, string>} env
 * @property {string | undefined} cwd
 * @property {Limits} limits
 * @property {boolean} fresh
 * @property {Uint8Array | "empty" | "stream"} stdin `stream`: follows as `Stdin`
 * @property {boolean} streaming whether output is wanted as it comes
 *
 * Requests have an `id`, and are answered once by `Reply`, `Exit` or `Failure` with the same.
 * @typedef {{ type: "Init", id: number, assets: Assets, options: InitOptions }
 *   | { type: "Run", id: number, run: RunRequest }
 *   | { type: "WriteFile", id: number, path: string, content: Uint8Array, mode?: number }
 *   | { type: "ReadFile", id: number, path: string }
 *   | { type: "ListDir", id: number, path: string }
 *   | { type: "RemoveFile", id: number, path: string }
 * } Request
 *
 * These are told, and not answered. `Cancel` ends a run as `kill -9` would.
 * @typedef {{ type: "Stdin", run: number, bytes: Uint8Array }
 *   | { type: "StdinEnd", run: number }
 *   | { type: "Signal", run: number, signal: Signal }
 *   | { type: "Cancel", run: number }
 *   | { type: "Taken", bytes: number }
 *   | { type: "Component", name: string, assets?: Assets, error?: string }
 * } Notice
 *
 * @typedef {Request | Notice} ToWorker
 *
 * @typedef {{ type: "Reply", id: number, value: any }
 *   | { type: "Exit", id: number, exit: Exit, chunks: Chunk[] }
 *   | { type: "Failure", id: number, failure: Failure }
 *   | { type: "Output", run: number, chunks: Chunk[], bytes: number }
 *   | { type: "Diagnostic", level: "warning" | "error", message: string }
 *   | { type: "WantStdin", run: number }
 *   | { type: "WantComponent", name: string }
 * } FromWorker
 *
 * An error that crosses from the worker.
 * @typedef {{ kind: "file", operation: string, path: string, error: string }
 *   | { kind: "lost", message: string }
 *   | { kind: "other", message: string }
 * } Failure
 */

/**
 * Bytes of output that are collected before they are sent, where nobody wants them sooner; one message costs some
 * 20 µs, so that this is 3 GB/s.
 */
export const OUTPUT_BATCH = 65536;

/**
 * Bytes of output that may be on their way. A caller that does not come to take them makes the script wait, so that the memory
 * between the two is bounded.
 */
export const OUTPUT_WINDOW = 8 * 1024 * 1024;

/** Where sessions start, and where relative paths of the file methods begin. */
export const WORKSPACE = "/workspace";
