//! Makes `dist/` from the components: `node scripts/transpile.mjs --core FILE --python FILE --out dist`. For tests `dist-composed/` is made of
//! `--sandbox`, which is all of them in one.
//!
//! ```text
//! dist/manifest.json            what there is: component → mode → glue, and the modules it asks for
//! dist/index.js                 the same for bundlers: every file by an import, or an address beside the module
//! dist/core.multi.js            glue for engines with several memories in a module (multi-memory)
//! dist/core.single.js           glue for all others, unless it is the same
//! dist/wasm/<SHA-256, 16 hex digits>.wasm   the modules; equal ones, of both modes and of all components, once
//! dist/wasm/<the same>.bin      sections for the rest of a module
//! ```
//!
//! Of a module that has much in its memory from the start, this is apart (`data.mjs`). Where `core` and `python` are made together, what most sessions
//! use of their large modules is there a second time, to begin with (`split.mjs`). A component that is not named is left out of the manifest.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { transpile } from "@bytecodealliance/jco";
import { INDEX_TYPES, indexOf } from "./index-of.mjs";
import { bound } from "./bound.mjs";
import { withoutData } from "./data.mjs";
import { instrumented, split } from "./split.mjs";
import { strip } from "./strip.mjs";
import { trim } from "./trim.mjs";

const COMPONENTS = /** @type {const} */ (["core", "python", "sandbox"]);
const MODES = /** @type {const} */ (["multi", "single"]);

/**
 * Pages of 64 KiB that one memory may have: JavaScript has no other way to bound what a program takes of its host. Python, where programs allocate
 * what they like, is told at 1 GiB that there is no more. The shell and the files have quotas of their own, which are to be met first.
 */
const MOST_PAGES = { core: 49152, python: 16384, sandbox: 49152 };

/** Modules of fewer bytes are compiled as soon as they are read. */
const LEAST_TO_SPLIT = 1 << 21;

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
await beginnings();
await writeFile(join(fresh, "index.js"), indexOf(components));
await writeFile(join(fresh, "index.d.ts"), INDEX_TYPES);
await writeManifest(fresh, components);
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
  return { script, modules, data, starts: {} };
}

/** Makes what sessions begin with of the modules whose code is large. */
async function beginnings() {
  if (components.core === undefined || components.python === undefined) return;
  const entries = Object.values(components).flatMap((modes) => Object.values(modes));
  /** Large modules without contents: the others are what fills a memory. @type {Map<string, Uint8Array>} */
  const whole = new Map();
  for (const path of new Set(entries.flatMap(({ modules }) => Object.values(modules)))) {
    const module = await readFile(join(fresh, path));
    if (module.length >= LEAST_TO_SPLIT) whole.set(path, module);
  }

  // All of it once more, with modules that note what runs. `single`: what every Node can run.
  const noting = `${fresh}.noting`;
  await rm(noting, { recursive: true, force: true });
  await cp(fresh, noting, { recursive: true });
  for (const [path, module] of whole) await writeFile(join(noting, path), instrumented(module, path));
  await writeManifest(noting, components);
  const profile = spawnSync(process.execPath, [fileURLToPath(new URL("profile.mjs", import.meta.url)), resolve(noting), "single"], { encoding: "utf8", maxBuffer: 1 << 28 });
  await rm(noting, { recursive: true, force: true });
  if (profile.status !== 0) throw new Error(`profile.mjs: ${profile.error?.message ?? profile.stderr}`);
  /** @type {Record<string, number[]>} */
  const ran = JSON.parse(profile.stdout);

  for (const [path, module] of whole) {
    if (ran[path] === undefined) throw new Error(`nothing of ${path} has run`);
    const { start, own, rest } = split(module, new Set(ran[path]));
    const sections = await keep(own, "bin");
    const made = { module: await keep(start), rest: rest.map(({ of, ...part }) => ({ from: of === "own" ? sections : path, ...part })) };
    for (const { modules, starts } of entries) {
      for (const [name, from] of Object.entries(modules)) if (from === path) starts[name] = made;
    }
  }
}

/** @param {string} directory @param {import("../src/assets.js").Components} list */
async function writeManifest(directory, list) {
  await writeFile(join(directory, "manifest.json"), `${JSON.stringify({ format: 3, components: list }, null, 1)}\n`);
}

/** @param {Uint8Array} bytes @param {string} [kind] @returns {Promise<string>} its path below the directory */
async function keep(bytes, kind = "wasm") {
  const path = `wasm/${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.${kind}`;
  await writeFile(join(fresh, path), bytes);
  return path;
}
