//! The shell on an in-memory filesystem, as a native program, for development: `native -c SCRIPT [NAME ARG...]`,
//! `native FILE [ARG...]`; with `--requests` it reads one JSON request a line (`{"id", "script", "stdin", "files",
//! "env", "cwd", "timeout"}`; a string may be `{"b64": …}`) and answers `{"stdout", "stderr", "status"}`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, Read, Write};
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use support::{default_environment, run, session};
use wasmsh_os::OutputStream;
use wasmsh_shell::session::{RunOptions, StdinKind};

#[path = "../tests/support/mod.rs"]
mod support;

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
        let status = run(
            &session,
            &bytes(&request["script"]),
            &options,
            stdin.as_deref(),
            timeout,
            |stream, bytes| match stream {
                OutputStream::Stdout => out.extend_from_slice(bytes),
                OutputStream::Stderr => err.extend_from_slice(bytes),
            },
        );
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
    let status =
        run(&session, &script, &options, None, Duration::from_secs(600), |stream, bytes| match stream {
            OutputStream::Stdout => std::io::stdout().write_all(bytes).expect("standard output"),
            OutputStream::Stderr => std::io::stderr().write_all(bytes).expect("standard error"),
        });
    let _ = std::io::stdout().flush();
    std::process::exit(i32::from(status.unwrap_or(124)));
}
