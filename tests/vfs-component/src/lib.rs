//! The filesystem component in Wasmtime, behind the traits of the crate: so one
//! test suite runs on both.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

pub mod host;
pub mod remote;

/// What `wasmtime` generates from the interfaces.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: [
            "../../wit/wasi/io",
            "../../wit/wasi/clocks",
            "../../wit/wasi/random",
            "../../wit/wasi/filesystem",
            "../../wit/wasi/sockets",
            "../../wit/wasi/cli",
            "../../wit/fs",
        ],
        world: "wasmsh:fs/vfs",
        with: { "wasi:io/poll.pollable": crate::host::Deadline },
        require_store_data_send: false,
    });
}
