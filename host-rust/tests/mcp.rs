//! `wasmsh mcp --http`, as a client meets it. Needs the components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// A server, and where it is.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn new(arguments: &[&str], token: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsh"));
        command.args(["mcp", "--http", "127.0.0.1:0"]).args(arguments).stderr(Stdio::piped());
        command.env_remove("WASMSH_MCP_TOKEN").envs(token.map(|token| ("WASMSH_MCP_TOKEN", token)));
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().split_once("serving at ").unwrap_or_else(|| panic!("{line}")).1.to_owned();
        Self { child, url }
    }

    /// Sends a message; the status, the session's name and the answer come back.
    fn post(&self, headers: &[(&str, &str)], body: &str) -> (u16, Option<String>, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.post(&self.url).header("Accept", "application/json, text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send(body).unwrap();
        let session = response.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), session, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn begin(&self) -> String {
        let (status, session, answer) = self.post(&[], &initialize());
        assert_eq!((status, &answer["result"]["serverInfo"]["name"]), (200, &json!("wasmsh")));
        let session = session.unwrap();
        let note = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(self.post(&[("Mcp-Session-Id", &session)], &note).0, 202);
        session
    }

    fn run(&self, session: &str, script: &str) -> Value {
        let call = call(script);
        let (status, _, answer) =
            self.post(&[("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-06-18")], &call);
        assert_eq!(status, 200, "{answer}");
        answer["result"]["structuredContent"].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn initialize() -> String {
    json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    })
    .to_string()
}

fn call(script: &str) -> String {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "run", "arguments": {"script": script}},
    })
    .to_string()
}

#[test]
fn every_client_has_a_session() {
    let server = Server::new(&["--sessions", "2"], None);
    let (one, other) = (server.begin(), server.begin());
    assert_ne!(one, other);
    assert_eq!(server.run(&one, "x=1; echo a > f")["status"], 0);
    assert_eq!(server.run(&other, "echo \"<$x>\"; ls")["stdout"], "<>\n");
    assert_eq!(server.run(&one, "echo $x; cat f")["stdout"], "1\na\n");
    // No more, before one has ended.
    assert_eq!(server.post(&[], &initialize()).0, 503);
    let delete = ureq::delete(&server.url).header("Mcp-Session-Id", &one).call().unwrap();
    assert_eq!(delete.status(), 204);
    assert_eq!(server.post(&[("Mcp-Session-Id", &one)], &call("echo")).0, 404);
    server.begin();
    // Two clients at once: neither waits for the other.
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| server.run(&other, "read < <(sleep 20); echo"));
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}});
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(server.post(&[("Mcp-Session-Id", &other)], &cancel.to_string()).0, 202);
        assert_eq!(slow.join().unwrap()["status"], 137);
    });
}

#[test]
#[cfg(unix)]
fn nobody_waits_for_a_session_that_is_being_made() {
    let pipe = std::env::temp_dir().join(format!("wasmsh-mcp-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // The snapshot comes when the test likes.
    let server = Server::new(&["--sessions", "1", "--restore", pipe.to_str().unwrap()], None);
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| server.post(&[], &initialize()).0);
            let writer = std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
            assert_eq!(server.post(&[("Mcp-Session-Id", "nobody")], &call("echo")).0, 404);
            assert_eq!(server.post(&[], &initialize()).0, 503);
            drop(writer);
            // What came was none, and there is room again.
            assert_eq!(slow.join().unwrap(), 500);
        });
    }
    std::fs::remove_file(pipe).unwrap();
}

#[test]
fn what_is_no_message_of_a_client_is_refused() {
    let server = Server::new(&[], None);
    assert_eq!(server.post(&[], "nonsense").2["error"]["code"], -32700);
    assert_eq!(server.post(&[], "[]").0, 400);
    assert_eq!(server.post(&[], &call("echo")).0, 400);
    assert_eq!(server.post(&[("Mcp-Session-Id", "none")], &call("echo")).0, 404);
    assert_eq!(server.post(&[("MCP-Protocol-Version", "1999-01-01")], &initialize()).0, 400);
    // A page of the web, in a browser of this machine.
    assert_eq!(server.post(&[("Origin", "https://example.org")], &initialize()).0, 403);
    assert_eq!(server.post(&[("Origin", "http://localhost:3000")], &initialize()).0, 200);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    assert_eq!(agent.get(&server.url).call().unwrap().status(), 405);
    assert_eq!(agent.get(server.url.replace("/mcp", "/other")).call().unwrap().status(), 404);
}

#[test]
fn a_token_lets_in() {
    let server = Server::new(&[], Some("secret"));
    assert_eq!(server.post(&[], &initialize()).0, 401);
    assert_eq!(server.post(&[("Authorization", "Bearer secres")], &initialize()).0, 401);
    assert_eq!(server.post(&[("Authorization", "Bearer secret")], &initialize()).0, 200);
    // To other machines it is not open without one.
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsh"));
    let output =
        command.args(["mcp", "--http", "0.0.0.0:0"]).env_remove("WASMSH_MCP_TOKEN").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("WASMSH_MCP_TOKEN"));
}
