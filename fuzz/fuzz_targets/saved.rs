//! A snapshot of files and a saved state of the shell, with some bytes changed and the checksums that they then need.
//!
//! The input is a script, whose state is saved, and after a NUL the changes: a place in two bytes and a new byte.

#![no_main]

use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};
use wasmsh_vfs::{FileSystem, Vfs};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

const SEEN: &[u8] = b"set; declare -pf; alias; trap; shopt; umask; cd .; f; echo \"${a[@]}\" \"${!m[@]}\"";

/// The changes; a place behind the end stands for the end.
fn changed(mut bytes: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
        match bytes.get_mut(at) {
            Some(byte) => *byte = edit[2],
            None => bytes.push(edit[2]),
        }
    }
    bytes
}

fn sample() -> Vfs {
    let files = support::filesystem();
    files.set_user(0, 0);
    let _ = files.make_directory("/d", 0o755);
    let _ = files.write_file("/d/f", b"text", 0o644);
    let _ = files.write_file("/d/g", &[7; 70_000], 0o644);
    let _ = files.symlink("f", "/d/s");
    let _ = files.link("/d/f", "/h", false);
    files
}

fn files(edits: &[u8]) {
    let files = sample();
    let mut reader = files.take_snapshot().expect("memory");
    let mut bytes = Vec::new();
    loop {
        let piece = reader.next(1 << 16);
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(&piece);
    }
    bytes.truncate(bytes.len() - 8);
    let mut bytes = changed(bytes, edits);
    bytes.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&bytes).to_le_bytes());
    let mut writer = files.restore_snapshot();
    let pushed = bytes.chunks(edits.len() + 1).try_for_each(|piece| writer.push(piece));
    if pushed.is_ok() && writer.finish().is_ok() {
        let mut reader = files.take_snapshot().expect("memory");
        while !reader.next(1 << 16).is_empty() {}
        assert_eq!(reader.failure(), None, "what was restored cannot be taken");
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (script, edits) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[][..]),
    };
    files(edits);
    let session = support::session("/workspace", support::default_environment("/workspace"), &[]);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    if support::run(&session, script, &options, None, time, |_, _| {}).is_none() {
        return;
    }
    let mut bytes = session.save().expect("no run is under way");
    bytes.truncate(bytes.len() - 8);
    let mut bytes = changed(bytes, edits);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum: u64, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    bytes.extend_from_slice(&sum.to_le_bytes());
    let loaded = session.load(&bytes);
    assert!(loaded.is_ok() || !edits.is_empty(), "what was saved is not read: {loaded:?}");
    let _ = support::run(&session, SEEN, &options, None, time, |_, _| {});
});
