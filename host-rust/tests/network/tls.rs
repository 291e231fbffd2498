//! Whose certificates are trusted: an authority of the test's own signs those of servers on the loopback interface.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use wasmsh::{Network, Roots, Rule, TrustError};

use super::{run, session, succeeds};

/// A server that greets by https, and the authority that has signed for it.
struct Server {
    port: u16,
    authority: String,
}

impl Server {
    fn start() -> Server {
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::new([]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let names = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let own = names.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut reader = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
                let mut line = String::new();
                // Who does not trust the certificate says so, and goes.
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    line.clear();
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello\n";
                let mut stream = reader.into_inner();
                let _ = stream.write_all(answer);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Server { port, authority: root.pem() }
    }

    fn rule(&self) -> Rule {
        format!("localhost:{}", self.port).parse().unwrap()
    }

    fn script(&self) -> String {
        format!("curl -sS https://localhost:{}/", self.port)
    }
}

#[test]
fn an_authority_is_trusted_when_it_is_added_and_not_before() {
    let server = Server::start();
    for roots in [Roots::Platform, Roots::Mozilla, Roots::Added] {
        let network = Network::new().allow(server.rule()).roots(roots);
        let output = run(&mut session(Some(network.clone())), &server.script());
        assert_eq!(output.exit.status(), 60, "{roots:?}: {:?}", output.exit);
        let network = network.trust(&server.authority).unwrap();
        let output = run(&mut session(Some(network)), &server.script());
        assert_eq!(succeeds(&output), "hello\n", "{roots:?}");
    }
}

#[test]
fn another_authority_is_no_help() {
    let (server, other) = (Server::start(), Server::start());
    let network = Network::new().allow(server.rule()).trust(other.authority).unwrap();
    assert!(!run(&mut session(Some(network)), &server.script()).exit.success());
}

#[test]
fn what_holds_no_certificate_is_refused() {
    assert_eq!(Network::new().trust("").unwrap_err(), TrustError::None);
    assert_eq!(
        Network::new().trust(KeyPair::generate().unwrap().serialize_pem()).unwrap_err(),
        TrustError::None
    );
    let cut = "-----BEGIN CERTIFICATE-----\nMIIB";
    assert!(matches!(Network::new().trust(cut).unwrap_err(), TrustError::Malformed(_)));
}

/// As curl, Python and Go do.
#[test]
fn the_environment_of_the_command_line_names_who_is_trusted() {
    let server = Server::start();
    let directory = std::env::temp_dir().join(format!("wasmsh-tls-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("authority.pem");
    std::fs::write(&file, &server.authority).unwrap();
    let run = |variable: Option<(&str, &std::path::Path)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsh"));
        command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").envs(variable);
        command.args(["--allow-host", &format!("localhost:{}", server.port), "-c", &server.script()]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(run(None), (Some(60), String::new()));
    assert_eq!(run(Some(("SSL_CERT_FILE", &file))), (Some(0), "hello\n".to_owned()));
    assert_eq!(run(Some(("SSL_CERT_FILE", &directory.join("missing")))), (Some(60), String::new()));
    std::fs::remove_dir_all(&directory).unwrap();
}
