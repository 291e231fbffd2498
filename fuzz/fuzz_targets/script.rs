//! Any bytes as a script: expansions, builtins and the machine, under a limit of steps. The session is usable afterwards.

#![no_main]

use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let session = support::session("/workspace", support::default_environment("/workspace"), &[]);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    let _ = support::run(&session, data, &options, None, time, |_, _| {});
    // Names may have become functions or aliases, but a run begins and ends.
    let _ = support::run(&session, b":", &options, None, time, |_, _| {});
});
