//! The Rust side of the contract in `wit/`: what a host sees of the core, and what it gives to Python.

/// The core (`core.wasm` or `sandbox.wasm`): its exports are called by us, its imports are `host` and WASI.
#[allow(missing_docs, unreachable_pub, unused, rust_2018_idioms, clippy::all)]
pub(crate) mod core {
    wasmtime::component::bindgen!({
        path: [
            "../wit/wasi/io",
            "../wit/wasi/clocks",
            "../wit/wasi/random",
            "../wit/wasi/filesystem",
            "../wit/wasi/sockets",
            "../wit/wasi/cli",
            "../wit/fs",
            "../wit/net",
            "../wit/session",
        ],
        world: "wasmsh:session/sandbox",
        with: { "wasi:io/poll.pollable": crate::wasi::Pollable },
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

/// Python, in a store of its own: its imports are forwarded to the core.
#[allow(missing_docs, unreachable_pub, unused, rust_2018_idioms, clippy::all)]
pub(crate) mod python {
    wasmtime::component::bindgen!({
        path: [
            "../wit/wasi/io",
            "../wit/wasi/clocks",
            "../wit/wasi/random",
            "../wit/wasi/filesystem",
            "../wit/wasi/sockets",
            "../wit/wasi/cli",
            "../wit/fs",
            "../wit/net",
            "../wit/session",
            "../wit/python",
        ],
        world: "wasmsh:python/python",
        with: {
            "wasi:io/poll": crate::bindings::core::wasi::io::poll,
            "wasi:clocks/monotonic-clock": crate::bindings::core::wasi::clocks::monotonic_clock,
            "wasi:clocks/wall-clock": crate::bindings::core::wasi::clocks::wall_clock,
            "wasi:random/random": crate::bindings::core::wasi::random::random,
            "wasmsh:fs/types": crate::bindings::fs_types,
            "wasmsh:session/types": crate::bindings::core::wasmsh::session::types,
            "wasmsh:net/types": crate::bindings::core::wasmsh::net::types,
            "wasmsh:fs/files.file": crate::python::File,
            "wasmsh:session/processes.process": crate::python::Process,
        },
        imports: {
            "wasmsh:session/processes.[method]process.read": async | trappable,
            "wasmsh:session/processes.[method]process.write": async | trappable,
            "wasmsh:session/processes.[method]process.poll": async | trappable,
            "wasmsh:session/processes.[method]process.wait": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
    });
}

/// The core's exported `wasmsh:fs/types`, in the form of an import: the two stores share the types, and there is
/// nothing to link.
#[allow(missing_docs, unreachable_pub)]
pub mod fs_types {
    use wasmtime::component::{HasData, Linker};

    pub use crate::bindings::core::exports::wasmsh::fs::types::*;

    pub trait Host {}
    impl<T: ?Sized> Host for T {}
    pub trait HostWithStore<T>: HasData {}
    impl<H: HasData + ?Sized, T> HostWithStore<T> for H {}

    pub fn add_to_linker<T, D>(_: &mut Linker<T>, _: fn(&mut T) -> D::Data<'_>) -> wasmtime::Result<()>
    where
        D: HasData,
        T: 'static,
    {
        Ok(())
    }
}
