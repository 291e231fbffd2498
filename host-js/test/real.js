//! Sessions of the real components, for tests; these are skipped, and say so, while `dist/` is missing.

import { existsSync } from "node:fs";
import { createNodeSession } from "../src/index.js";

export const missing = existsSync(new URL("../dist/manifest.json", import.meta.url)) ? false : "dist/ is missing: cargo xtask build makes it";

/**
 * @param {import("node:test").TestContext} t
 * @param {import("../types/index.js").SessionOptions} [options]
 */
export async function open(t, options) {
  const session = await createNodeSession(options);
  t.after(() => session.close());
  return session;
}

/** @param {Uint8Array} bytes */
export const text = (bytes) => new TextDecoder().decode(bytes);

/** @param {ReadableStream<Uint8Array>} stream */
export async function all(stream) {
  return text(new Uint8Array(await new Response(stream).arrayBuffer()));
}

/**
 * What runs a program in a process of its own, in the runtime that runs the test.
 * @param {string} program an ES module
 * @returns {[string, string[]]}
 */
export function alone(program) {
  const { Deno, Bun } = /** @type {any} */ (globalThis);
  if (Deno !== undefined) return [Deno.execPath(), ["eval", "--no-check", program]];
  if (Bun !== undefined) return [process.execPath, ["-e", program]];
  return [process.execPath, ["--input-type=module", "-e", program]];
}
