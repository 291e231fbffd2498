//! Looks for differences between bash and this shell: makes scripts at random from a grammar, runs each in the bash of
//! the machine and in the shell, and compares standard output and status.
//!
//! `cargo run -p wasmsh-shell --example differ -- [--seed FIRST] [--count N] [--errors] [--show] [--most M]`
//!
//! The script of a number is always the same: `--seed 17 --count 1 --show` shows one. Of a script with a difference the
//! lines that it does not need are deleted before it is printed. `--errors` compares standard error too; `--most` ends
//! the search after that many differences (20). Scripts run in a directory of their own, under `timeout`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use wasmsh_os::OutputStream;
use wasmsh_shell::session::RunOptions;

mod grammar;
#[path = "../../tests/support/mod.rs"]
mod support;

/// The files that every script finds.
const FILES: &[(&str, &str)] = &[
    ("one", "a b\nc\n\nd e f\n"),
    ("two.txt", "1:2:3\n4::5\n"),
    (".hid", "hidden\n"),
    ("d/in.txt", "x\\ty\nlast"),
    ("d/e/deep", "z\n"),
    ("a[b]", "odd\n"),
];

/// How long a script may take.
const SECONDS: u64 = 10;

#[derive(PartialEq, Eq)]
struct Result {
    status: i32,
    out: Vec<u8>,
    err: Vec<u8>,
}

/// What the real shell does with a script.
fn in_bash(script: &str, home: &Path) -> Result {
    let directory = home.join("workspace");
    let _ = std::fs::remove_dir_all(&directory);
    for (name, text) in FILES {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }
    let seconds = SECONDS.to_string();
    let output = Command::new("timeout")
        .args([&*seconds, "bash", "-c", script])
        .current_dir(&directory)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", "/home/user")
        .env("LANG", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .expect("bash and timeout");
    // A signal ends it as a shell shows it.
    let signal = output.status.signal().map_or(-1, |signal| 128 + signal);
    Result { status: output.status.code().unwrap_or(signal), out: output.stdout, err: output.stderr }
}

/// What this shell does with it.
fn here(script: &str) -> Result {
    let files: Vec<_> =
        FILES.iter().map(|(name, text)| (format!("/workspace/{name}"), text.as_bytes().to_vec())).collect();
    let environment = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/home/user"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("PWD", "/workspace"),
    ];
    let environment = environment.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec()));
    let session = support::session("/workspace", environment.collect(), &files);
    let options = RunOptions { name: b"bash".to_vec(), fresh: true, ..RunOptions::default() };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let time = Duration::from_secs(SECONDS);
    let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        support::run(&session, script.as_bytes(), &options, None, time, |stream, bytes| match stream {
            OutputStream::Stdout => out.extend_from_slice(bytes),
            OutputStream::Stderr => err.extend_from_slice(bytes),
        })
    }));
    let status = match run {
        Ok(Some(status)) => i32::from(status),
        Ok(None) => 124,
        Err(_) => -2,
    };
    Result { status, out, err }
}

struct Differ {
    home: PathBuf,
    errors: bool,
}

impl Differ {
    /// Both results, if they differ.
    fn difference(&self, script: &str) -> Option<(Result, Result)> {
        let (mut theirs, mut ours) = (in_bash(script, &self.home), here(script));
        if !self.errors {
            theirs.err.clear();
            ours.err.clear();
        }
        (theirs != ours).then_some((theirs, ours))
    }

    /// The script without the lines that the difference does not need: ever smaller pieces are left out.
    fn smallest(&self, script: &str) -> String {
        let mut lines: Vec<&str> = script.lines().collect();
        let mut size = lines.len().div_ceil(2);
        loop {
            let mut at = 0;
            let mut fewer = false;
            while at < lines.len() {
                let mut without = lines.clone();
                without.drain(at..(at + size).min(lines.len()));
                // A script of another shape is no smaller form of this one: bash must be able to read it.
                let text = without.join("\n");
                if is_well_formed(&text) && self.difference(&text).is_some() {
                    lines = without;
                    fewer = true;
                } else {
                    at += size;
                }
            }
            if size > 1 {
                size = size.div_ceil(2);
            } else if !fewer {
                return lines.join("\n");
            }
        }
    }
}

fn is_well_formed(script: &str) -> bool {
    let mut bash = Command::new("bash");
    let bash = bash.args(["-n", "-O", "extglob", "-c", script]).stdin(Stdio::null());
    bash.output().is_ok_and(|output| output.status.success() && output.stderr.is_empty())
}

fn main() {
    let (mut seed, mut count, mut errors, mut show, mut most) = (1, 1000, false, false, 20);
    let mut arguments = std::env::args().skip(1);
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).expect("a number");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => seed = number(arguments.next()),
            "--count" => count = number(arguments.next()),
            "--most" => most = number(arguments.next()),
            "--errors" => errors = true,
            "--show" => show = true,
            other => panic!("what is {other}?"),
        }
    }
    let home = std::env::temp_dir().join(format!("wasmsh-differ-{}", std::process::id()));
    std::fs::create_dir_all(&home).expect("a directory");
    let grammar = grammar::Grammar::new();
    let differ = Differ { home, errors };
    let mut different = 0;
    let mut scripts = 0;
    for seed in seed..seed + count {
        let script = grammar.script(seed);
        if show {
            println!("{script}");
        }
        scripts += 1;
        if differ.difference(&script).is_none() {
            continue;
        }
        different += 1;
        let small = differ.smallest(&script);
        println!("==== seed {seed}\n{small}");
        if let Some((theirs, ours)) = differ.difference(&small) {
            for (who, result) in [("bash", theirs), ("here", ours)] {
                println!("---- {who}: status {}", result.status);
                print!("{}{}", String::from_utf8_lossy(&result.out), String::from_utf8_lossy(&result.err));
            }
        }
        if different >= most {
            break;
        }
    }
    println!("{scripts} scripts, {different} with a difference");
    let _ = std::fs::remove_dir_all(&differ.home);
}
