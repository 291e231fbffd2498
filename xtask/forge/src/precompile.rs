//! Ahead-of-time compilation of components for the host crate.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use wasmtime::Engine;
use wasmtime::error::{Context as _, Result};

use crate::config;

/// Compiles a component for this machine's processor, as the host would when it loads it.
pub(crate) fn precompile(component: &[u8]) -> Result<Vec<u8>> {
    engine()?.precompile_component(component).context("the component cannot be compiled")
}

/// Changes whenever precompiled code stops being loadable: version of the engine, its settings, the processor.
pub(crate) fn fingerprint() -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    engine()?.precompile_compatibility_hash().hash(&mut hasher);
    Ok(hasher.finish())
}

fn engine() -> Result<Engine> {
    Engine::new(&config::config()).context("the engine does not work on this machine")
}
