//! The shell as a component: bindings, and the glue between them and `wasmsh-shell`.

mod bindings;
mod clocks;
mod convert;
mod files;
mod processes;
mod pump;
mod session;

#[global_allocator]
static HEAP: wasmsh_heap::Heap = wasmsh_heap::Heap;

/// What the component exports.
pub(crate) struct Component;

bindings::export!(Component);
