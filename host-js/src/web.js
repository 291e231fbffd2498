//! The package `wasmsh`, where there are workers and no files: browsers.

export { createBrowserWorkerSession, createBrowserWorkerSession as createSession, resolveBrowserWorkerPath } from "./browser.js";
export { AssetError, FileError, OptionError, PersistError, SessionClosedError, SessionLostError, SnapshotError, WasmshError } from "./errors.js";
export { InstallError } from "./packages.js";
export { removePersisted } from "./persist.js";
export { WORKSPACE as DEFAULT_WORKSPACE_DIR } from "./protocol.js";
