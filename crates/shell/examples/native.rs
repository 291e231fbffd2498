//! The shell on an in-memory filesystem, as a native program, for development: `native -c SCRIPT [NAME ARG...]`,
//! `native FILE [ARG...]`; with `--requests` it reads one JSON request a line (`{"id", "script", "stdin", "files",
//! "env", "cwd", "timeout"}`; a string may be `{"b64": …}`) and answers `{"stdout", "stderr", "status"}`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::{Value, json};
use wasmsh_os::{Answer, Ceilings, Exit, OutputStream, Request};
use wasmsh_shell::session::{Config, Limits, RunOptions, RunState, Session, StdinKind};
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

fn session(cwd: &str, environment: Vec<(Vec<u8>, Vec<u8>)>, files: &[(String, Vec<u8>)]) -> Session {
    let vfs = Vfs::new(Rc::new(now), Rc::new(Numbers(wasmsh_os::SeededEntropy::new(1)))).expect("memory");
    vfs.set_user(0, 0);
    // A directory that its user may write to, as in a container of their own.
    let _ = vfs.set_mode_at("/", 0o777, true);
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
        ceilings: Ceilings::default(),
        commands: Vec::new(),
    };
    Session::new(Rc::new(vfs), Rc::new(Machine(Instant::now())), Rc::new(wasmsh_os::SeededEntropy::new(7)), config)
}

/// Runs a script to its end; `None`: the time is up.
fn run(
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
            if let Request::Command { .. } = request {
                run.answer(id, Answer::Exited(Exit::Code(127)));
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
                        std::thread::sleep(Duration::from_nanos(nanoseconds).min(left + Duration::from_millis(1)));
                    }
                    None if wanted => {}
                    None => return Some(255),
                }
            }
        }
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Object(map) => base64::engine::general_purpose::STANDARD
            .decode(map.get("b64").and_then(Value::as_str).unwrap_or_default())
            .unwrap_or_default(),
        Value::String(text) => text.clone().into_bytes(),
        _ => Vec::new(),
    }
}

fn text(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(error) => json!({ "b64": base64::engine::general_purpose::STANDARD.encode(error.as_bytes()) }),
    }
}

fn default_environment(cwd: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
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

fn serve() {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let request: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let cwd = request["cwd"].as_str().unwrap_or("/workspace");
        let mut environment = default_environment(cwd);
        if let Some(map) = request["env"].as_object() {
            for (name, value) in map {
                environment.retain(|(other, _)| other != name.as_bytes());
                environment.push((name.as_bytes().to_vec(), bytes(value)));
            }
        }
        let mut files = Vec::new();
        if let Some(map) = request["files"].as_object() {
            for (path, value) in map {
                let path = if path.starts_with('/') { path.clone() } else { format!("{cwd}/{path}") };
                files.push((path, bytes(value)));
            }
        }
        let session = session(cwd, environment, &files);
        let stdin = request.get("stdin").filter(|value| !value.is_null()).map(bytes);
        let options = RunOptions {
            name: b"bash".to_vec(),
            fresh: true,
            stdin: if stdin.is_some() { StdinKind::Piped } else { StdinKind::Empty },
            ..RunOptions::default()
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let timeout = Duration::from_secs_f64(request["timeout"].as_f64().unwrap_or(10.0));
        let status = run(&session, &bytes(&request["script"]), &options, stdin.as_deref(), timeout, |stream, bytes| {
            match stream {
                OutputStream::Stdout => out.extend_from_slice(bytes),
                OutputStream::Stderr => err.extend_from_slice(bytes),
            }
        });
        let reply = json!({ "id": request["id"], "stdout": text(out), "stderr": text(err), "status": status.unwrap_or(124),
            "timeout": status.is_none() });
        println!("{reply}");
        let _ = std::io::stdout().flush();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (script, rest) = match arguments.first().map(String::as_str) {
        Some("--requests") => return serve(),
        Some("-c") => (arguments[1].clone().into_bytes(), &arguments[2..]),
        Some(file) => (std::fs::read(file).expect("the script"), &arguments[0..]),
        None => {
            let mut script = Vec::new();
            std::io::stdin().read_to_end(&mut script).expect("standard input");
            (script, &arguments[..])
        }
    };
    let mut files = Vec::new();
    if let Ok(directory) = std::env::var("NATIVE_DATA") {
        for entry in std::fs::read_dir(directory).expect("the data").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((format!("/workspace/data/{name}"), std::fs::read(entry.path()).expect("a file")));
        }
    }
    let session = session("/workspace", default_environment("/workspace"), &files);
    let options = RunOptions {
        name: rest.first().map_or(b"bash".to_vec(), |name| name.clone().into_bytes()),
        arguments: rest.iter().skip(1).map(|arg| arg.clone().into_bytes()).collect(),
        fresh: true,
        ..RunOptions::default()
    };
    let status = run(&session, &script, &options, None, Duration::from_secs(600), |stream, bytes| match stream {
        OutputStream::Stdout => std::io::stdout().write_all(bytes).expect("standard output"),
        OutputStream::Stderr => std::io::stderr().write_all(bytes).expect("standard error"),
    });
    let _ = std::io::stdout().flush();
    std::process::exit(i32::from(status.unwrap_or(124)));
}
