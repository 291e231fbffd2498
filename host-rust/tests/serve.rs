//! `wasmsh serve --stdio` and `wasmsh mcp`, as a program at the other end meets them. Needs the components of
//! `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A server at the other end of two pipes.
struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn new(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wasmsh"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, stdin, lines: BufReader::new(stdout).lines() }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_ref().unwrap(), "{message}").unwrap();
    }

    fn next(&mut self) -> Value {
        serde_json::from_str(&self.lines.next().unwrap().unwrap()).unwrap()
    }

    /// Sends a request, and returns what answers it; what was written before is put together.
    fn ask(&mut self, message: &Value) -> (Value, String) {
        self.send(message);
        let mut output = String::new();
        loop {
            let event = self.next();
            assert_eq!(event["id"], message["id"], "{event}");
            match event["type"].as_str().unwrap() {
                "Stdout" | "Stderr" => output.push_str(event["data"].as_str().unwrap()),
                _ => return (event, output),
            }
        }
    }

    fn end(mut self) -> (Vec<Value>, i32) {
        drop(self.stdin.take());
        let rest = self.lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
        (rest, self.child.wait().unwrap().code().unwrap())
    }
}

fn serve() -> Server {
    let mut server = Server::new(&["serve", "--stdio"]);
    let version = server.next();
    assert_eq!((&version["type"], &version["protocol"]), (&json!("Version"), &json!(1)));
    server
}

#[test]
fn a_run_that_has_not_begun_can_be_cancelled_too() {
    let mut server = serve();
    // Nothing is waited for: the session is not even made when it is cancelled.
    for (run, other) in [(1, json!({"type": "Cancel"})), (11, json!({"type": "Signal", "signal": "TERM"}))] {
        let mut other = other;
        (other["id"], other["session"]) = (json!(run + 1), json!(format!("of {run}")));
        server
            .send(&json!({"id": run, "session": format!("of {run}"), "type": "Run", "script": "sleep 600"}));
        server.send(&other);
        server
            .send(&json!({"id": run + 2, "session": format!("of {run}"), "type": "Run", "script": "exit 7"}));
    }
    let (events, status) = server.end();
    let of = |id: u64| events.iter().find(|event| event["id"] == json!(id)).unwrap();
    assert_eq!(
        [1, 11, 3, 13].map(|id| of(id)["status"].as_u64()),
        [Some(137), Some(143), Some(7), Some(7)],
        "{events:?}"
    );
    assert_eq!([2, 12].map(|id| of(id)["type"].as_str()), [Some("Reply"); 2]);
    assert_eq!(status, 0);
}

#[test]
fn sessions_are_made_run_and_kept_apart() {
    let mut server = serve();
    let (event, _) = server.ask(&json!({
        "id": 1, "session": "a", "type": "Init", "env": {"NAME": "a"},
        "initialFiles": [{"path": "f", "content": {"b64": "/w=="}}],
    }));
    assert_eq!(event, json!({"type": "Reply", "id": 1, "session": "a", "value": null}));
    let (event, output) = server.ask(&json!({
        "id": 2, "session": "a", "type": "Run", "script": "echo $NAME $1; wc -c < f; x=1; exit 3", "args": ["one"],
    }));
    assert_eq!(output, "a one\n1\n");
    assert_eq!(
        (&event["type"], &event["status"], &event["exit"]),
        (&json!("Exit"), &json!(3), &json!({"code": 3}))
    );
    let (_, output) =
        server.ask(&json!({"id": 3, "session": "a", "type": "Run", "script": "echo ${x-none}"}));
    assert_eq!(output, "1\n");
    let (_, output) =
        server.ask(&json!({"id": 4, "session": "b", "type": "Run", "script": "echo ${x-none}; ls"}));
    assert_eq!(output, "none\n");
    let (event, _) = server.ask(&json!({"id": 5, "session": "a", "type": "ReadFile", "path": "f"}));
    assert_eq!(event["value"]["content"], json!({"b64": "/w=="}));
    let (event, _) = server.ask(&json!({"id": 6, "session": "a", "type": "ReadFile", "path": "g"}));
    assert_eq!(
        (&event["type"], &event["kind"], &event["errno"]),
        (&json!("Failure"), &json!("file"), &json!("no-entry"))
    );
    let (event, _) = server.ask(&json!({"id": 7, "session": "a", "type": "ListDir", "path": "."}));
    assert_eq!(event["value"]["entries"][0]["name"], "f");
    let (event, _) = server.ask(&json!({"id": 8, "session": "a", "type": "Init"}));
    assert_eq!(event["type"], "Failure");
    assert_eq!(server.end(), (vec![], 0));
}

