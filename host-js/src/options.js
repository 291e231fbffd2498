//! Checks what a caller passes, and puts the defaults in its place.

import { bytesOf, iterate } from "./content.js";
import { OptionError } from "./errors.js";
import { sendByFetch } from "./network.js";
import { Policy } from "./policy.js";
import { WORKSPACE } from "./protocol.js";

/**
 * @import { CommandFunction, Content, InitialFile, RunOptions, SessionOptions, OutputListener } from "../types/index.js"
 * @import { NetworkOptions, Send } from "./network.js"
 * @import { InitOptions, Limits, RunRequest, ThreadNetwork } from "./protocol.js"
 *
 * What an environment offers beside what is the same in all.
 * @typedef {object} Offer
 * @property {Send} send HTTP to where the policy allows it
 * @property {boolean} follows whether `send` follows redirects by itself
 * @property {readonly string[]} options names of options that only this environment has
 *
 * @typedef {{ onStdout: OutputListener | undefined, onStderr: OutputListener | undefined }} Listeners
 * @typedef {{ init: InitOptions, limits: Limits, listeners: Listeners, signal: AbortSignal | undefined, network: NetworkOptions, commands: ReadonlyMap<string, CommandFunction> }} CheckedSession
 * @typedef {Iterator<Content> | AsyncIterator<Content>} StdinSource
 * @typedef {{ request: RunRequest, stdin: StdinSource | undefined, listeners: Listeners, signal: AbortSignal | undefined }} CheckedRun
 */

/** What every run exports, unless the caller says otherwise; the same on every host. */
const ENVIRONMENT = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/home/user",
  USER: "user",
  LOGNAME: "user",
  SHELL: "/bin/bash",
  LANG: "C.UTF-8",
  TERM: "dumb",
  TZ: "UTC",
};

const SESSION_OPTIONS = [
  "stepBudget", "timeoutMs", "outputLimit", "filesystemLimit", "initialFiles", "allowedHosts", "fetch", "fetchLimit", "fetchTimeoutMs", "onFetch",
  "commands", "env", "cwd", "seed", "clock", "snapshot", "signal", "onStdout", "onStderr",
];
const RUN_OPTIONS = new Set([
  "stdin", "env", "cwd", "name", "args", "fresh", "stepBudget", "timeoutMs", "outputLimit", "terminal", "signal", "onStdout", "onStderr",
]);

/** Bytes that the body of a response may have, unless the caller says another number; the same on every host. */
const FETCH_BYTES = 2 ** 30;
/** Milliseconds that an exchange may take, redirects included, unless the caller says another number. */
const FETCH_TIME = 300_000;

const encoder = new TextEncoder();

/** @param {string} option @param {unknown} path @returns {string} */
export function checkPath(option, path) {
  if (typeof path !== "string" || path === "") throw new OptionError(option, "not a path");
  if (path.includes("\0")) throw new OptionError(option, "a path cannot contain NUL");
  return path;
}

/** @param {string} option @param {unknown} mode @returns {number | undefined} */
export function checkMode(option, mode) {
  if (mode === undefined) return undefined;
  if (!Number.isInteger(mode) || Number(mode) < 0 || Number(mode) > 0o7777) throw new OptionError(option, "not within 0 and 0o7777");
  return Number(mode);
}

/** @param {object} options @param {Set<string>} known */
function checkNames(options, known) {
  if (typeof options !== "object" || options === null) throw new OptionError("options", "not an object");
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new OptionError(name, `no such option; there are ${[...known].join(", ")}`);
  }
}

/** @param {string} option @param {unknown} value @param {number} otherwise */
function checkLimit(option, value, otherwise) {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new OptionError(option, "not a whole number ≥ 0");
  return Number(value);
}

/** @param {unknown} env @returns {Record<string, string>} */
function checkEnvironment(env) {
  if (env === undefined) return {};
  if (typeof env !== "object" || env === null) throw new OptionError("env", "not an object");
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== "string") throw new OptionError("env", `the value of ${name} is not a string`);
    if (name === "" || name.includes("=") || name.includes("\0") || value.includes("\0")) {
      throw new OptionError("env", `${JSON.stringify(name)}: a name without '=', and no NUL anywhere, is what an environment can hold`);
    }
  }
  return /** @type {Record<string, string>} */ ({ ...env });
}

