//! `installPythonPackages`: Python packages for a session, by the pip of its own.

import { OptionError, WasmshError } from "./errors.js";

/**
 * @import { InstallOptions, InstallResult, RunOptions, RunResult } from "../types/index.js"
 * @typedef {{ run: (command: string, options?: RunOptions) => Promise<RunResult> }} Runs
 */

/** Where pip has put what it installs. */
const INSTALLED = /^Successfully installed (.+)$/m;

/** pip could not install. */
export class InstallError extends WasmshError {
  /** @param {RunResult} result */
  constructor({ stdout, stderr, exitCode }) {
    super("ERR_WASMSH_INSTALL", stderr.trim().split("\n").findLast((line) => /error/i.test(line)) ?? `pip ended with status ${exitCode}`);
    this.stdout = stdout;
    this.stderr = stderr;
    this.exitCode = exitCode;
  }
}

/**
 * @param {Runs} session
 * @param {string | readonly string[]} requirements
 * @param {InstallOptions} options
 * @returns {Promise<InstallResult>}
 */
export async function installPythonPackages(session, requirements, { deps = true, upgrade = false, signal } = {}) {
  const list = typeof requirements === "string" ? [requirements] : [...requirements];
  if (list.length === 0) return { installed: [], requirements: [], events: [] };
  const given = list.map((requirement) => {
    if (typeof requirement !== "string" || requirement.trim() === "") throw new OptionError("requirements", "not a requirement");
    if (/^file:/i.test(requirement)) throw new OptionError("requirements", `${requirement}: files of the host cannot be reached; write the wheel into the session and name it by emfs:`);
    if (requirement.startsWith("-")) throw new OptionError("requirements", `${requirement}: an option of pip, not a requirement`);
    return requirement.startsWith("emfs:") ? requirement.slice("emfs:".length) : requirement;
  });
  const result = await session.run(`exec python3 -m pip install --disable-pip-version-check --no-input "$@"`, {
    args: [...(deps ? [] : ["--no-deps"]), ...(upgrade ? ["--upgrade"] : []), "--", ...given],
    fresh: true,
    signal,
  });
  if (result.exitCode !== 0) throw new InstallError(result);
  const installed = (INSTALLED.exec(result.stdout)?.[1] ?? "").split(" ").filter((one) => one !== "").map((one) => {
    const cut = one.lastIndexOf("-");
    return { name: one.slice(0, cut), version: one.slice(cut + 1) };
  });
  return { installed, requirements: list, events: result.events };
}
