//! A session on an in-memory filesystem with the machine's clock: for the tests, and for the native runner.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmsh_os::{Answer, Ceilings, Exit, FetchError, OutputStream, Request};
use wasmsh_shell::session::{Config, Limits, RunOptions, RunState, Session};
use wasmsh_vfs::{FileSystem, Timestamp, Vfs};

struct Machine(Instant);

impl wasmsh_os::Clock for Machine {
    fn wall(&self) -> Timestamp {
        now()
    }

    fn monotonic(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_nanos(elapsed.as_nanos() as i128)
}

struct Numbers(wasmsh_os::SeededEntropy);

impl wasmsh_vfs::Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        wasmsh_os::Entropy::fill(&self.0, bytes);
    }
}

pub(crate) fn filesystem() -> Vfs {
    Vfs::new(Rc::new(now), Rc::new(Numbers(wasmsh_os::SeededEntropy::new(1)))).expect("memory")
}

pub(crate) fn session(
    cwd: &str,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    files: &[(String, Vec<u8>)],
) -> Session {
    session_with(cwd, environment, files, Ceilings::default())
}

pub(crate) fn session_with(
    cwd: &str,
    environment: Vec<(Vec<u8>, Vec<u8>)>,
    files: &[(String, Vec<u8>)],
    ceilings: Ceilings,
) -> Session {
    let vfs = filesystem();
    vfs.set_user(0, 0);
    for (path, bytes) in files {
        let mut at = 0;
        while let Some(next) = path[at + 1..].find('/') {
            at += next + 1;
            if vfs.make_directory(&path[..at], 0o755).is_ok() {
                let _ = vfs.set_owner_at(&path[..at], Some(1000), Some(1000), true);
            }
        }
        let executable = bytes.starts_with(b"#!") || path.starts_with("/spec/bin/");
        let mode = if executable { 0o755 } else { 0o644 };
        let _ = vfs.write_file(path, bytes, mode);
        let _ = vfs.set_owner_at(path, Some(1000), Some(1000), true);
    }
    vfs.set_user(1000, 1000);
    let config = Config {
        environment,
        cwd: cwd.to_owned(),
        umask: 0o022,
        limits: Limits::default(),
        ceilings,
        commands: Vec::new(),
    };
    Session::new(
        Rc::new(vfs),
        Rc::new(Machine(Instant::now())),
        Rc::new(wasmsh_os::SeededEntropy::new(7)),
        config,
    )
}

/// Runs a script to its end; `None`: the time is up.
pub(crate) fn run(
    session: &Session,
    script: &[u8],
    options: &RunOptions,
    stdin: Option<&[u8]>,
    timeout: Duration,
    mut sink: impl FnMut(OutputStream, &[u8]),
) -> Option<u8> {
    let run = session.start(script, options).expect("one run at a time");
    let mut stdin = stdin;
    let begin = Instant::now();
    loop {
        if let Some(rest) = stdin {
            let taken = run.write_stdin(rest) as usize;
            stdin = Some(&rest[taken..]).filter(|rest| !rest.is_empty());
            if stdin.is_none() {
                run.close_stdin();
            }
        }
        let progress = run.resume(1_000_000, 1 << 20);
        for chunk in &progress.output {
            sink(chunk.origin, &chunk.bytes);
        }
        for (id, request) in progress.requests {
            match request {
                Request::Command { .. } => {
                    run.answer(id, Answer::Exited(Exit::Code(127)));
                }
                Request::Fetch(_) => {
                    let error = FetchError::Denied("this session has no network".into());
                    run.answer(id, Answer::Ended(Err(error)));
                }
                Request::Cancelled(_) => {}
            }
        }
        if begin.elapsed() > timeout {
            return None;
        }
        match progress.state {
            RunState::Exited(exit) => return Some(exit.status()),
            RunState::Running => {}
            RunState::Waiting { stdin: wanted, timer, .. } => {
                if wanted && stdin.is_none() {
                    run.close_stdin();
                }
                match timer {
                    Some(nanoseconds) => {
                        let left = timeout.saturating_sub(begin.elapsed());
                        std::thread::sleep(
                            Duration::from_nanos(nanoseconds).min(left + Duration::from_millis(1)),
                        );
                    }
                    None if wanted => {}
                    None => return Some(255),
                }
            }
        }
    }
}

pub(crate) fn default_environment(cwd: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", "/home/user"),
        ("USER", "user"),
        ("LOGNAME", "user"),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
        ("SHELL", "/bin/bash"),
        ("TERM", "dumb"),
        ("PWD", cwd),
        ("TMPDIR", "/tmp"),
    ]
    .iter()
    .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
    .collect()
}
