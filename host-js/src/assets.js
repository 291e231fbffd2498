//! Finds the transpiled components, and compiles each module once for all sessions of the process. For Node.

import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AssetError } from "./errors.js";

/**
 * @import { Assets as Component } from "./protocol.js"
 * @typedef {Record<string, Record<string, { script: string, modules: Record<string, string> }>>} Manifest
 */

/** The version of `manifest.json` that this code reads. */
const FORMAT = 1;

/** The smallest module with two memories. */
const TWO_MEMORIES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0);

/** The directory of this package's own. */
export const PACKAGE_ASSETS = new URL("../dist/", import.meta.url);

/** @type {Map<string, Assets>} */
const stores = new Map();

/** The components of one directory. */
export class Assets {
  /** @type {Promise<Manifest> | undefined} */
  #manifest = undefined;
  /** @type {Map<string, Promise<WebAssembly.Module>>} */
  #modules = new Map();
  /** @type {Map<string, Promise<Component>>} */
  #components = new Map();

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

  /** @param {string} name @returns {Promise<Component>} */
  component(name) {
    let component = this.#components.get(name);
    if (component === undefined) {
      component = this.#load(name);
      this.#components.set(name, component);
      // A failure is not for ever: files may be put there.
      component.catch(() => this.#components.delete(name));
    }
    return component;
  }

  /** @param {string} name @returns {Promise<Component>} */
  async #load(name) {
    this.#manifest ??= this.#readManifest();
    const manifest = await this.#manifest;
    const entry = manifest[name]?.[this.mode];
    if (entry === undefined) throw new AssetError(`${fileURLToPath(this.base)} has no component '${name}'`);
    const modules = await Promise.all(
      Object.entries(entry.modules).map(async ([asked, path]) => /** @type {const} */ ([asked, await this.#compile(path)])),
    );
    return { script: new URL(entry.script, this.base).href, modules: Object.fromEntries(modules) };
  }

  /** @returns {Promise<Manifest>} */
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
          // The engine has its own copy; where buffers can be let go of, the process is smaller by the module at once.
          /** @type {any} */ (bytes.buffer).transfer?.(0);
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

/** @param {string} directory */
function directoryUrl(directory) {
  const url = directory.startsWith("file:") ? new URL(directory) : pathToFileURL(directory);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}
