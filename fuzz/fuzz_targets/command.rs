//! Any bytes as what a command reads: a program, a pattern, an archive, a table. The session is usable afterwards.
//!
//! `WASMSH_COMMAND=tar cargo +nightly fuzz run command` stays with one row of `commands.txt`; without it, the first byte
//! of the input chooses.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

/// A row is a name and the script that gives the file `input` to the command in each of its roles.
fn commands() -> &'static [(&'static str, &'static str)] {
    static COMMANDS: OnceLock<Vec<(&str, &str)>> = OnceLock::new();
    COMMANDS
        .get_or_init(|| include_str!("commands.txt").lines().filter_map(|row| row.split_once(": ")).collect())
}

const TEXT: &[u8] = b"one two three\nuser=17 path=/a/b.c\n\n42,\"x \"\"y\",z\n\tindented \xc3\xa9\n";
const JSON: &[u8] = br#"{"a":[1,2.5,{"b":null}],"c":"text","d":true,"e":{"f":[[]]}}"#;

/// The row that `WASMSH_COMMAND` names.
fn chosen() -> Option<usize> {
    static CHOSEN: OnceLock<Option<usize>> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        let name = std::env::var("WASMSH_COMMAND").ok()?;
        let row = commands().iter().position(|(known, _)| *known == name);
        assert!(row.is_some(), "WASMSH_COMMAND={name}: not in the table");
        row
    })
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (row, input) = match (chosen(), data) {
        (Some(row), input) => (row, input),
        (None, [first, input @ ..]) => (usize::from(*first) % commands().len(), input),
        (None, []) => return,
    };
    let files = [("input", input), ("text", TEXT), ("data.json", JSON), ("d/keep", b"")]
        .map(|(name, bytes)| (format!("/workspace/{name}"), bytes.to_vec()));
    let session = support::session("/workspace", support::default_environment("/workspace"), &files);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    let _ = support::run(&session, commands()[row].1.as_bytes(), &options, None, time, |_, _| {});
    let after = support::run(&session, b"exit 3", &options, None, time, |_, _| {});
    assert_eq!(after, Some(3), "the session is not usable");
});