#[test]
fn input_is_streamed_and_runs_can_be_interrupted() {
    let mut server = serve();
    server.send(&json!({"id": 1, "type": "Run", "script": "while read x; do echo \"<$x>\"; done", "streamStdin": true}));
    server.send(&json!({"id": 2, "type": "Stdin", "run": 1, "data": "one\n"}));
    assert_eq!(server.next()["data"], "<one>\n");
    server.send(&json!({"id": 3, "type": "Stdin", "run": 1, "data": "two\n"}));
    assert_eq!(server.next()["data"], "<two>\n");
    server.send(&json!({"id": 4, "type": "StdinEnd", "run": 1}));
    assert_eq!(server.next()["type"], "Exit");

    server.send(
        &json!({"id": 5, "type": "Run", "script": "trap 'echo caught; exit 9' INT; echo ready; sleep 60"}),
    );
    assert_eq!(server.next()["data"], "ready\n");
    server.send(&json!({"id": 6, "type": "Signal", "signal": "INT"}));
    let mut events: Vec<Value> = (0..3).map(|_| server.next()).collect();
    events.sort_by_key(|event| event["type"].to_string());
    assert_eq!(
        (&events[0]["status"], &events[1]["id"], &events[2]["data"]),
        (&json!(9), &json!(6), &json!("caught\n"))
    );

    server.send(&json!({"id": 7, "type": "Run", "script": "echo ready; while :; do :; done"}));
    assert_eq!(server.next()["data"], "ready\n");
    server.send(&json!({"id": 8, "type": "Cancel"}));
    let events = [server.next(), server.next()];
    assert!(events.iter().any(|event| event["exit"] == json!({"signalled": "KILL"})), "{events:?}");

    let (event, _) = server.ask(&json!({"id": 9, "type": "Run", "script": "sleep 9", "timeoutMs": 50}));
    assert_eq!((&event["status"], &event["exceeded"]), (&json!(124), &json!([{"wall_time_ms": 50}])));
    // What was asked before the end is done.
    server.send(&json!({"id": 10, "type": "Run", "script": "sleep 0.2; echo done"}));
    let (rest, status) = server.end();
    assert_eq!((rest[0]["data"].as_str(), rest[1]["status"].as_u64(), status), (Some("done\n"), Some(0), 0));
}

#[test]
fn snapshots_and_forks_cross_the_protocol() {
    let mut server = serve();
    server.ask(&json!({"id": 1, "session": "a", "type": "Run", "script": "x=1; echo text > f"}));
    let (event, _) = server.ask(&json!({"id": 2, "session": "a", "type": "Snapshot"}));
    let snapshot = event["value"]["snapshot"].clone();
    let (event, _) = server.ask(&json!({"id": 3, "session": "a", "type": "Fork", "to": "b"}));
    assert_eq!(event["type"], "Reply");
    server.ask(&json!({"id": 4, "session": "a", "type": "Run", "script": "x=2; rm f"}));
    let (_, output) =
        server.ask(&json!({"id": 5, "session": "b", "type": "Run", "script": "echo $x; cat f"}));
    assert_eq!(output, "1\ntext\n");
    let (event, _) = server.ask(&json!({"id": 6, "session": "a", "type": "Restore", "snapshot": snapshot}));
    assert_eq!(event["type"], "Reply");
    let (_, output) =
        server.ask(&json!({"id": 7, "session": "a", "type": "Run", "script": "echo $x; cat f"}));
    assert_eq!(output, "1\ntext\n");
    let (event, _) =
        server.ask(&json!({"id": 8, "session": "a", "type": "Restore", "snapshot": "nonsense, long enough"}));
    assert_eq!((&event["type"], &event["kind"]), (&json!("Failure"), &json!("snapshot")));
    let (event, _) = server.ask(&json!({"id": 9, "session": "b", "type": "Close"}));
    assert_eq!(event["type"], "Reply");
    assert_eq!(server.end().1, 0);
}

