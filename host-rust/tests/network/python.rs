//! Python's own libraries over the network of a session, and pip with an index.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wasmsh::{Engine, Network, Output, Python, Session};

use crate::server::{Server, reply};
use crate::{hello, run, session_with, succeeds};

fn session(network: Option<Network>) -> Session {
    session_with(Python::Linked, network)
}

fn python(session: &mut Session, code: &str) -> Output {
    run(session, &format!("python3 - <<'END'\n{code}\nEND\n"))
}

#[test]
fn without_a_network_a_request_says_how_to_allow_it() {
    let server = hello();
    let code = format!(
        "import urllib.request\ntry:\n    urllib.request.urlopen('{}')\nexcept OSError as error:\n    \
         print(type(error).__name__, type(error.reason).__name__, '--allow-host' in str(error))",
        server.url("/")
    );
    let output = python(&mut session(None), &code);
    assert_eq!(succeeds(&output), "URLError PermissionError True\n");
    assert!(server.seen().is_empty());
}

#[test]
fn urllib_sends_and_receives() {
    let server = hello();
    let mut session = session(Some(Network::new().allow(server.rule())));
    let code = format!(
        "import urllib.request as r\nprint(r.urlopen('{0}').read())\n\
         q = r.Request('{0}', data=b'x' * 300000, headers={{'X-Own': 'y'}})\na = r.urlopen(q, timeout=20)\n\
         print(a.status, a.reason, a.headers['content-length'], a.read())",
        server.url("/a?b=c")
    );
    let expected = "b'hello GET /a?b=c HTTP/1.1\\n'\n200 OK 27 b'hello POST /a?b=c HTTP/1.1\\n'\n";
    assert_eq!(succeeds(&python(&mut session, &code)), expected);
    let seen = server.seen();
    assert_eq!((seen[1].body.len(), seen[1].header("x-own")), (300_000, Some("y")));
}

#[test]
fn http_client_sees_statuses_redirects_and_errors() {
    let server = Server::start(|seen, stream| match seen.line.as_str() {
        "GET /moved HTTP/1.1" => reply(stream, "302 Found\r\nlocation: /there", b""),
        "GET /none HTTP/1.1" => reply(stream, "404 Not Found", b"nothing"),
        line => reply(stream, "200 OK", line.as_bytes()),
    });
    let mut session = session(Some(Network::new().allow(server.rule())));
    let code = format!(
        "import http.client, urllib.request, urllib.error\nc = http.client.HTTPConnection('{1}', timeout=9)\n\
         for method, path in ('GET', '/moved'), ('HEAD', '/x'), ('PUT', '/y'), ('GET', '/none'):\n    \
             c.request(method, path, body=iter([b'a', b'bc']) if method == 'PUT' else None)\n    \
             r = c.getresponse(); print(r.status, r.getheader('location'), r.read())\n\
         print(urllib.request.urlopen('{0}/moved').geturl())\n\
         try: urllib.request.urlopen('{0}/none')\n\
         except urllib.error.HTTPError as error: print(error, error.read())",
        server.url(""),
        server.address
    );
    let expected = format!(
        "302 /there b''\n200 None b''\n200 None b'PUT /y HTTP/1.1'\n404 None b'nothing'\n{}\n\
         HTTP Error 404: Not Found b'nothing'\n",
        server.url("/there")
    );
    assert_eq!(succeeds(&python(&mut session, &code)), expected);
    assert_eq!(server.seen()[2].body, b"abc");
}

#[test]
fn failures_are_the_exceptions_that_programs_know() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let slow = Server::start(|_, _| std::thread::sleep(Duration::from_secs(20)));
    let cut = Server::start(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    });
    let network =
        Network::new().allow(closed.to_string().parse().unwrap()).allow(slow.rule()).allow(cut.rule());
    let code = format!(
        "import urllib.request, socket\ndef get(url):\n    try: urllib.request.urlopen(url, timeout=0.3).read()\n    \
         except Exception as e: print(type(e).__name__, type(getattr(e, 'reason', None)).__name__)\n\
         get('http://{closed}/')\nget('{}')\nget('{}')\n\
         s = socket.create_connection(('example.org', 25))\n\
         try: s.recv(10)\nexcept OSError as e: print(e)\n\
         try: socket.socket().bind(('', 80))\nexcept OSError as e: print(e)",
        slow.url("/"),
        cut.url("/"),
    );
    let expected = "URLError ConnectionRefusedError\nURLError TimeoutError\nIncompleteRead NoneType\n\
                    [Errno 93] only HTTP leaves this sandbox: nothing is received before a request was sent\n\
                    [Errno 95] Operation not supported: only HTTP leaves this sandbox, and nothing comes in\n";
    assert_eq!(succeeds(&python(&mut session(Some(network)), &code)), expected);
}

#[test]
fn a_large_body_streams() {
    let server = Server::start(|_, stream| {
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        let piece = vec![b'x'; 1 << 16];
        for _ in 0..512 {
            if stream.write_all(&piece).is_err() {
                break;
            }
        }
    });
    let mut session = session(Some(Network::new().allow(server.rule())));
    let code = format!(
        "import urllib.request, shutil\nwith urllib.request.urlopen('{0}') as r, open('f', 'wb') as f: shutil.copyfileobj(r, f)\n\
         import os; print(os.path.getsize('f'))\nprint(urllib.request.urlopen('{0}').read(5))",
        server.url("/")
    );
    assert_eq!(succeeds(&python(&mut session, &code)), format!("{}\nb'xxxxx'\n", 512 << 16));
}

