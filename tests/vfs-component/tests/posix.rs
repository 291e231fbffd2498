//! The suite of semantics, on the component in Wasmtime.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "test code")]

#[path = "../../../crates/vfs/tests/suite/posix.rs"]
mod posix;

use posix::TESTS;
use wasmsh_test_vfs_component::remote::Remote;

#[test]
fn the_component_passes_the_suite_of_the_crate() {
    for test in TESTS {
        println!("{}", test.name);
        (test.run)(&Remote::new());
    }
}
