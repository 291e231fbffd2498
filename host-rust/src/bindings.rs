//! The Rust side of the contract in `wit/`: what a host sees of the core, and what it gives to Python.

/// The core (`core.wasm` or `sandbox.wasm`): its exports are called by us, its imports are `host` and WASI.
#[allow(missing_docs, unreachable_pub, unused, rust_2018_idioms, clippy::all)]
pub(crate) mod core {
    wasmtime::component::bindgen!({
        path: [
            "wit/wasi/io",
            "wit/wasi/clocks",
            "wit/wasi/random",
            "wit/wasi/filesystem",
            "wit/wasi/sockets",
            "wit/wasi/cli",
            "wit/fs",
            "wit/net",
            "wit/session",
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
            "wit/wasi/io",
            "wit/wasi/clocks",
            "wit/wasi/random",
            "wit/wasi/filesystem",
            "wit/wasi/sockets",
            "wit/wasi/cli",
            "wit/fs",
            "wit/net",
            "wit/session",
            "wit/python",
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

/// A command component, in a store of its own: what it imports of WASI is answered by `crate::component`.
#[allow(missing_docs, unreachable_pub, unused, rust_2018_idioms, clippy::all)]
pub(crate) mod command {
    wasmtime::component::bindgen!({
        path: [
            "wit/wasi/io",
            "wit/wasi/clocks",
            "wit/wasi/random",
            "wit/wasi/filesystem",
            "wit/wasi/sockets",
            "wit/wasi/cli",
        ],
        inline: "
            package wasmsh:host;
            world command {
                import wasi:cli/environment@0.2.12;
                import wasi:cli/exit@0.2.12;
                import wasi:cli/stdin@0.2.12;
                import wasi:cli/stdout@0.2.12;
                import wasi:cli/stderr@0.2.12;
                import wasi:cli/terminal-input@0.2.12;
                import wasi:cli/terminal-output@0.2.12;
                import wasi:cli/terminal-stdin@0.2.12;
                import wasi:cli/terminal-stdout@0.2.12;
                import wasi:cli/terminal-stderr@0.2.12;
                import wasi:io/error@0.2.12;
                import wasi:io/poll@0.2.12;
                import wasi:io/streams@0.2.12;
                import wasi:clocks/monotonic-clock@0.2.12;
                import wasi:clocks/wall-clock@0.2.12;
                import wasi:filesystem/types@0.2.12;
                import wasi:filesystem/preopens@0.2.12;
                import wasi:random/random@0.2.12;
                import wasi:random/insecure@0.2.12;
                import wasi:random/insecure-seed@0.2.12;
                export wasi:cli/run@0.2.12;
            }
        ",
        world: "wasmsh:host/command",
        with: {
            "wasi:cli/terminal-input.terminal-input": crate::component::cli::Terminal,
            "wasi:cli/terminal-output.terminal-output": crate::component::cli::Terminal,
            "wasi:io/error.error": crate::component::io::Failure,
            "wasi:io/poll.pollable": crate::component::io::Pollable,
            "wasi:io/streams.input-stream": crate::component::io::InputStream,
            "wasi:io/streams.output-stream": crate::component::io::OutputStream,
            "wasi:filesystem/types.descriptor": crate::component::files::Descriptor,
            "wasi:filesystem/types.directory-entry-stream": crate::component::files::Entries,
        },
        trappable_error_type: {
            "wasi:io/streams.stream-error" => crate::component::io::StreamFailure,
            "wasi:filesystem/types.error-code" => crate::component::files::FileFailure,
        },
        imports: {
            "wasi:io/poll.poll": async | trappable,
            "wasi:io/poll.[method]pollable.block": async | trappable,
            "wasi:io/streams.[method]input-stream.blocking-read": async | trappable,
            "wasi:io/streams.[method]input-stream.blocking-skip": async | trappable,
            "wasi:io/streams.[method]output-stream.blocking-write-and-flush": async | trappable,
            "wasi:io/streams.[method]output-stream.blocking-flush": async | trappable,
            "wasi:io/streams.[method]output-stream.blocking-write-zeroes-and-flush": async | trappable,
            "wasi:io/streams.[method]output-stream.blocking-splice": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        require_store_data_send: true,
    });
}
