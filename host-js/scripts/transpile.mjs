//! Makes `dist/` from the components: `node scripts/transpile.mjs --core FILE --python FILE --out dist`. For tests `dist-composed/` is made of
//! `--sandbox`, which is all of them in one.
//!
//! ```text
//! dist/manifest.json            what there is: component → mode → glue, and the modules it asks for
//! dist/index.js                 the same for bundlers: every file by an import, or an address beside the module
//! dist/core.multi.js            glue for engines with several memories in a module (multi-memory)
//! dist/core.single.js           glue for all others, unless it is the same
//! dist/wasm/<SHA-256, 16 hex digits>.wasm   the modules; equal ones, of both modes and of all components, once
//! ```
//!
//! Of a module that has much in its memory from the start, this is apart (`data.mjs`). A component that is not named is left out of the manifest.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { transpile } from "@bytecodealliance/jco";
import { INDEX_TYPES, indexOf } from "./index-of.mjs";
import { bound } from "./bound.mjs";
import { withoutData } from "./data.mjs";
import { strip } from "./strip.mjs";
import { trim } from "./trim.mjs";

const COMPONENTS = /** @type {const} */ (["core", "python", "sandbox"]);
const MODES = /** @type {const} */ (["multi", "single"]);

/**
 * Pages of 64 KiB that one memory may have: JavaScript has no other way to bound what a program takes of its host. Python, where programs allocate
 * what they like, is told at 1 GiB that there is no more. The shell and the files have quotas of their own, which are to be met first.
 */
const MOST_PAGES = { core: 49152, python: 16384, sandbox: 49152 };

const { values } = parseArgs({
  options: {
    core: { type: "string" },
    python: { type: "string" },
    sandbox: { type: "string" },
    out: { type: "string", default: "dist" },
  },
});

const named = COMPONENTS.filter((name) => values[name] !== undefined);
if (named.length === 0) {
  console.error("usage: transpile.mjs [--core FILE] [--python FILE] [--sandbox FILE] [--out DIRECTORY]");
  process.exit(2);
}

const out = values.out;
// Made beside its final place, so that a failure leaves the old one whole.
const fresh = `${out}.new`;
await rm(fresh, { recursive: true, force: true });
await mkdir(join(fresh, "wasm"), { recursive: true });

/** Glue to its file: a component without others inside has the same glue in both modes. */
/** @type {Map<string, string>} */
const scripts = new Map();

/** @type {import("../src/assets.js").Components} */
const components = {};
for (const component of named) {
  const bytes = await readFile(/** @type {string} */ (values[component]));
  /** @type {typeof components[string]} */
  const modes = {};
  for (const mode of MODES) modes[mode] = await translate(component, bytes, mode);
  components[component] = modes;
}
await writeFile(join(fresh, "index.js"), indexOf(components));
await writeFile(join(fresh, "index.d.ts"), INDEX_TYPES);
await writeFile(join(fresh, "manifest.json"), `${JSON.stringify({ format: 2, components }, null, 1)}\n`);
await rm(out, { recursive: true, force: true });
await rename(fresh, out);

/**
 * @param {keyof typeof MOST_PAGES} component
 * @param {Uint8Array} bytes
 * @param {string} mode
 */
async function translate(component, bytes, mode) {
  const { files } = await transpile(bytes, {
    name: component,
    instantiation: "async",
    multiMemory: mode === "multi",
    typescript: false,
  });
  let script = `${component}.${mode}.js`;
  /** @type {Record<string, string>} */
  const modules = {};
  /** @type {Record<string, import("../src/assets.js").DataFile>} */
  const data = {};
  for (const [path, contents] of Object.entries(files)) {
    const name = basename(path);
    if (name.endsWith(".wasm")) {
      const { module, data: apart } = withoutData(strip(bound(contents, MOST_PAGES[component])));
      modules[name] = await keep(module);
      if (apart !== undefined) data[name] = { ...apart, module: await keep(apart.module) };
    } else if (name.endsWith(".js")) {
      const generated = new TextDecoder().decode(contents);
      const known = scripts.get(generated);
      if (known !== undefined) script = known;
      else await writeFile(join(fresh, script), await trim(generated));
      scripts.set(generated, script);
    }
  }
  return { script, modules, data };
}

/** @param {Uint8Array} module @returns {Promise<string>} its path below the directory */
async function keep(module) {
  const path = `wasm/${createHash("sha256").update(module).digest("hex").slice(0, 16)}.wasm`;
  await writeFile(join(fresh, path), module);
  return path;
}
