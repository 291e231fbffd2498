//! The filesystem component: `wasmsh:fs` for the shell, Python and hosts, and all
//! of WASI but sockets for an unmodified `wasm32-wasip2` program beside them.
//!
//! One instance is one filesystem. Nothing here may trap: a trap poisons the
//! instance in every host. So there is no panic to be reached, no borrow is
//! held across a call out, and what WASI lets an implementation trap for
//! (an empty `poll`, a write beyond its permit) is done as far as it makes sense.

#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
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
        generate_all,
    });
}

mod cli;
mod clocks;
mod convert;
mod descriptors;
mod determinism;
mod files;
mod mounts;
mod process;
mod random;
mod snapshots;
mod state;
mod streams;

#[global_allocator]
static HEAP: wasmsh_heap::Heap = wasmsh_heap::Heap;

/// The type that every exported interface is implemented on.
struct Component;

bindings::export!(Component with_types_in bindings);