#[test]
fn what_is_no_request_is_told() {
    let mut server = serve();
    writeln!(server.stdin.as_ref().unwrap(), "nonsense").unwrap();
    assert_eq!(server.next()["type"], "Diagnostic");
    server.send(&json!({"id": 1, "type": "NoSuchThing"}));
    assert_eq!(server.next()["type"], "Diagnostic");
    let (event, _) = server.ask(&json!({"id": 2, "session": "x", "type": "Close"}));
    assert_eq!(event["type"], "Failure");
    let (event, _) = server.ask(&json!({"id": 3, "type": "Stdin", "run": 9, "data": ""}));
    assert_eq!(event["type"], "Failure");
    assert_eq!(server.end().1, 0);
}

fn tool(server: &mut Server, id: u64, name: &str, arguments: Value) -> Value {
    server.send(&json!({
        "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments},
    }));
    let answer = server.next();
    assert_eq!(answer["id"], id);
    answer["result"].clone()
}

#[test]
fn a_client_of_the_model_context_protocol_has_tools() {
    let mut server = Server::new(&["mcp"]);
    server.send(&json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }));
    assert_eq!(server.next()["result"]["protocolVersion"], "2025-06-18");
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    server.send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let tools = server.next()["result"]["tools"].as_array().unwrap().len();
    assert_eq!(tools, 7);
    tool(&mut server, 2, "write", json!({"path": "d/f", "content": "one\ntwo\n"}));
    let run = tool(&mut server, 3, "run", json!({"script": "x=1; wc -l < d/f; echo oops >&2; exit 2"}));
    assert_eq!(run["content"][0]["text"], "2\n[stderr]\noops\n[exit status 2]");
    assert_eq!((&run["isError"], &run["structuredContent"]["status"]), (&json!(true), &json!(2)));
    let list = tool(&mut server, 4, "list", json!({"recursive": true}));
    assert_eq!(list["content"][0]["text"], "/workspace/d/\n/workspace/d/f\t8\n");
    tool(&mut server, 5, "snapshot", json!({"name": "s"}));
    tool(&mut server, 6, "run", json!({"script": "x=2; rm -r d"}));
    tool(&mut server, 7, "restore", json!({"name": "s"}));
    let run = tool(&mut server, 8, "run", json!({"script": "echo $x; cat d/f"}));
    assert_eq!(run["content"][0]["text"], "1\none\ntwo\n");
    assert_eq!(tool(&mut server, 9, "read", json!({"path": "none"}))["isError"], true);
    let run = tool(&mut server, 10, "run", json!({"script": "sleep 9", "timeout_seconds": 0.05}));
    assert_eq!(run["structuredContent"]["exceeded"], json!([{"wall_time_ms": 50}]));
    server.send(&json!({"jsonrpc": "2.0", "id": 11, "method": "no/such"}));
    assert_eq!(server.next()["error"]["code"], -32601);
    server.send(&json!({
        "jsonrpc": "2.0", "id": 12, "method": "tools/call",
        "params": {"name": "run", "arguments": {"script": "sleep 60"}},
    }));
    std::thread::sleep(std::time::Duration::from_millis(200));
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 12}}));
    assert_eq!(server.next()["result"]["structuredContent"]["status"], 137);
    assert_eq!(server.end(), (vec![], 0));
}
