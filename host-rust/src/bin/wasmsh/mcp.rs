//! `wasmsh mcp`: a sandbox as a server of the Model Context Protocol, JSON-RPC 2.0 on standard input and output.
//!
//! The protocol is small here (a handshake, a list of tools, calls), so that serde_json is all that it needs.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasmsh::protocol::Data;
use wasmsh::{Control, FileType, Output, Session, Snapshot};

use crate::cli::{NoSession, SessionOptions, chain, complain};

/// Versions of the protocol that are spoken, the latest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];

/// Characters of one stream that a model is shown; it can look at the rest in a file.
const SHOWN: usize = 100_000;

/// Errors of JSON-RPC 2.0.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;

/// A call of a tool, and the id that its result has.
struct Call {
    id: Value,
    name: String,
    arguments: Value,
}

/// Which call is under way.
#[derive(Default)]
struct UnderWay {
    id: Option<Value>,
    /// Calls that were given up before they began.
    cancelled: Vec<Value>,
}

/// Serves until the end of standard input, and until what was asked by then is done.
pub(crate) fn run(options: &SessionOptions) -> u8 {
    let session = match options.session() {
        Ok(session) => session,
        Err(NoSession(status, why)) => {
            complain(&why);
            return status;
        }
    };
    let control = session.control();
    let under_way: Arc<Mutex<UnderWay>> = Arc::default();
    let (calls, queue) = channel();
    let shared = Arc::clone(&under_way);
    let worker = std::thread::spawn(move || work(session, &queue, &shared));
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if line.trim().is_empty() {
            continue;
        }
        let message: Value = match serde_json::from_str(&line) {
            Ok(message) => message,
            Err(error) => {
                answer(&Value::Null, Err((PARSE_ERROR, error.to_string())));
                continue;
            }
        };
        if let Some(call) = take(&message, &control, &under_way)
            && calls.send(call).is_err()
        {
            break;
        }
    }
    drop(calls);
    // A panic there was told already.
    u8::from(worker.join().is_err())
}

/// Answers what can be answered at once; a call of a tool is returned.
fn take(message: &Value, control: &Control, under_way: &Mutex<UnderWay>) -> Option<Call> {
    let id = message.get("id").cloned();
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        // An answer to a question that was never asked needs none.
        if message.get("result").is_none() && message.get("error").is_none() {
            answer(&id.unwrap_or(Value::Null), Err((INVALID_REQUEST, "no method".to_owned())));
        }
        return None;
    };
    let parameters = message.get("params").cloned().unwrap_or_else(|| json!({}));
    let Some(id) = id else {
        if method == "notifications/cancelled"
            && let Some(request) = parameters.get("requestId")
        {
            let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if under_way.id.as_ref() == Some(request) {
                control.cancel();
            } else {
                under_way.cancelled.push(request.clone());
            }
        }
        return None;
    };
    match method {
        "initialize" => answer(&id, Ok(initialize(&parameters))),
        "ping" => answer(&id, Ok(json!({}))),
        "tools/list" => answer(&id, Ok(json!({ "tools": tools() }))),
        "tools/call" => match parameters.get("name").and_then(Value::as_str) {
            Some(name) => {
                let arguments = parameters.get("arguments").cloned().unwrap_or_else(|| json!({}));
                return Some(Call { id, name: name.to_owned(), arguments });
            }
            None => answer(&id, Err((INVALID_PARAMS, "no name".to_owned()))),
        },
        _ => answer(&id, Err((METHOD_NOT_FOUND, format!("no method {method}")))),
    }
    None
}

fn initialize(parameters: &Value) -> Value {
    let wanted = parameters.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    let version = VERSIONS.iter().find(|version| **version == wanted).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "wasmsh", "version": env!("CARGO_PKG_VERSION") },
        "instructions": "A sandbox: bash with the usual utilities, Python 3.13 and a filesystem of its own that \
                         stays from call to call, as variables, functions and the directory do. /workspace is \
                         where it starts. Nothing of the host can be reached.",
    })
}

