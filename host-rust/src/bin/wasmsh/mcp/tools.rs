//! The tools that a model has, and what they do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wasmsh::protocol::Data;
use wasmsh::{FileType, Output, Session, Snapshot};

use super::INVALID_PARAMS;
use crate::cli::chain;

/// Characters of one stream that a model is shown; it can look at the rest in a file.
const SHOWN: usize = 100_000;

/// What `tools/list` tells.
pub(super) fn tools() -> Value {
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
        tool("read", "Returns the contents of a file.", json!({ "path": text("The file.") }), &["path"]),
        tool(
            "write",
            "Creates a file, and the directories above it, or replaces its contents.",
            json!({
                "path": text("The file."),
                "content": text("Its contents."),
                "executable": { "type": "boolean", "description": "Whether it can be run." },
            }),
            &["path", "content"],
        ),
        tool(
            "list",
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
            "install",
            "Installs Python packages by pip. It needs a network in which the package index is allowed.",
            json!({
                "packages": { "type": "array", "items": { "type": "string" }, "description": "What pip is given." },
            }),
            &["packages"],
        ),
    ])
}

/// Why a call has no result.
pub(super) enum Refusal {
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

/// Calls a tool. `begun` is called when it can be cancelled, if it ever can.
pub(super) fn call(
    session: &mut Session,
    snapshots: &mut BTreeMap<String, Snapshot>,
    name: &str,
    given: Value,
    begun: impl FnOnce() + Send + 'static,
) -> Result<Value, Refusal> {
    match name {
        "run" => {
            let RunArguments { script, stdin, timeout_seconds } = arguments(given)?;
            let mut run = session.run(script).stdin(stdin).on_start(begun);
            if let Some(seconds) = timeout_seconds {
                let time = Duration::try_from_secs_f64(seconds)
                    .map_err(|error| Refusal::Call(INVALID_PARAMS, error.to_string()))?;
                run = run.timeout(time);
            }
            Ok(shown(&run.output().map_err(failed)?))
        }
        "read" => {
            let PathArguments { path } = arguments(given)?;
            let contents = session.read_file(&path).map_err(failed)?;
            match String::from_utf8(contents) {
                Ok(text) => Ok(content(text, false)),
                Err(error) => Err(Refusal::Tool(format!("{path}: not UTF-8: {error}"))),
            }
        }
        "write" => {
            let WriteArguments { path, content: contents, executable } = arguments(given)?;
            let mode = if executable { 0o755 } else { 0o644 };
            session.write_file_with_mode(&path, &contents.0, mode).map_err(failed)?;
            Ok(content(format!("{} bytes written to {path}", contents.0.len()), false))
        }
        "list" => {
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
        "install" => {
            let PackageArguments { packages } = arguments(given)?;
            let run = session.run("python3 -m pip install \"$@\"").args(packages).fresh().on_start(begun);
            Ok(shown(&run.output().map_err(failed)?))
        }
        _ => Err(Refusal::Call(INVALID_PARAMS, format!("no tool {name}"))),
    }
}

/// What a model is told.
pub(super) fn content(text: String, is_error: bool) -> Value {
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
}
