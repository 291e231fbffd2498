//! Any bytes as lines with history and history expansion, and as what `history -p` and `fc` are given.

#![no_main]

use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

const PREPARE: &[u8] = b"set -o history -H\necho a 'b c' d/e.f\necho hello hello\n";
const GIVEN: &[u8] = b"set +H; mapfile -t w < input\nhistory -p \"${w[@]}\"; fc -l \"${w[@]}\"; fc -s \"${w[@]}\"; history -r input; history\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let files = [("/workspace/input".to_owned(), data.to_vec())];
    let session = support::session("/workspace", support::default_environment("/workspace"), &files);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    let _ = support::run(&session, &[PREPARE, data].concat(), &options, None, time, |_, _| {});
    let _ = support::run(&session, GIVEN, &options, None, time, |_, _| {});
});
