//! The operating system that CPython sees: POSIX calls on top of wasmsh's files and processes.
//!
//! A static library that is linked with libpython and wasi-libc. `posix.c` and `preview1.c` turn the
//! functions of the C library into calls of the `wasmsh_*` functions here, which answer with a negative
//! `errno`. All state lies in linear memory, so that putting the memory back resets this layer too.
//!
//! Before the first run (while the image is made) nothing is imported: only the read-only library exists,
//! the clock stands still, and the standard descriptors are empty.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(unsafe_code)]

extern crate alloc;

#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../../wit/wasi/io",
            "../../../wit/wasi/clocks",
            "../../../wit/wasi/random",
            "../../../wit/wasi/filesystem",
            "../../../wit/wasi/sockets",
            "../../../wit/wasi/cli",
            "../../../wit/fs",
            "../../../wit/net",
            "../../../wit/session",
            "../../../wit/python",
        ],
        world: "wasmsh:python/python",
        generate_all,
        std_feature,
    });
}

mod clocks;
mod descriptors;
mod directories;
mod errno;
mod layer;
#[cfg(target_arch = "wasm32")]
mod memory;
mod nest;
mod network;
mod paths;
mod processes;
mod rom;
mod run;
mod signals;
mod zone;