/** @param {string} option @param {unknown} listener @returns {OutputListener | undefined} */
function checkListener(option, listener) {
  if (listener !== undefined && typeof listener !== "function") throw new OptionError(option, "not a function");
  return /** @type {OutputListener | undefined} */ (listener);
}

/** @param {unknown} signal @returns {AbortSignal | undefined} */
function checkSignal(signal) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw new OptionError("signal", "not an AbortSignal");
  return signal;
}

/** @param {unknown} commands @returns {Map<string, CommandFunction>} */
function checkCommands(commands) {
  if (commands === undefined) return new Map();
  if (typeof commands !== "object" || commands === null) throw new OptionError("commands", "not an object");
  return new Map(Object.entries(commands).map(([name, command]) => {
    if (!/^[^/\0\s]+$/.test(name) || name === "." || name === "..") throw new OptionError("commands", `${JSON.stringify(name)} is no name of a command`);
    if (typeof command !== "function") throw new OptionError("commands", `${name} is not a function`);
    return [name, command];
  }));
}

/** @param {SessionOptions} options @param {Offer} offer @returns {NetworkOptions} */
function checkNetwork(options, { send, follows }) {
  const { allowedHosts, fetch, onFetch } = options;
  if (allowedHosts !== undefined && !Array.isArray(allowedHosts)) throw new OptionError("allowedHosts", "not a list");
  if (fetch !== undefined && typeof fetch !== "function") throw new OptionError("fetch", "not a function");
  if (onFetch !== undefined && typeof onFetch !== "function") throw new OptionError("onFetch", "not a function");
  const policy = allowedHosts === undefined && fetch !== undefined ? undefined : new Policy(allowedHosts ?? [], onFetch);
  const none = fetch === undefined && (allowedHosts ?? []).length === 0;
  return {
    policy,
    send: none ? undefined : fetch === undefined ? send : sendByFetch(fetch, "manual"),
    follows: fetch === undefined && follows,
    bodyLimit: checkLimit("fetchLimit", options.fetchLimit, FETCH_BYTES),
    timeoutMs: checkLimit("fetchTimeoutMs", options.fetchTimeoutMs, FETCH_TIME),
  };
}

/** @param {SessionOptions} options @param {NetworkOptions} checked @returns {ThreadNetwork} */
function threadNetwork({ fetch, onFetch }, { policy, send, bodyLimit, timeoutMs }) {
  return { rules: send === undefined ? undefined : (policy?.rules ?? []), hook: fetch !== undefined, audited: onFetch !== undefined, bodyLimit, timeoutMs };
}

/** @param {unknown} seed @returns {bigint | undefined} */
function checkSeed(seed) {
  if (seed === undefined) return undefined;
  if (typeof seed !== "bigint" && !Number.isSafeInteger(seed)) throw new OptionError("seed", "not a whole number");
  return BigInt.asUintN(64, BigInt(/** @type {number | bigint} */ (seed)));
}

/** @param {SessionOptions["clock"]} clock */
function checkClock(clock) {
  if (clock === undefined) return undefined;
  const { start, stepMs = 0 } = typeof clock === "number" || clock instanceof Date ? { start: clock } : clock;
  const begin = Number(start);
  if (!Number.isFinite(begin)) throw new OptionError("clock", "not a time");
  if (!Number.isFinite(stepMs) || stepMs < 0) throw new OptionError("clock", "a step is a number of milliseconds ≥ 0");
  return { start: begin, step: stepMs };
}

/** @param {SessionOptions["snapshot"]} snapshot */
function checkSnapshot(snapshot) {
  if (snapshot === undefined || snapshot instanceof Uint8Array) return snapshot;
  if (snapshot instanceof ArrayBuffer) return new Uint8Array(snapshot);
  throw new OptionError("snapshot", "neither a Uint8Array nor an ArrayBuffer");
}

/** @param {unknown} size */
function checkTerminal(size) {
  if (size === undefined) return undefined;
  const { columns, rows } = /** @type {any} */ (size ?? {});
  for (const number of [columns, rows]) {
    if (!Number.isInteger(number) || number < 1 || number > 65535) throw new OptionError("terminal", "not { columns, rows } of at least 1");
  }
  return { columns, rows };
}

