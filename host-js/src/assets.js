//! Finds the transpiled components, and compiles each module once for all sessions of the process. For Node.

import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AssetError } from "./errors.js";
import { readPart } from "./node-read.js";
import { bytesOf } from "./rest.js";

/**
 * @import { Assets as Component, Data, Outline, Rest } from "./protocol.js"
 *
 * `module` is the path of the module that puts it there.
 * @typedef {Omit<Data, "from"> & { module: string }} DataFile
 *
 * What sessions begin with of a module, and of which files its rest is made (`scripts/split.mjs`).
 * @typedef {{ module: string, rest: Array<{ from: string, position: number, length: number }> }} Start
 *
 * Components by their names, and by what the engine can do. `starts` has not all of the modules.
 * @typedef {{ script: string, modules: Record<string, string>, data: Record<string, DataFile>, starts: Record<string, Start> }} Entry
 * @typedef {Record<string, Record<string, Entry>>} Components
 */

/** The version of `manifest.json` that this code reads. */
const FORMAT = 3;

/** The smallest module with two memories. */
const TWO_MEMORIES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0);

/** The directory of this package's own. */
export const PACKAGE_ASSETS = new URL("../dist/", import.meta.url);

/** @type {Map<string, Assets>} */
const stores = new Map();

/** The components of one directory. */
export class Assets {
  /** @type {Promise<Components> | undefined} */
  #manifest = undefined;
  /** @type {Map<string, Promise<WebAssembly.Module>>} */
  #modules = new Map();
  /** What is not there at first of the modules that were asked for. @type {Map<string, Rest>} */
  #rests = new Map();

  /**
   * @param {string | undefined} directory path or `file:` URL
   * @param {"multi" | "single"} [mode] what the engine can do, unless a test wants the other
   */
  static of(directory, mode = WebAssembly.validate(TWO_MEMORIES) ? "multi" : "single") {
    const base = directory === undefined ? PACKAGE_ASSETS : directoryUrl(directory);
    const key = `${mode} ${base.href}`;
    let store = stores.get(key);
    if (store === undefined) {
      store = new Assets(base, mode);
      stores.set(key, store);
    }
    return store;
  }

  /** @param {URL} base @param {"multi" | "single"} mode */
  constructor(base, mode) {
    this.base = base;
    this.mode = mode;
  }

  /**
   * @param {string} name
   * @param {(outline: Outline) => void} [coming] is told what is known before the modules are compiled
   * @returns {Promise<Component>}
   */
  async component(name, coming) {
    this.#manifest ??= this.#readManifest();
    const entry = (await this.#manifest)[name]?.[this.mode];
    if (entry === undefined) throw new AssetError(`${fileURLToPath(this.base)} has no component '${name}'`);
    const outline = { script: this.#address(entry.script), data: Object.fromEntries(Object.entries(entry.data).map(([of, data]) => [of, this.#data(data)])) };
    coming?.(outline);
    const modules = await Promise.all(
      Object.entries(entry.modules).map(async ([asked, path]) => /** @type {const} */ ([asked, await this.#compile(entry.starts[asked]?.module ?? path)])),
    );
    const rests = Object.entries(entry.starts).map(([asked, start]) => /** @type {const} */ ([asked, this.#rest(start)]));
    return { ...outline, modules: Object.fromEntries(modules), rests: Object.fromEntries(rests) };
  }

  /** @param {string} path */
  #address(path) {
    return new URL(path, this.base).href;
  }

  /** @param {Start} start */
  #rest({ module, rest }) {
    const of = this.#address(module);
    let known = this.#rests.get(of);
    if (known === undefined) {
      known = { of, pieces: rest.map(({ from, ...part }) => ({ from: this.#address(from), ...part })) };
      this.#rests.set(of, known);
    }
    return known;
  }

  /**
   * Compiles the rests of all modules that were asked for: for sessions to come, and for those that there are.
   * @returns {Promise<Rest[]>} those that were not compiled before
   */
  async finish() {
    const missing = [...this.#rests.values()].filter(({ module }) => module === undefined);
    for (const rest of missing) {
      const bytes = bytesOf(rest, readPart);
      rest.module = await WebAssembly.compile(bytes);
      letGo(bytes);
    }
    return missing;
  }

  /** Each thread reads it into its own memory. @param {DataFile} data */
  #data({ module, ...rest }) {
    return { from: this.#address(module), ...rest };
  }

  /** @returns {Promise<Components>} */
  async #readManifest() {
    const url = new URL("manifest.json", this.base);
    let manifest;
    try {
      manifest = JSON.parse(await readFile(url, "utf8"));
    } catch (error) {
      this.#manifest = undefined;
      throw new AssetError(`${fileURLToPath(url)} cannot be read; a checkout makes it by 'cargo xtask build'`, { cause: error });
    }
    if (manifest.format !== FORMAT) throw new AssetError(`${fileURLToPath(url)} has format ${manifest.format}, not ${FORMAT}`);
    return manifest.components;
  }

  /** @param {string} path */
  #compile(path) {
    let module = this.#modules.get(path);
    if (module === undefined) {
      module = readFile(new URL(path, this.base)).then(
        async (bytes) => {
          const compiled = await WebAssembly.compile(/** @type {any} */ (bytes));
          letGo(bytes);
          return compiled;
        },
        (error) => {
          throw new AssetError(`${path} cannot be read`, { cause: error });
        },
      );
      this.#modules.set(path, module);
      module.catch(() => this.#modules.delete(path));
    }
    return module;
  }
}

/** The engine has its own copy; where buffers can be let go of, the process is smaller by the module at once. @param {Uint8Array} bytes */
function letGo({ buffer }) {
  /** @type {any} */ (buffer).transfer?.(0);
}

/** @param {string} directory */
function directoryUrl(directory) {
  const url = directory.startsWith("file:") ? new URL(directory) : pathToFileURL(directory);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
