//! A session as tools of the Vercel AI SDK. What is used of `ai` is handed in, so that this package does not depend on it.

/** @import { AiSdk, ToolOptions, WasmshTools } from "../../types/adapters/ai-sdk.js" */
/** @import { WasmshSession } from "../../types/index.js" */

/** Characters of output that a model is shown, unless the caller says another number. */
const SHOWN = 30_000;

const DESCRIPTION = `Runs a bash script in a sandbox with the usual Unix utilities (grep, sed, awk, jq, find, tar …), Python 3.13 and a filesystem. \
Variables, the working directory and files stay from call to call. It starts in /workspace.`;

/**
 * @param {AiSdk} sdk `import { tool, jsonSchema } from "ai"`
 * @param {WasmshSession} session
 * @param {ToolOptions} [options]
 * @returns {WasmshTools}
 */
export function wasmshTools({ tool, jsonSchema }, session, { timeoutMs = 120_000, outputLimit = SHOWN, description = DESCRIPTION } = {}) {
  const schema = (/** @type {Record<string, string>} */ properties) => jsonSchema({
    type: "object",
    properties: Object.fromEntries(Object.entries(properties).map(([name, about]) => [name, { type: "string", description: about }])),
    required: Object.keys(properties),
    additionalProperties: false,
  });
  return {
    bash: tool({
      description,
      inputSchema: schema({ command: "The script." }),
      execute: async (/** @type {{ command: string }} */ { command }, /** @type {{ abortSignal?: AbortSignal } | undefined} */ call) => {
        const { stdout, stderr, exitCode } = await session.run(command, { timeoutMs, signal: call?.abortSignal });
        return { stdout: shown(stdout, outputLimit), stderr: shown(stderr, outputLimit), exitCode };
      },
    }),
    readFile: tool({
      description: "Reads a text file of the sandbox.",
      inputSchema: schema({ path: "Its path; a relative one begins in /workspace." }),
      execute: async (/** @type {{ path: string }} */ { path }) => shown(new TextDecoder().decode((await session.readFile(path)).content), outputLimit),
    }),
    writeFile: tool({
      description: "Creates or replaces a text file of the sandbox. Missing directories are made.",
      inputSchema: schema({ path: "Its path; a relative one begins in /workspace.", content: "What is to be in it." }),
      execute: async (/** @type {{ path: string, content: string }} */ { path, content }) => {
        await session.writeFile(path, content);
        return { written: new TextEncoder().encode(content).length };
      },
    }),
  };
}

/** The beginning and the end of what is too long, and how much is between. @param {string} text @param {number} limit */
function shown(text, limit) {
  if (text.length <= limit) return text;
  const half = Math.floor(limit / 2);
  return `${text.slice(0, half)}\n[… ${text.length - 2 * half} characters left out …]\n${text.slice(text.length - half)}`;
}