fn tools() -> Value {
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
        json!({
            "name": name,
            "description": description,
            "inputSchema": { "type": "object", "properties": properties, "required": required },
        })
    };
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!([
        tool(
            "run",
            "Runs a bash script and returns what it writes and its exit status. Variables, functions, the \
             directory and files stay for the next call. python3, pip, jq, awk, sed, curl and \
             a few hundred other commands are there.",
            json!({
                "script": text("The script."),
                "stdin": text("Its standard input; empty unless given."),
                "timeout_seconds": { "type": "number", "description": "Ends it after this time." },
            }),
            &["script"],
        ),
        tool("read_file", "Returns the contents of a file.", json!({ "path": text("The file.") }), &["path"]),
        tool(
            "write_file",
            "Creates a file, and the directories above it, or replaces its contents.",
            json!({
                "path": text("The file."),
                "content": text("Its contents."),
                "executable": { "type": "boolean", "description": "Whether it can be run." },
            }),
            &["path", "content"],
        ),
        tool(
            "list_files",
            "Lists a directory.",
            json!({
                "path": text("The directory; /workspace unless given."),
                "recursive": { "type": "boolean", "description": "Whether to list what is below, too." },
            }),
            &[],
        ),
        tool(
            "snapshot",
            "Remembers files and shell under a name.",
            json!({ "name": text("The name.") }),
            &["name"],
        ),
        tool(
            "restore",
            "Makes files and shell what they were when `snapshot` was called with this name.",
            json!({ "name": text("The name.") }),
            &["name"],
        ),
        tool(
            "install_packages",
            "Installs Python packages by pip. It needs a network in which the package index is allowed.",
            json!({
                "packages": { "type": "array", "items": { "type": "string" }, "description": "What pip is given." },
            }),
            &["packages"],
        ),
    ])
}

/// Carries out calls, one after the other.
fn work(mut session: Session, queue: &Receiver<Call>, under_way: &Mutex<UnderWay>) {
    let mut snapshots = BTreeMap::new();
    while let Ok(Call { id, name, arguments }) = queue.recv() {
        {
            let mut under_way = under_way.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = under_way.cancelled.iter().position(|cancelled| *cancelled == id) {
                under_way.cancelled.swap_remove(at);
                continue;
            }
            under_way.id = Some(id.clone());
        }
        let result = call(&mut session, &mut snapshots, &name, arguments);
        under_way.lock().unwrap_or_else(PoisonError::into_inner).id = None;
        match result {
            Ok(result) => answer(&id, Ok(result)),
            Err(Refusal::Call(code, why)) => answer(&id, Err((code, why))),
            Err(Refusal::Tool(why)) => answer(&id, Ok(content(why, true))),
        }
    }
}

/// Why a call has no result.
enum Refusal {
    /// The call is wrong: an error of JSON-RPC.
    Call(i32, String),
    /// The tool has failed: what the model is told.
    Tool(String),
}

fn failed(error: impl std::error::Error) -> Refusal {
    Refusal::Tool(chain(&error))
}

fn arguments<T: DeserializeOwned>(arguments: Value) -> Result<T, Refusal> {
    serde_json::from_value(arguments).map_err(|error| Refusal::Call(INVALID_PARAMS, error.to_string()))
}

#[derive(Deserialize)]
struct RunArguments {
    script: String,
    #[serde(default)]
    stdin: String,
    timeout_seconds: Option<f64>,
}

#[derive(Deserialize)]
struct PathArguments {
    path: String,
}

#[derive(Deserialize)]
struct WriteArguments {
    path: String,
    content: Data,
    #[serde(default)]
    executable: bool,
}

#[derive(Deserialize)]
struct ListArguments {
    path: Option<String>,
    #[serde(default)]
    recursive: bool,
}

#[derive(Deserialize)]
struct NameArguments {
    name: String,
}

#[derive(Deserialize)]
struct PackageArguments {
    packages: Vec<String>,
}

