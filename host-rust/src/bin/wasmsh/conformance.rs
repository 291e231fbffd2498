//! `wasmsh conformance`: cases as lines of JSON, each in a fresh session.
//!
//! A request is `{"script", "stdin"?, "files"?, "env"?, "cwd"?, "timeout"?}`, the reply
//! `{"stdout", "stderr", "status"}` and `"timeout": true` when the case has run into its time limit. Any string may
//! be `{"b64": …}` instead, on both sides. Files that begin with `#!` or lie in `/spec/bin` are executable.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmsh::protocol::Data as Text;
use wasmsh::{Engine, Exit, Limit, Output};

use crate::cli::{EngineOptions, chain, complain};

/// Seconds that a case has when it says nothing.
const DEFAULT_TIMEOUT: f64 = 10.0;
/// The status of a request that cannot be carried out.
const BAD_REQUEST: u8 = 2;

#[derive(Deserialize)]
struct Request {
    script: Text,
    stdin: Option<Text>,
    #[serde(default)]
    files: BTreeMap<String, Text>,
    #[serde(default)]
    env: BTreeMap<String, Text>,
    cwd: Option<String>,
    timeout: Option<f64>,
}

#[derive(Default, Serialize)]
struct Reply {
    stdout: Text,
    stderr: Text,
    status: u8,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    timeout: bool,
}

/// Serves until the end of standard input.
pub(crate) fn serve(options: &EngineOptions) -> u8 {
    let engine = match options.engine() {
        Ok(engine) => engine,
        Err(error) => {
            complain(&chain(&error));
            return 70;
        }
    };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let reply = line
            .map_err(|error| error.to_string())
            .and_then(|line| serde_json::from_str(&line).map_err(|error| format!("bad request: {error}")))
            .and_then(|request| answer(&engine, request))
            .unwrap_or_else(|why| Reply {
                stderr: Text(format!("wasmsh: {why}\n").into_bytes()),
                status: BAD_REQUEST,
                ..Reply::default()
            });
        let written = serde_json::to_writer(&mut out, &reply)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .and_then(|()| out.flush());
        if written.is_err() {
            return 141;
        }
    }
    0
}

fn answer(engine: &Engine, request: Request) -> Result<Reply, String> {
    let cwd = request.cwd.unwrap_or_else(|| wasmsh::DEFAULT_WORKSPACE_DIR.to_owned());
    let mut builder = engine.session().cwd(cwd).env("TMPDIR", "/tmp");
    for (name, value) in request.env {
        builder = builder.env(name, value.0);
    }
    let mut session = builder.build().map_err(|error| chain(&error))?;
    for (path, contents) in request.files {
        let contents = contents.0;
        let executable = contents.starts_with(b"#!") || path.starts_with("/spec/bin/");
        let mode = if executable { 0o755 } else { 0o644 };
        session.write_file_with_mode(&path, contents, mode).map_err(|error| chain(&error))?;
    }
    let timeout = request.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let timeout = Duration::try_from_secs_f64(timeout).map_err(|error| format!("timeout: {error}"))?;
    let mut run = session.run(request.script.0).timeout(timeout).fresh();
    if let Some(stdin) = request.stdin {
        run = run.stdin(stdin.0);
    }
    match run.output() {
        Ok(output) => Ok(reply(output)),
        Err(error) => Ok(Reply {
            stderr: Text(format!("wasmsh: {}\n", chain(&error)).into_bytes()),
            status: 70,
            ..Reply::default()
        }),
    }
}

fn reply(output: Output) -> Reply {
    Reply {
        status: output.status(),
        timeout: matches!(output.exit, Exit::Limited(Limit::WallTimeMs(_))),
        stdout: Text(output.stdout),
        stderr: Text(output.stderr),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_may_leave_out_what_has_a_default() {
        let request: Request = serde_json::from_str(r#"{"id": "x", "script": "echo"}"#).unwrap();
        assert!(request.stdin.is_none() && request.files.is_empty() && request.timeout.is_none());
        assert!(serde_json::from_str::<Request>("{}").is_err());
    }
}
