//! `wasmsh mcp`: a sandbox as a server of the Model Context Protocol: JSON-RPC 2.0, on standard input and output or over HTTP.
//!
//! The protocol is small here (a handshake, a list of tools, calls), so that serde_json is all that it needs.

mod http;
mod stdio;
mod tools;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use wasmsh::{Control, Session};

use self::tools::Refusal;
use crate::cli::Mcp;

/// Versions of the protocol that are spoken, the latest first.
const VERSIONS: [&str; 3] = ["2025-06-18", "2025-03-26", "2024-11-05"];

/// Errors of JSON-RPC 2.0.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;

/// Takes the answer to a message to whoever has sent it. One that needs no answer never calls it.
type Reply = Box<dyn FnOnce(Value) + Send>;

/// A call of a tool.
struct Call {
    id: Value,
    name: String,
    arguments: Value,
    reply: Reply,
}

/// Which call is under way.
#[derive(Default)]
struct UnderWay {
    id: Option<Value>,
    /// Calls that were given up before they began.
    cancelled: Vec<Value>,
}

/// Serves until its transport ends.
pub(crate) fn run(options: &Mcp) -> u8 {
    match options.http {
        Some(address) => http::serve(options, address),
        None => stdio::serve(&options.session),
    }
}

/// One client and its session.
struct Client {
    control: Control,
    under_way: Arc<Mutex<UnderWay>>,
    calls: Sender<Call>,
    worker: JoinHandle<()>,
}

impl Client {
    fn new(session: Session) -> Self {
        let control = session.control();
        let under_way: Arc<Mutex<UnderWay>> = Arc::default();
        let (calls, queue) = channel();
        let shared = Arc::clone(&under_way);
        let worker = std::thread::spawn(move || work(session, &queue, &shared));
        Self { control, under_way, calls, worker }
    }

    /// Whether nothing is being done.
    fn idle(&self) -> bool {
        lock(&self.under_way).id.is_none()
    }

    /// Waits until all that was asked is done. Whether that has gone well; a panic was told already.
    fn finish(self) -> bool {
        drop(self.calls);
        self.worker.join().is_ok()
    }

    /// Ends what is being done.
    fn cancel(&self) {
        self.control.cancel();
    }

    /// Answers what can be answered at once, and queues calls of tools.
    fn receive(&self, message: &Value, reply: Reply) {
        let id = message.get("id").cloned();
        let Some(method) = message.get("method").and_then(Value::as_str) else {
            // An answer to a question that was never asked needs none.
            if message.get("result").is_none() && message.get("error").is_none() {
                reply(failure(&id.unwrap_or(Value::Null), INVALID_REQUEST, "no method"));
            }
            return;
        };
        let parameters = message.get("params").cloned().unwrap_or_else(|| json!({}));
        let Some(id) = id else {
            if method == "notifications/cancelled"
                && let Some(request) = parameters.get("requestId")
            {
                let mut under_way = lock(&self.under_way);
                if under_way.id.as_ref() == Some(request) {
                    self.control.cancel();
                } else {
                    under_way.cancelled.push(request.clone());
                }
            }
            return;
        };
        match method {
            "initialize" => reply(success(&id, initialize(&parameters))),
            "ping" => reply(success(&id, json!({}))),
            "tools/list" => reply(success(&id, json!({ "tools": tools::tools() }))),
            "tools/call" => match parameters.get("name").and_then(Value::as_str) {
                Some(name) => {
                    let arguments = parameters.get("arguments").cloned().unwrap_or_else(|| json!({}));
                    // Without the worker, which has told why, there is nobody to answer.
                    let _ = self.calls.send(Call { id, name: name.to_owned(), arguments, reply });
                }
                None => reply(failure(&id, INVALID_PARAMS, "no name")),
            },
            _ => reply(failure(&id, METHOD_NOT_FOUND, &format!("no method {method}"))),
        }
    }
}

fn lock(under_way: &Mutex<UnderWay>) -> MutexGuard<'_, UnderWay> {
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Carries out calls, one after the other.
fn work(mut session: Session, queue: &Receiver<Call>, under_way: &Mutex<UnderWay>) {
    let mut snapshots = BTreeMap::new();
    while let Ok(Call { id, name, arguments, reply }) = queue.recv() {
        {
            let mut under_way = lock(under_way);
            if let Some(at) = under_way.cancelled.iter().position(|cancelled| *cancelled == id) {
                under_way.cancelled.swap_remove(at);
                continue;
            }
            under_way.id = Some(id.clone());
        }
        let result = tools::call(&mut session, &mut snapshots, &name, arguments);
        lock(under_way).id = None;
        reply(match result {
            Ok(result) => success(&id, result),
            Err(Refusal::Call(code, why)) => failure(&id, code, &why),
            Err(Refusal::Tool(why)) => success(&id, tools::content(why, true)),
        });
    }
}

fn success(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_the_client_wants_is_spoken_if_it_is_known() {
        let version = |wanted: &str| {
            initialize(&json!({ "protocolVersion": wanted }))["protocolVersion"].as_str().map(str::to_owned)
        };
        assert_eq!(version("2024-11-05").as_deref(), Some("2024-11-05"));
        assert_eq!(version("1999-01-01").as_deref(), Some(VERSIONS[0]));
    }
}