/**
 * @param {SessionOptions} options
 * @param {Offer} offer of the environment
 * @returns {CheckedSession}
 */
export function checkSession(options, offer) {
  checkNames(options, new Set([...SESSION_OPTIONS, ...offer.options]));
  if (options.initialFiles !== undefined && !Array.isArray(options.initialFiles)) throw new OptionError("initialFiles", "not a list");
  const limits = {
    steps: checkLimit("stepBudget", options.stepBudget, 0),
    wallTimeMs: checkLimit("timeoutMs", options.timeoutMs, 0),
    outputBytes: checkLimit("outputLimit", options.outputLimit, 0),
  };
  const commands = checkCommands(options.commands);
  const network = checkNetwork(options, offer);
  return {
    init: {
      composition: "linked",
      env: { ...ENVIRONMENT, ...checkEnvironment(options.env) },
      cwd: options.cwd === undefined ? WORKSPACE : checkPath("cwd", options.cwd),
      limits,
      snapshot: checkSnapshot(options.snapshot),
      files: (options.initialFiles ?? []).map((/** @type {InitialFile} */ { path, content, mode }) => ({
        path: checkPath("initialFiles", path),
        content: bytesOf("initialFiles", content),
        mode: checkMode("initialFiles", mode),
      })),
      commands: [...commands.keys()],
      filesystemBytes: checkLimit("filesystemLimit", options.filesystemLimit, 0),
      network: threadNetwork(options, network),
      seed: checkSeed(options.seed),
      clock: checkClock(options.clock),
    },
    limits,
    listeners: { onStdout: checkListener("onStdout", options.onStdout), onStderr: checkListener("onStderr", options.onStderr) },
    signal: checkSignal(options.signal),
    network,
    commands,
  };
}

/**
 * @param {unknown} command
 * @param {RunOptions} options
 * @param {Limits} limits of the session
 * @param {Listeners} listeners of the session
 * @returns {CheckedRun}
 */
export function checkRun(command, options, limits, listeners) {
  if (typeof command !== "string") throw new OptionError("command", "not a string");
  checkNames(options, RUN_OPTIONS);
  const { bytes, source } = checkStdin(options.stdin);
  const own = {
    onStdout: checkListener("onStdout", options.onStdout) ?? listeners.onStdout,
    onStderr: checkListener("onStderr", options.onStderr) ?? listeners.onStderr,
  };
  return {
    request: {
      script: encoder.encode(command),
      name: options.name ?? "bash",
      args: [...(options.args ?? [])],
      env: checkEnvironment(options.env),
      cwd: options.cwd === undefined ? undefined : checkPath("cwd", options.cwd),
      limits: {
        steps: checkLimit("stepBudget", options.stepBudget, limits.steps),
        wallTimeMs: checkLimit("timeoutMs", options.timeoutMs, limits.wallTimeMs),
        outputBytes: checkLimit("outputLimit", options.outputLimit, limits.outputBytes),
      },
      fresh: options.fresh ?? false,
      stdin: bytes ?? (source === undefined ? "empty" : "stream"),
      streaming: own.onStdout !== undefined || own.onStderr !== undefined,
      terminal: checkTerminal(options.terminal),
    },
    stdin: source,
    listeners: own,
    signal: checkSignal(options.signal),
  };
}

/**
 * @param {RunOptions["stdin"]} stdin
 * @returns {{ bytes?: Uint8Array, source?: StdinSource }}
 */
function checkStdin(stdin) {
  if (stdin === undefined) return {};
  if (typeof stdin === "string" || stdin instanceof Uint8Array) return { bytes: bytesOf("stdin", stdin) };
  if (stdin instanceof ArrayBuffer) return { bytes: new Uint8Array(stdin) };
  if (stdin instanceof Blob) return { source: iterate(stdin.stream()) };
  if (stdin instanceof ReadableStream) return { source: iterate(stdin) };
  if (typeof stdin === "object" && stdin !== null) {
    if (Symbol.asyncIterator in stdin) return { source: stdin[Symbol.asyncIterator]() };
    if (Symbol.iterator in stdin) return { source: stdin[Symbol.iterator]() };
  }
  throw new OptionError("stdin", "neither a string, nor a Uint8Array, nor an iterable of these");
}