/// A wheel of one module that depends on another package, and a source archive of that one.
const PACKAGES: &str = r#"
import zipfile, tarfile, io
def wheel(name, files, requires=''):
    with zipfile.ZipFile(f'{name}-1.0-py3-none-any.whl', 'w') as z:
        info = f'{name}-1.0.dist-info'
        files[f'{info}/METADATA'] = f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}'
        files[f'{info}/WHEEL'] = 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n'
        files[f'{info}/RECORD'] = ''.join(f'{path},,\n' for path in [*files, f'{info}/RECORD'])
        for path, text in files.items(): z.writestr(path, text)
wheel('shout', {'shout.py': 'from whisper import word\ndef main(): print(word.upper())\n',
                'shout-1.0.dist-info/entry_points.txt': '[console_scripts]\nshout = shout:main\n'}, 'Requires-Dist: whisper\n')
wheel('whisper', {'whisper.py': 'word = "quiet"\n'})
"#;

#[test]
fn pip_installs_from_an_index() {
    let mut builder = session(None);
    succeeds(&python(&mut builder, PACKAGES));
    let files = Arc::new(Mutex::new(Vec::new()));
    for name in ["shout", "whisper"] {
        let wheel = builder.read_file(&format!("/workspace/{name}-1.0-py3-none-any.whl")).unwrap();
        files.lock().unwrap().push((name, wheel));
    }
    let server = Server::start(move |seen, stream| {
        let path = seen.line.split(' ').nth(1).unwrap_or_default();
        for (name, wheel) in files.lock().unwrap().iter() {
            let file = format!("{name}-1.0-py3-none-any.whl");
            if path == format!("/simple/{name}/") {
                let page = format!("<!DOCTYPE html><a href=\"/files/{file}\">{file}</a>");
                return reply(stream, "200 OK\r\ncontent-type: text/html", page.as_bytes());
            }
            if path == format!("/files/{file}") {
                return reply(stream, "200 OK\r\ncontent-type: application/octet-stream", wheel);
            }
        }
        reply(stream, "404 Not Found", b"");
    });
    let mut session = session(Some(Network::new().allow(server.rule())));
    let install = format!("pip install --quiet --index-url {} shout", server.url("/simple"));
    assert_eq!(succeeds(&run(&mut session, &install)), "");
    assert_eq!(
        succeeds(&run(&mut session, "shout; pip freeze; python3 -c 'import shout; shout.main()'")),
        "QUIET\nshout==1.0\nwhisper==1.0\nQUIET\n"
    );
    let missing = run(&mut session, &format!("pip install --index-url {} nothing", server.url("/simple")));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("No matching distribution found for nothing"));
    let denied = run(&mut session, "pip install --index-url http://localhost:1/simple shout2");
    assert!(
        String::from_utf8_lossy(&denied.stdout).contains("--allow-host")
            || String::from_utf8_lossy(&denied.stderr).contains("--allow-host"),
        "{denied:?}"
    );
}

/// What reads from a producer of 30,000 numbers, and what it shows.
const READERS: [(&str, &str); 6] = [
    ("python3 -c 'import sys; print(len(sys.stdin.read()))'", "168894\n"),
    ("python3 -c 'import sys; print(sum(map(int, sys.stdin)))'", "450015000\n"),
    ("python3 -c 'import sys; print(sys.stdin.readline().strip())'", "1\n"),
    (
        "python3 -c 'import sys; [print(line.strip()) for line in sys.stdin]' 2> errors | head -n 3; \
         tail -n 1 errors | cut -d: -f1",
        "1\n2\n3\nBrokenPipeError\n",
    ),
    ("python3 -c 'import subprocess; subprocess.run([\"wc\", \"-l\"])'", "30000\n"),
    (
        "python3 -c 'import subprocess, sys; \
         subprocess.run([sys.executable, \"-c\", \"print(sum(map(int, open(0))))\"])'",
        "450015000\n",
    ),
];

#[test]
fn what_only_the_host_has_reaches_every_reader() {
    let numbers: String = (1..=30_000).map(|number| format!("{number}\n")).collect();
    let body = numbers.clone();
    let server = Server::start(move |_, stream| reply(stream, "200 OK", body.as_bytes()));
    let engine = Engine::builder().python(Python::Linked).build().unwrap();
    let mut session = engine
        .session()
        .network(Network::new().allow(server.rule()))
        .command("numbers", move |process| {
            // Whoever reads may have enough before the end.
            let _ = process.stdout().write_all(numbers.as_bytes());
            0
        })
        .build()
        .unwrap();
    for producer in [format!("curl -sS {} 2> /dev/null", server.url("/")), "numbers".to_owned()] {
        for (reader, shown) in READERS {
            let output = run(&mut session, &format!("{producer} | {reader}"));
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                shown,
                "{producer} | {reader}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}
