//! What a session may reach, against servers on this machine's loopback interface.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code")]

mod python;
mod server;
mod tls;

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wasmsh::{Decision, Engine, Network, Output, Python, Rule, Session};

use server::{Server, reply};

fn hello() -> Server {
    Server::start(|seen, stream| reply(stream, "200 OK", format!("hello {}\n", seen.line).as_bytes()))
}

fn session(network: Option<Network>) -> Session {
    session_with(Python::None, network)
}

fn session_with(python: Python, network: Option<Network>) -> Session {
    let engine = Engine::builder().python(python).build().expect("the components, from `cargo xtask build`");
    let builder = engine.session();
    match network {
        Some(network) => builder.network(network).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

fn run(session: &mut Session, script: &str) -> Output {
    session.run(script).timeout(Duration::from_secs(60)).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.exit.success(), "{:?}: {}", output.exit, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn without_a_network_nothing_is_reached() {
    let server = hello();
    let output = run(&mut session(None), &format!("curl -sS {}", server.url("/")));
    assert!(!output.exit.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--allow-host"), "{:?}", output.stderr);
    assert!(server.seen().is_empty());
}

#[test]
fn an_allowed_host_answers() {
    let server = hello();
    let mut session = session(Some(Network::new().allow(server.rule())));
    let output = run(&mut session, &format!("curl -sS {}", server.url("/a?b=c")));
    assert_eq!(succeeds(&output), "hello GET /a?b=c HTTP/1.1\n");
    let output = run(&mut session, &format!("curl -sS -d x=1 -H 'X-Own: y' {}", server.url("/post")));
    assert_eq!(succeeds(&output), "hello POST /post HTTP/1.1\n");
    let seen = server.seen();
    assert_eq!((&seen[1].body[..], seen[1].header("x-own")), (&b"x=1"[..], Some("y")));
}

#[test]
fn what_no_rule_names_is_denied() {
    let (allowed, other) = (hello(), hello());
    let decisions = Arc::new(Mutex::new(Vec::new()));
    let audit = Arc::clone(&decisions);
    let network = Network::new()
        .allow(allowed.rule())
        .audit(move |access| audit.lock().unwrap().push((access.url.to_owned(), access.decision.clone())));
    let output = run(&mut session(Some(network)), &format!("curl -sS {}", other.url("/")));
    assert!(!output.exit.success());
    assert!(other.seen().is_empty());
    let decisions = decisions.lock().unwrap();
    assert!(
        matches!(&decisions[..], [(url, Decision::Denied(_))] if *url == other.url("/")),
        "{decisions:?}"
    );
}

#[test]
fn names_that_lead_to_this_machine_are_not_followed() {
    let server = hello();
    let port = server.address.port();
    let any: Rule = format!("*:{port}").parse().unwrap();
    let mut session = session(Some(Network::new().allow(any)));
    for host in ["localhost", "127.0.0.1", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let output = run(&mut session, &format!("curl -sS 'http://{host}:{port}/'"));
        assert!(!output.exit.success(), "{host}");
    }
    assert!(server.seen().is_empty());
}

#[test]
fn every_redirect_is_checked_again() {
    let inner = hello();
    let target = inner.url("/inner");
    let outer = Server::start(move |_, stream| {
        reply(stream, &format!("302 Found\r\nlocation: {target}"), b"");
    });
    let output = run(
        &mut session(Some(Network::new().allow(outer.rule()))),
        &format!("curl -sS -L {}", outer.url("/")),
    );
    assert!(!output.exit.success());
    assert!(inner.seen().is_empty());
    let mut both = session(Some(Network::new().allow(outer.rule()).allow(inner.rule())));
    let script = format!("curl -sS -L -H 'Authorization: Bearer x' {}", outer.url("/"));
    assert_eq!(succeeds(&run(&mut both, &script)), "hello GET /inner HTTP/1.1\n");
    assert_eq!(inner.seen()[0].header("authorization"), None);
}

#[test]
fn credentials_are_added_outside() {
    let server = hello();
    let rule = server.rule().header("authorization", "Bearer secret");
    let mut session = session(Some(Network::new().allow(rule)));
    let output = run(&mut session, &format!("curl -sS -H 'Authorization: mine' -v {} 2>&1", server.url("/")));
    assert!(!succeeds(&output).contains("secret"));
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer secret"));
}

#[test]
fn bodies_are_bounded_and_streamed() {
    let server = Server::start(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        let piece = vec![b'x'; 1 << 16];
        for _ in 0..512 {
            if stream.write_all(&piece).is_err() {
                break;
            }
        }
    });
    let mut bounded = session(Some(Network::new().allow(server.rule()).body_bytes(1 << 20)));
    let output = run(&mut bounded, &format!("curl -sS -o /dev/null {}", server.url("/")));
    assert!(!output.exit.success());
    let mut session = session(Some(Network::new().allow(server.rule())));
    let output = run(&mut session, &format!("curl -sS {} | wc -c", server.url("/")));
    assert_eq!(succeeds(&output), format!("{}\n", 512 << 16));
    let output = run(&mut session, &format!("curl -sS {} | head -c 10; echo; echo after", server.url("/")));
    assert_eq!(succeeds(&output), "xxxxxxxxxx\nafter\n");
}

#[test]
fn a_server_that_says_nothing_meets_the_time() {
    let server = Server::start(|_, _| std::thread::sleep(Duration::from_secs(30)));
    let network = Network::new().allow(server.rule()).time(Duration::from_millis(200));
    let output = run(&mut session(Some(network)), &format!("curl -sS {}", server.url("/")));
    assert_eq!(output.exit.status(), 28, "{}", String::from_utf8_lossy(&output.stderr));
}
