//! What the two sides of a session say to each other, and the numbers both must agree on.
//!
//! The names are those of the JSON protocol of `wasmsh serve --stdio`; values that JSON does not have (bytes, compiled modules)
//! are themselves here, since messages are structured clones.

/**
 * @import { NetworkAccess } from "../types/index.js"
 * @import { Rule } from "./policy.js"
 * @import { Answer, Chunk, Exit, HttpRequest, Signal } from "./wit.js"
 */

/**
 * What the memory of a module begins with, where that is apart from the module (`scripts/data.mjs`).
 * @typedef {object} Data
 * @property {WebAssembly.Module | string} from what fills the memory, or the address of a file to read it from
 * @property {number} position where in the file it begins
 * @property {number} length in bytes
 * @property {number} offset where in the memory it belongs
 * @property {number} initial pages of the memory
 * @property {number} [maximum]
 *
 * What is known of a component before its modules are compiled: its glue by address, and data by the names of modules.
 * @typedef {{ script: string, data: Record<string, Data> }} Outline
 *
 * The rest of a module: bytes of files, one after the other. `of`: the same for all sessions. `module`: compiled, if it already is.
 * @typedef {{ of: string, pieces: Array<{ from: string, position: number, length: number }>, module?: WebAssembly.Module }} Rest
 *
 * A component: its modules compiled, by the names that the glue uses. Of those that have a rest, it is what sessions begin with.
 * @typedef {Outline & { modules: Record<string, WebAssembly.Module>, rests: Record<string, Rest> }} Assets
 *
 * A file to be there from the start. `host`: it belongs to nobody in the sandbox; `target`: it is a symbolic link.
 * @typedef {{ path: string, content: Uint8Array, mode?: number, host?: boolean, target?: string, directory?: boolean }} PlacedFile
 *
 * @typedef {{ steps: number, wallTimeMs: number, outputBytes: number }} Limits 0: none
 *
 * What the thread must know to make requests by itself, where nothing reaches it while a program waits.
 * @typedef {object} ThreadNetwork
 * @property {Rule[] | undefined} rules `undefined`: no network
 * @property {boolean} hook whether only the caller's own function makes requests
 * @property {boolean} audited whether each is told by `Audit`
 * @property {number} bodyLimit
 * @property {number} timeoutMs
 *
 * @typedef {object} InitOptions
 * @property {"linked" | "composed"} composition
 * @property {Record<string, string>} env
 * @property {string} cwd
 * @property {Limits} limits of every run that has none of its own
 * @property {Uint8Array | undefined} snapshot what the session begins with, before `files` are placed
 * @property {PlacedFile[]} files
 * @property {string[]} commands that the caller answers
 * @property {number} filesystemBytes 0: the filesystem's own limit
 * @property {ThreadNetwork} network
 * @property {bigint | undefined} seed of all randomness; `undefined`: the host's randomness
 * @property {{ start: number, step: number } | undefined} clock milliseconds since 1970, and for each reading; `undefined`: the host's clock
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
 * @property {{ columns: number, rows: number } | undefined} terminal what stdout and stderr are, and stdin if it is `stream`
 *
 * `Snapshot` with `changed` returns nothing if nothing has changed since the last such one, or since the session began with one.
 *
 * Requests have an `id`, and are answered once by `Reply`, `Exit` or `Failure` with the same. `Prepare` may come before `Init`, for another
 * session than the one that will be.
 * @typedef {{ type: "Prepare", id: number, assets: Assets, composition: "linked" | "composed" }
 *   | { type: "Init", id: number, options: InitOptions }
 *   | { type: "Run", id: number, run: RunRequest }
 *   | { type: "File", id: number, operation: string, path: string, parameters: unknown[] }
 *   | { type: "Ask", id: number, what: "cwd" | "usage" }
 *   | { type: "Snapshot", id: number, changed: boolean }
 *   | { type: "Restore", id: number, bytes: Uint8Array }
 *   | { type: "Check", id: number, text: Uint8Array }
 *   | { type: "Complete", id: number, text: Uint8Array, cursor: number }
 * } Request
 *
 * These are told, and not answered. `Cancel` ends a run as `kill -9` would; `Leave` ends the
 * session, where its thread goes on; `Coming` is what can be made ready before a component is there; `Rest` is compiled ahead of its need.
 * @typedef {{ type: "Stdin", run: number, bytes: Uint8Array }
 *   | { type: "StdinEnd", run: number }
 *   | { type: "Signal", run: number, signal: Signal }
 *   | { type: "Cancel", run: number }
 *   | { type: "Leave" }
 *   | { type: "Taken", bytes: number }
 *   | { type: "Coming", outline: Outline }
 *   | { type: "Rest", of: string, module: WebAssembly.Module }
 *   | { type: "Component", name: string, assets?: Assets, error?: string }
 *   | { type: "Answer", run: number, request: number, answer: Answer }
 *   | CommandCall
 * } Notice
 *
 * What a command of the caller's asks of its process, to be told by `CommandReply` with the same `call`; `CommandExit` is its end.
 * @typedef {{ type: "CommandRead", run: number, command: number, call: number, descriptor: number, max: number }
 *   | { type: "CommandWrite", run: number, command: number, call: number, descriptor: number, bytes: Uint8Array }
 *   | { type: "CommandExit", run: number, command: number, status: number, message?: string }
 * } CommandCall
 *
 * @typedef {Request | Notice} ToWorker
 *
 * @typedef {{ type: "Reply", id: number, value: any }
 *   | { type: "Exit", id: number, exit: Exit, chunks: Chunk[] }
 *   | { type: "Failure", id: number, failure: Failure }
 *   | { type: "Output", run: number, chunks: Chunk[], bytes: number }
 *   | { type: "Diagnostic", level: "warning" | "error", message: string }
 *   | { type: "WantStdin", run: number }
 *   | { type: "Left" }
 *   | { type: "WantComponent", name: string }
 *   | { type: "Fetch", run: number, request: number, http: HttpRequest }
 *   | { type: "Audit", access: NetworkAccess }
 *   | { type: "FetchTaken", run: number, request: number }
 *   | { type: "FetchUnwanted", run: number, request: number }
 *   | { type: "Command", run: number, command: number, name: string, args: Uint8Array[], env: Array<[Uint8Array, Uint8Array]>, cwd: string }
 *   | { type: "CommandReply", run: number, command: number, call: number, value: Uint8Array | number } | { type: "CommandReply", run: number, command: number, call: number, error: string }
 *   | { type: "CommandGone", run: number, command: number }
 * } FromWorker
 *
 * An error that crosses from the worker.
 * @typedef {{ kind: "file", operation: string, path: string, error: string }
 *   | { kind: "lost", message: string }
 *   | { kind: "assets", message: string }
 *   | { kind: "snapshot", reason: import("../types/index.js").SnapshotReason, message: string }
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