fn call(
    session: &mut Session,
    snapshots: &mut BTreeMap<String, Snapshot>,
    name: &str,
    given: Value,
) -> Result<Value, Refusal> {
    match name {
        "run" => {
            let RunArguments { script, stdin, timeout_seconds } = arguments(given)?;
            let mut run = session.run(script).stdin(stdin);
            if let Some(seconds) = timeout_seconds {
                let time = Duration::try_from_secs_f64(seconds)
                    .map_err(|error| Refusal::Call(INVALID_PARAMS, error.to_string()))?;
                run = run.timeout(time);
            }
            Ok(shown(&run.output().map_err(failed)?))
        }
        "read_file" => {
            let PathArguments { path } = arguments(given)?;
            let contents = session.read_file(&path).map_err(failed)?;
            match String::from_utf8(contents) {
                Ok(text) => Ok(content(text, false)),
                Err(error) => Err(Refusal::Tool(format!("{path}: not UTF-8: {error}"))),
            }
        }
        "write_file" => {
            let WriteArguments { path, content: contents, executable } = arguments(given)?;
            let mode = if executable { 0o755 } else { 0o644 };
            session.write_file_with_mode(&path, &contents.0, mode).map_err(failed)?;
            Ok(content(format!("{} bytes written to {path}", contents.0.len()), false))
        }
        "list_files" => {
            let ListArguments { path, recursive } = arguments(given)?;
            let path = path.unwrap_or_else(|| wasmsh::DEFAULT_WORKSPACE_DIR.to_owned());
            let mut text = String::new();
            let mut line = |path: &str, kind, size| match kind {
                FileType::Directory => text.push_str(&format!("{path}/\n")),
                _ => text.push_str(&format!("{path}\t{size}\n")),
            };
            if recursive {
                for found in session.walk(&path).map_err(failed)?.skip(1) {
                    let (path, stat) = found.map_err(failed)?;
                    line(&path, stat.kind, stat.size);
                }
            } else {
                for entry in session.list_dir(&path).map_err(failed)? {
                    line(&entry.name, entry.stat.kind, entry.stat.size);
                }
            }
            Ok(content(text, false))
        }
        "snapshot" => {
            let NameArguments { name } = arguments(given)?;
            let snapshot = session.snapshot().map_err(failed)?;
            let text = format!("{name}: {} bytes", snapshot.as_ref().len());
            snapshots.insert(name, snapshot);
            Ok(content(text, false))
        }
        "restore" => {
            let NameArguments { name } = arguments(given)?;
            let snapshot = snapshots.get(&name).ok_or_else(|| {
                let known: Vec<&str> = snapshots.keys().map(String::as_str).collect();
                Refusal::Tool(format!("no snapshot {name:?}; there are: {}", known.join(", ")))
            })?;
            session.restore(snapshot).map_err(failed)?;
            Ok(content(format!("{name}: restored"), false))
        }
        "install_packages" => {
            let PackageArguments { packages } = arguments(given)?;
            let run = session.run("python3 -m pip install \"$@\"").args(packages).fresh();
            Ok(shown(&run.output().map_err(failed)?))
        }
        _ => Err(Refusal::Call(INVALID_PARAMS, format!("no tool {name}"))),
    }
}

fn content(text: String, is_error: bool) -> Value {
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}

/// What a run has come to, for a model to read and for a program.
fn shown(output: &Output) -> Value {
    let (stdout, stderr) = (cut(&output.stdout_text()), cut(&output.stderr_text()));
    let mut text = stdout.clone();
    let mut add = |part: &str| {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(part);
    };
    if !stderr.is_empty() {
        add(&format!("[stderr]\n{stderr}"));
    }
    if !output.success() {
        add(&format!("[exit status {}]", output.status()));
    }
    for limit in &output.exceeded {
        add(&format!("[{limit}]"));
    }
    let mut result = content(text, !output.success());
    if let Some(object) = result.as_object_mut() {
        let structured = json!({
            "status": output.status(), "stdout": stdout, "stderr": stderr,
            "exceeded": output.exceeded, "recovery": output.recovery,
        });
        object.insert("structuredContent".to_owned(), structured);
    }
    result
}

/// The beginning and the end of a long text, and how much is between them.
fn cut(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(SHOWN / 2);
    let tail = text.ceil_char_boundary(text.len() - SHOWN / 2);
    let (start, end) = (text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default());
    format!("{start}\n[{} bytes are left out here]\n{end}", tail - head)
}

fn answer(id: &Value, result: Result<Value, (i32, String)>) {
    let message = match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err((code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    };
    let mut stdout = io::stdout().lock();
    let written = serde_json::to_writer(&mut stdout, &message)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    if written.is_err() {
        // Nobody listens: as a program that a PIPE signal has ended.
        process::exit(141);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_show_their_beginning_and_their_end() {
        let text = "a".repeat(SHOWN) + "\u{20ac}" + &"z".repeat(SHOWN);
        let shown = cut(&text);
        assert!(shown.starts_with("aaa") && shown.ends_with("zzz"));
        assert!(shown.contains("[100003 bytes are left out here]"), "{}", shown.len());
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn the_version_that_the_client_wants_is_spoken_if_it_is_known() {
        let version = |wanted: &str| {
            initialize(&json!({ "protocolVersion": wanted }))["protocolVersion"].as_str().map(str::to_owned)
        };
        assert_eq!(version("2024-11-05").as_deref(), Some("2024-11-05"));
        assert_eq!(version("1999-01-01").as_deref(), Some(VERSIONS[0]));
    }
}
