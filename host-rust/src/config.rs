//! How Wasmtime is configured: the one place that says what precompiled components are compiled for.
//!
//! This file depends on nothing but Wasmtime, so that the build can include it where it precompiles.

use wasmtime::Config;

/// Native stack that WebAssembly may use when it runs on the stack of its caller. The shell and the filesystem do
/// not recurse with the depth of a script; a thread of Rust's has 2 MiB, half of which is left to the host.
const SHALLOW_STACK: usize = 1 << 20;

/// Native stack that Python may use: CPython recurses through C in its parser, in `repr`, in `re` and where C
/// calls Python again, and 8 MiB is what it has on Unix.
///
/// ```
/// assert_eq!(wasmsh::config::DEEP_STACK, 8 << 20);
/// ```
pub const DEEP_STACK: usize = 8 << 20;

/// Beyond [`DEEP_STACK`], on a fiber: the host's own functions, and the core that is called from them.
///
/// ```
/// let fiber = wasmsh::config::DEEP_STACK + wasmsh::config::DEEP_STACK_RESERVE;
/// assert_eq!(fiber, 10 << 20);
/// ```
pub const DEEP_STACK_RESERVE: usize = SHALLOW_STACK + (1 << 20);

/// The configuration that every component of wasmsh is compiled for.
///
/// What only matters at run time (allocation, stack sizes) may be changed afterwards without making precompiled
/// components useless; all else may not.
///
/// ```
/// let engine = wasmtime::Engine::new(&wasmsh::config::config())?;
/// # Ok::<(), wasmtime::Error>(())
/// ```
#[must_use]
pub fn config() -> Config {
    let mut config = Config::new();
    // The backstop behind the shell's own budget, and what makes a computing Python yield.
    config.epoch_interruption(true);
    config.max_wasm_stack(SHALLOW_STACK);
    // Nobody unwinds through compiled code with the system's unwinder, and registering the tables costs time at
    // every start.
    #[cfg(not(windows))]
    config.native_unwind_info(false);
    config
}

/// As [`config`], for a component that recurses deeply and runs on a fiber.
///
/// ```
/// let engine = wasmtime::Engine::new(&wasmsh::config::deep_config())?;
/// # Ok::<(), wasmtime::Error>(())
/// ```
#[must_use]
pub fn deep_config() -> Config {
    let mut config = config();
    config.max_wasm_stack(DEEP_STACK);
    config.async_stack_size(DEEP_STACK + DEEP_STACK_RESERVE);
    config
}
