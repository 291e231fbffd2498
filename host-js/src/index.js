//! The package `wasmsh`.

export { AssetError, FileError, OptionError, SessionClosedError, SessionLostError, WasmshError } from "./errors.js";
export { createNodeSession, createNodeSession as createSession, resolveAssetPath, resolveNodeHostPath } from "./node.js";
export { WORKSPACE as DEFAULT_WORKSPACE_DIR } from "./protocol.js";
