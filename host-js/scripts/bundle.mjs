//! Makes `lib/`: what Node, Deno and Bun load of this package, in few files. A file costs them about a millisecond each, in the caller's thread
//! and once more in that of a session. Bundlers and browsers take `src/`, whose modules they put together themselves.

import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

await rm(at("lib"), { recursive: true, force: true });
/** @type {import("esbuild").BuildOptions} */
const options = {
  outdir: at("lib"),
  outbase: at("src"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  // Not made smaller: an error that nobody catches shows the line of its origin.
  minify: false,
  external: ["../dist/index.js"],
  logLevel: "warning",
};
/** @param {string[]} paths */
const entries = (...paths) => paths.map((path) => at(`src/${path}`));
// What a caller imports together shares its parts: an error has one class.
await build({ ...options, entryPoints: entries("index.js", "adapters/ai-sdk.js", "adapters/deepagents.js"), splitting: true });
// What runs in a thread or a process of its own shares nothing.
await build({ ...options, entryPoints: entries("node-worker.js", "node-process.js") });
