//! `wasmsh mcp`: a sandbox as a server of the Model Context Protocol: JSON-RPC 2.0, on standard input and output or over HTTP.
//!
//! The protocol is small here (a handshake, a list of tools, calls), so that serde_json is all that it needs.

mod http;
mod stdio;
mod tools;

use std::collections::{BTreeMap, VecDeque};
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
    /// Calls that have not begun, and whether they were given up.
    waiting: VecDeque<(Value, bool)>,
    /// Nobody wants the one that is under way any more.
    given_up: bool,
    /// The client has gone.
    over: bool,
}

impl UnderWay {
    /// The next call begins. Whether somebody still wants it.
    fn begin(&mut self, id: &Value) -> bool {
        let given_up = self.waiting.pop_front().is_some_and(|(_, given_up)| given_up);
        let wanted = !given_up && !self.over;
        (self.id, self.given_up) = (wanted.then(|| id.clone()), false);
        wanted
    }

    /// A call is given up. Whether it is under way; one that is over, or that nobody has made, is none.
    fn give_up(&mut self, id: &Value) -> bool {
        for (_, given_up) in self.waiting.iter_mut().filter(|(waiting, _)| waiting == id) {
            *given_up = true;
        }
        let under_way = self.id.as_ref() == Some(id);
        self.given_up |= under_way;
        under_way
    }
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

    /// Ends what is being done, and begins nothing more.
    fn cancel(&self) {
        lock(&self.under_way).over = true;
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
                if under_way.give_up(request) {
                    self.control.cancel();
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
                    // Held until it is sent, so that both are in the same order.
                    let mut under_way = lock(&self.under_way);
                    under_way.waiting.push_back((id.clone(), false));
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
fn work(mut session: Session, queue: &Receiver<Call>, under_way: &Arc<Mutex<UnderWay>>) {
    let mut snapshots = BTreeMap::new();
    while let Ok(Call { id, name, arguments, reply }) = queue.recv() {
        if !lock(under_way).begin(&id) {
            continue;
        }
        // A cancel that came too early for the run.
        let (shared, control) = (Arc::clone(under_way), session.control());
        let begun = move || {
            let under_way = lock(&shared);
            if under_way.given_up || under_way.over {
                control.cancel();
            }
        };
        let result = tools::call(&mut session, &mut snapshots, &name, arguments, begun);
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
    fn a_call_is_given_up_only_while_there_is_one() {
        let mut under_way = UnderWay::default();
        let [one, two, three] = [json!(1), json!("two"), json!(3)];
        under_way.waiting.extend([(one.clone(), false), (two.clone(), false), (three.clone(), false)]);
        assert!(under_way.begin(&one));
        assert!(under_way.give_up(&one) && !under_way.give_up(&two) && !under_way.give_up(&json!("nothing")));
        assert!(!under_way.begin(&two) && under_way.begin(&three) && under_way.waiting.is_empty());
        // What was given up is forgotten: another call may have its number.
        assert!(!under_way.give_up(&two));
        under_way.waiting.push_back((two.clone(), false));
        assert!(under_way.begin(&two));
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
