//! CPython as a WebAssembly component, for the crate `wasmsh`.

/// The component `python.wasm`, compressed as `.lzma`. `None` in a checkout, where it is loaded from what the build has
/// made; the published package has it.
///
/// ```
/// // Its first byte says how it is compressed, four more how much memory that takes.
/// assert!(wasmsh_python::COMPONENT_LZMA.is_none_or(|bytes| bytes.len() > 13));
/// ```
#[cfg(carries_python)]
pub const COMPONENT_LZMA: Option<&[u8]> =
    Some(include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/components/python.wasm.lzma")));

/// The component `python.wasm`, compressed as `.lzma`. `None` in a checkout, where it is loaded from what the build has
/// made; the published package has it.
#[cfg(not(carries_python))]
pub const COMPONENT_LZMA: Option<&[u8]> = None;
