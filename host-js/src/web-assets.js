//! Finds the transpiled components by their addresses, and compiles each module once while it is downloaded. For browsers.

import { AssetError } from "./errors.js";

/**
 * @import { Progress } from "../types/index.js"
 * @import { Assets as Component, Data, Outline } from "./protocol.js"
 * @typedef {{ modules: Record<string, URL>, data: Record<string, Omit<Data, "from"> & { module: URL }> }} Files
 */

/** The version of `manifest.json` that this code reads. */
const FORMAT = 3;

/** The smallest module with two memories. */
const TWO_MEMORIES = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0);

/** What stands for the address of glue that came with this package, whatever a bundler has made of it. */
export const BUNDLED = "wasmsh-bundled:";

/** @type {Map<string, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/** The components of one place. */
export class WebAssets {
  /**
   * @param {URL | undefined} base `undefined`: those of this package
   * @param {((progress: Progress) => void) | undefined} progress
   * @param {"multi" | "single"} [mode] what the engine can do, unless a test wants the other
   */
  constructor(base, progress, mode = WebAssembly.validate(TWO_MEMORIES) ? "multi" : "single") {
    this.base = base;
    this.progress = progress;
    this.mode = mode;
  }

  /**
   * @param {string} name
   * @param {(outline: Outline) => void} [coming] is told what is known before anything is compiled
   * @returns {Promise<Component>}
   */
  async component(name, coming) {
    const { script, modules, data } = this.base === undefined ? await this.#bundled(name) : await this.#listed(name, this.base);
    coming?.({ script, data: {} });
    const loading = new Loading(name, this.progress);
    const [entries, filling] = await Promise.all([
      Promise.all(Object.entries(modules).map(async ([asked, url]) => /** @type {const} */ ([asked, await compile(url, loading)]))),
      Promise.all(Object.entries(data).map(async ([of, { module, ...rest }]) => /** @type {const} */ ([of, { ...rest, from: await compile(module, loading) }]))),
    ]);
    // A worker cannot always load something while it is in the middle of a call: here, modules are whole.
    return { script, modules: Object.fromEntries(entries), data: Object.fromEntries(filling), rests: {} };
  }

  /** @param {string} name @returns {Promise<{ script: string } & Files>} */
  async #bundled(name) {
    /** @type {Record<string, Record<string, Files>>} */
    let components;
    try {
      // @ts-ignore: made by `cargo xtask build`
      ({ components } = await import("../dist/index.js"));
    } catch (cause) {
      throw new AssetError("the components of this package cannot be loaded", { cause });
    }
    const found = components[name]?.[this.mode];
    if (found === undefined) throw new AssetError(`this package has no component '${name}'`);
    return { script: `${BUNDLED}${name}/${this.mode}`, ...found };
  }

  /** @param {string} name @param {URL} base @returns {Promise<{ script: string } & Files>} */
  async #listed(name, base) {
    const url = new URL("manifest.json", base);
    let manifest;
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`status ${response.status}`);
      manifest = await response.json();
    } catch (cause) {
      throw new AssetError(`${url} cannot be read; is assetBaseUrl where the files of the package's dist/ are?`, { cause });
    }
    if (manifest.format !== FORMAT) throw new AssetError(`${url} has format ${manifest.format}, not ${FORMAT}`);
    const entry = manifest.components[name]?.[this.mode];
    if (entry === undefined) throw new AssetError(`${base} has no component '${name}'`);
    /** @type {{ script: string, modules: Record<string, string>, data: Record<string, import("./assets.js").DataFile> }} */
    const { script, modules, data } = entry;
    return {
      script: new URL(script, base).href,
      modules: Object.fromEntries(Object.entries(modules).map(([asked, path]) => [asked, new URL(path, base)])),
      data: Object.fromEntries(Object.entries(data).map(([of, { module, ...rest }]) => [of, { ...rest, module: new URL(module, base) }])),
    };
  }
}

/** Counts what was loaded of a component. */
class Loading {
  loaded = 0;
  total = 0;

  /** @param {string} component @param {((progress: Progress) => void) | undefined} progress */
  constructor(component, progress) {
    this.component = component;
    this.progress = progress;
  }

  /** @param {number} bytes @param {number} expected */
  add(bytes, expected) {
    this.loaded += bytes;
    this.total += expected;
    this.progress?.({ component: this.component, loaded: this.loaded, total: this.total });
  }
}

/** @param {URL} url @param {Loading} loading @returns {Promise<WebAssembly.Module>} */
function compile(url, loading) {
  let module = compiled.get(url.href);
  if (module === undefined) {
    module = load(url, loading);
    compiled.set(url.href, module);
    module.catch(() => compiled.delete(url.href));
  }
  return module;
}

/** @param {URL} url @param {Loading} loading */
async function load(url, loading) {
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new AssetError(`${url} cannot be loaded`, { cause });
  }
  if (!response.ok || response.body === null) throw new AssetError(`${url} cannot be loaded: status ${response.status}`);
  // Of a compressed response this is the length of what is transferred; what is counted is longer then.
  const length = response.headers.has("content-encoding") ? 0 : Number(response.headers.get("content-length") ?? 0);
  loading.add(0, length);
  const counted = response.body.pipeThrough(new TransformStream({
    transform(chunk, controller) {
      loading.add(chunk.length, length === 0 ? chunk.length : 0);
      controller.enqueue(chunk);
    },
  }));
  // Whatever type the server gives it: a module is compiled as it comes.
  const typed = new Response(counted, { headers: { "content-type": "application/wasm" } });
  return typeof WebAssembly.compileStreaming === "function" ? WebAssembly.compileStreaming(typed) : WebAssembly.compile(await typed.arrayBuffer());
}
