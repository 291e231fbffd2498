//! A session as a sandbox of LangChain's deepagents. Its `BaseSandbox` is handed in, so that this package does not depend on it.

import { FileError } from "../errors.js";

/** @import { DeepAgentsOptions } from "../../types/adapters/deepagents.js" */
/** @import { WasmshSession } from "../../types/index.js" */

/** Characters of output that an agent is given, unless the caller says another number. */
const SHOWN = 100_000;

let next = 1;

/**
 * @param {any} BaseSandbox `import { BaseSandbox } from "deepagents"`
 * @param {WasmshSession} session
 * @param {DeepAgentsOptions} [options]
 */
export function deepAgentsSandbox(BaseSandbox, session, { timeoutMs = 120_000, outputLimit = SHOWN, id = `wasmsh-${next++}` } = {}) {
  class WasmshSandbox extends BaseSandbox {
    id = id;

    /** @param {string} command */
    async execute(command) {
      // As every such sandbox does it: what one command sets is gone for the next, files stay.
      const { output, exitCode } = await session.run(command, { timeoutMs, fresh: true });
      return { output: output.slice(0, outputLimit), exitCode, truncated: output.length > outputLimit };
    }

    /** @param {Array<[string, Uint8Array]>} files */
    uploadFiles(files) {
      return Promise.all(files.map(async ([path, content]) => ({ path, error: await failure(session.writeFile(path, content)) })));
    }

    /** @param {string[]} paths */
    downloadFiles(paths) {
      return Promise.all(paths.map(async (path) => {
        const reading = session.readFile(path);
        const error = await failure(reading);
        return { path, content: error === null ? (await reading).content : null, error };
      }));
    }
  }
  return new WasmshSandbox();
}

/** @param {Promise<unknown>} work @returns {Promise<string | null>} what deepagents calls the error */
async function failure(work) {
  try {
    await work;
    return null;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    switch (error.code) {
      case "ENOENT":
        return "file_not_found";
      case "EISDIR":
        return "is_directory";
      case "EACCES":
      case "EPERM":
      case "EROFS":
        return "permission_denied";
      default:
        return "invalid_path";
    }
  }
}
