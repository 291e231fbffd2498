//! The package `wasmsh`, where there are threads and files: Node, Deno, Bun.

export { createBrowserWorkerSession, resolveBrowserWorkerPath } from "./browser.js";
export { AssetError, FileError, OptionError, PersistError, SessionClosedError, SessionLostError, SnapshotError, WasmshError } from "./errors.js";
export { createNodeSession, createNodeSession as createSession, prewarm, resolveAssetPath, resolveNodeHostPath } from "./node.js";
export { InstallError } from "./packages.js";
export { removePersisted } from "./persist.js";
export { WORKSPACE as DEFAULT_WORKSPACE_DIR } from "./protocol.js";
