//! Checks what a caller passes, and puts the defaults in its place.

import { OptionError } from "./errors.js";
import { WORKSPACE } from "./protocol.js";

/**
 * @import { Content, InitialFile, RunOptions, SessionOptions, OutputListener } from "../types/index.js"
 * @import { InitOptions, Limits, RunRequest } from "./protocol.js"
 *
 * @typedef {{ onStdout: OutputListener | undefined, onStderr: OutputListener | undefined }} Listeners
 * @typedef {{ init: InitOptions, limits: Limits, listeners: Listeners, signal: AbortSignal | undefined, assetDir: string | undefined }} CheckedSession
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

const SESSION_OPTIONS = new Set([
  "assetDir", "nodeExecutable", "stepBudget", "timeoutMs", "outputLimit", "initialFiles", "allowedHosts", "env", "cwd", "signal",
  "onStdout", "onStderr",
]);
const RUN_OPTIONS = new Set([
  "stdin", "env", "cwd", "name", "args", "fresh", "stepBudget", "timeoutMs", "outputLimit", "signal", "onStdout", "onStderr",
]);

const encoder = new TextEncoder();

/** @param {string} option @param {unknown} value @returns {asserts value is Content} */
function checkContent(option, value) {
  if (typeof value !== "string" && !(value instanceof Uint8Array)) throw new OptionError(option, "neither a string nor a Uint8Array");
}

/** @param {string} option @param {unknown} content @returns {Uint8Array} */
export function bytesOf(option, content) {
  checkContent(option, content);
  return typeof content === "string" ? encoder.encode(content) : content;
}

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

/** @param {SessionOptions} options @returns {CheckedSession} */
export function checkSession(options) {
  checkNames(options, SESSION_OPTIONS);
  if (options.allowedHosts !== undefined && !Array.isArray(options.allowedHosts)) throw new OptionError("allowedHosts", "not a list");
  if (options.allowedHosts !== undefined && options.allowedHosts.length > 0) {
    throw new OptionError("allowedHosts", "this version has no network, so that it cannot allow any host");
  }
  if (options.assetDir !== undefined && typeof options.assetDir !== "string") throw new OptionError("assetDir", "not a path");
  if (options.initialFiles !== undefined && !Array.isArray(options.initialFiles)) throw new OptionError("initialFiles", "not a list");
  const limits = {
    steps: checkLimit("stepBudget", options.stepBudget, 0),
    wallTimeMs: checkLimit("timeoutMs", options.timeoutMs, 0),
    outputBytes: checkLimit("outputLimit", options.outputLimit, 0),
  };
  return {
    init: {
      composition: "linked",
      env: { ...ENVIRONMENT, ...checkEnvironment(options.env) },
      cwd: options.cwd === undefined ? WORKSPACE : checkPath("cwd", options.cwd),
      limits,
      files: (options.initialFiles ?? []).map((/** @type {InitialFile} */ { path, content, mode }) => ({
        path: checkPath("initialFiles", path),
        content: bytesOf("initialFiles", content),
        mode: checkMode("initialFiles", mode),
      })),
    },
    limits,
    listeners: { onStdout: checkListener("onStdout", options.onStdout), onStderr: checkListener("onStderr", options.onStderr) },
    signal: checkSignal(options.signal),
    assetDir: options.assetDir,
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
  if (typeof stdin === "object" && stdin !== null) {
    if (Symbol.asyncIterator in stdin) return { source: stdin[Symbol.asyncIterator]() };
    if (Symbol.iterator in stdin) return { source: stdin[Symbol.iterator]() };
  }
  throw new OptionError("stdin", "neither a string, nor a Uint8Array, nor an iterable of these");
}
