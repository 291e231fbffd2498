//! `curl` and `wget` against a server that the test plays: what they send, what they make of the answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "not part of the product")]
#![allow(missing_docs)]

use std::cell::RefCell;
use std::rc::Rc;

use wasmsh_os::*;

struct Registry;

impl Loader for Registry {
    fn load(&self, ctx: &Ctx, path: &str) -> Result<ProcessFuture, Errno> {
        let name = path.rsplit('/').next().unwrap_or_default();
        let command = wasmsh_commands::find(name.as_bytes()).ok_or(Errno::NotExecutable)?;
        Ok((command.main)(ctx.clone()))
    }
}

struct Time(Rc<ManualClock>);

impl wasmsh_vfs::Clock for Time {
    fn now(&self) -> Timestamp {
        self.0.wall()
    }
}

struct Noise;

impl wasmsh_vfs::Entropy for Noise {
    fn fill(&self, bytes: &mut [u8]) {
        SeededEntropy::new(1).fill(bytes);
    }
}

/// An answer: status, headers, body.
type Reply = Result<(u16, Vec<(&'static str, String)>, Vec<u8>), FetchError>;

struct World {
    kernel: Rc<Kernel>,
    clock: Rc<ManualClock>,
    requests: Vec<HttpRequest>,
}

struct Outcome {
    out: String,
    err: String,
    status: u8,
}

impl World {
    fn new() -> World {
        let clock = Rc::new(ManualClock::new(Timestamp { seconds: 1_700_000_000, nanoseconds: 0 }));
        let fs = wasmsh_vfs::Vfs::new(Rc::new(Time(clock.clone())), Rc::new(Noise)).unwrap();
        fs.set_user(0, 0);
        for command in wasmsh_commands::COMMANDS {
            fs.write_file(&format!("/usr/bin/{}", command.name), b"", 0o755).unwrap();
        }
        fs.set_user(1000, 1000);
        let kernel =
            Kernel::new(Rc::new(fs), clock.clone(), Rc::new(SeededEntropy::new(1)), Ceilings::default());
        kernel.set_loader(Rc::new(Registry));
        World { kernel, clock, requests: Vec::new() }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        self.kernel.fs().write_file(&format!("/workspace/{name}"), bytes, 0o644).unwrap();
    }

    fn run(&mut self, words: &[&str], server: impl Fn(&HttpRequest) -> Reply) -> Outcome {
        let mut environment = Environment::default();
        for (name, value) in
            [("LANG", "C.UTF-8"), ("TZ", "UTC"), ("PATH", "/usr/bin"), ("HOME", "/home/user")]
        {
            environment.set(name.as_bytes(), value.as_bytes());
        }
        let output = |stream| Some(Rc::new(Description::HostOutput(stream)));
        let null = self.kernel.fs().open("/dev/null", OpenFlags::READ, 0).unwrap();
        let spawn = Spawn {
            program: words[0].into(),
            arguments: words.iter().map(|word| (*word).into()).collect(),
            environment: Some(environment),
            cwd: Some("/workspace".into()),
            descriptors: vec![
                (0, Some(Rc::new(Description::File(null)))),
                (1, output(OutputStream::Stdout)),
                (2, output(OutputStream::Stderr)),
            ],
            group: Group::New,
            ..Spawn::default()
        };
        let exit: Rc<RefCell<Option<Exit>>> = Rc::default();
        let result = exit.clone();
        self.kernel
            .init()
            .fork(Group::Inherit, |ctx| {
                Box::pin(async move {
                    let pid = ctx.spawn(spawn).unwrap();
                    let exit = ctx.wait(Child::Process(pid)).await.unwrap().1;
                    *result.borrow_mut() = Some(exit);
                    exit
                })
            })
            .unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut turns = 0;
        while exit.borrow().is_none() {
            turns += 1;
            assert!(turns < 10_000, "{words:?} does not end");
            let state = self.kernel.run(1_000_000);
            for chunk in self.kernel.take_output(usize::MAX) {
                match chunk.origin {
                    OutputStream::Stdout => out.extend(chunk.bytes),
                    OutputStream::Stderr => err.extend(chunk.bytes),
                }
            }
            let requests = self.kernel.take_requests();
            if requests.is_empty()
                && let KernelState::Idle { timer: Some(timer) } = state
            {
                self.clock.advance(timer);
            }
            for (id, request) in requests {
                let Request::Fetch(request) = request else { continue };
                let reply = server(&request);
                let url = request.url.clone();
                self.requests.push(request);
                match reply {
                    Ok((status, headers, body)) => {
                        let headers = headers
                            .into_iter()
                            .map(|(name, value)| Header { name: name.into(), value: value.into() })
                            .collect();
                        self.kernel.answer(id, Answer::Head(ResponseHead { status, url, headers }));
                        // In two parts, as a network has it.
                        let (first, second) = body.split_at(body.len() / 2);
                        self.kernel.answer(id, Answer::Body(first.to_vec()));
                        self.kernel.answer(id, Answer::Body(second.to_vec()));
                        self.kernel.answer(id, Answer::Ended(Ok(())));
                    }
                    Err(error) => {
                        self.kernel.answer(id, Answer::Ended(Err(error)));
                    }
                }
            }
        }
        let status = exit.borrow().unwrap().status();
        Outcome {
            out: String::from_utf8_lossy(&out).into_owned(),
            err: String::from_utf8_lossy(&err).into_owned(),
            status,
        }
    }

    fn last(&self) -> &HttpRequest {
        self.requests.last().unwrap()
    }

    fn header(&self, name: &str) -> Option<String> {
        let headers = &self.last().headers;
        let found = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(String::from_utf8_lossy(&found.value).into_owned())
    }

    fn file(&self, name: &str) -> String {
        let file = self.kernel.fs().open(&format!("/workspace/{name}"), OpenFlags::READ, 0).unwrap();
        let mut bytes = Vec::new();
        while file.read_into(&mut bytes, 1 << 16).unwrap() > 0 {}
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn hello(request: &HttpRequest) -> Reply {
    let kind = ("Content-Type", "text/plain".to_owned());
    if request.url.ends_with("/moved") {
        return Ok((
            302,
            vec![("Location", "/there".into()), ("Set-Cookie", "a=b; Path=/".into())],
            b"mv\n".to_vec(),
        ));
    }
    if request.url.ends_with("/missing") {
        return Ok((404, vec![kind], b"no\n".to_vec()));
    }
    if request.url.ends_with("/busy") {
        return Ok((503, vec![kind], Vec::new()));
    }
    if request.headers.iter().any(|header| header.name == "Range") {
        return Ok((206, vec![kind], b"lo\n".to_vec()));
    }
    Ok((200, vec![kind, ("Content-Length", "6".into())], b"hello\n".to_vec()))
}

#[test]
fn curl_prints_what_comes() {
    let mut world = World::new();
    let got = world.run(&["curl", "-s", "http://h/x"], hello);
    assert_eq!((&got.out[..], &got.err[..], got.status), ("hello\n", "", 0));
    assert_eq!(world.last().method, "GET");
    assert_eq!(world.header("User-Agent").unwrap(), "curl/7.88.1");
    let got = world.run(&["curl", "-si", "h/x"], hello);
    assert_eq!(got.out, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n");
    let got = world.run(&["curl", "-sI", "h/x"], hello);
    assert!(got.out.ends_with("Content-Length: 6\r\n\r\n"));
    assert_eq!(world.last().method, "HEAD");
    let got = world.run(
        &["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download} %{content_type}\\n", "h"],
        hello,
    );
    assert_eq!(got.out, "200 6 text/plain\n");
    let got = world.run(&["curl", "-s", "h/{a,b}", "-o", "f#1"], hello);
    assert_eq!((got.status, &world.file("fa")[..], &world.file("fb")[..]), (0, "hello\n", "hello\n"));
    world.run(&["curl", "-sO", "--create-dirs", "--output-dir", "d/e", "http://h/p/name.txt?q"], hello);
    assert_eq!(world.file("d/e/name.txt"), "hello\n");
}

#[test]
fn curl_sends_what_is_asked() {
    let mut world = World::new();
    world.write("f.txt", b"one\ntwo\n");
    world.run(&["curl", "-s", "-d", "a=b", "--data-urlencode", "x=a b&é", "-d", "@f.txt", "h"], hello);
    assert_eq!(world.last().method, "POST");
    assert_eq!(world.last().body, "a=b&x=a+b%26%C3%A9&onetwo".as_bytes());
    assert_eq!(world.header("Content-Type").unwrap(), "application/x-www-form-urlencoded");
    world.run(&["curl", "-sG", "-d", "q=1", "--data-urlencode", "=é", "http://h/?p"], hello);
    assert_eq!(world.last().url, "http://h/?p&q=1&%c3%a9");
    world.run(&["curl", "-s", "--json", "{\"a\":1}", "--json", "2", "h"], hello);
    assert_eq!(world.last().body, b"{\"a\":1}2");
    assert_eq!(world.header("Accept").unwrap(), "application/json");
    world.run(&["curl", "-s", "-F", "a=b", "-F", "f=@f.txt;type=text/x;filename=\"q\\\"\"", "h"], hello);
    let body = String::from_utf8_lossy(&world.last().body).into_owned();
    let kind = world.header("Content-Type").unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(
        body,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"f\"; filename=\"q%22\"\r\nContent-Type: text/x\r\n\r\n\
             one\ntwo\n\r\n--{boundary}--\r\n"
        )
    );
    world.run(&["curl", "-s", "-T", "f.txt", "http://h/up/"], hello);
    assert_eq!((&world.last().method[..], &world.last().url[..]), ("PUT", "http://h/up/f.txt"));
    world.run(
        &[
            "curl", "-s", "-u", "me:pw", "-A", "ag", "-e", "ref", "-b", "k=v", "-H", "X-Y: z", "-H",
            "Accept:", "-X", "DELETE", "h",
        ],
        hello,
    );
    assert_eq!(world.last().method, "DELETE");
    assert_eq!(world.header("Authorization").unwrap(), "Basic bWU6cHc=");
    assert_eq!(world.header("User-Agent").unwrap(), "ag");
    assert_eq!(world.header("Referer").unwrap(), "ref");
    assert_eq!(world.header("Cookie").unwrap(), "k=v");
    assert_eq!(world.header("X-Y").unwrap(), "z");
    assert_eq!(world.header("Accept"), None);
    world.write("cfg", b"# remark\nurl = \"http://h/from\"\n-H \"A: b\"\n");
    world.run(&["curl", "-s", "-K", "cfg", "-m", "1.5"], hello);
    assert_eq!(world.last().url, "http://h/from");
    assert_eq!(world.header("A").unwrap(), "b");
    assert_eq!(world.last().timeout_ms, Some(1500));
    world.run(&["curl", "-s", "-z", "2020-01-01", "h"], hello);
    assert_eq!(world.header("If-Modified-Since").unwrap(), "Wed, 01 Jan 2020 00:00:00 GMT");
}

#[test]
fn curl_follows_and_resumes() {
    let mut world = World::new();
    let got = world.run(&["curl", "-s", "http://h/moved"], hello);
    assert_eq!(got.out, "mv\n");
    let got = world.run(&["curl", "-sL", "-c", "jar", "-d", "x", "http://h/moved"], hello);
    assert_eq!(got.out, "hello\n");
    assert_eq!((&world.last().method[..], &world.last().url[..]), ("GET", "http://h/there"));
    assert_eq!(world.header("Cookie").unwrap(), "a=b");
    assert!(world.file("jar").ends_with("h\tFALSE\t/\tFALSE\t0\ta\tb\n"));
    world.run(&["curl", "-sL", "-u", "a:b", "http://h/moved"], |request| {
        if request.url == "http://h/moved" {
            return Ok((301, vec![("Location", "http://other/".into())], Vec::new()));
        }
        hello(request)
    });
    assert_eq!(world.header("Authorization"), None);
    let got = world.run(&["curl", "-sSL", "--max-redirs", "2", "h"], |_| {
        Ok((301, vec![("Location", "/".into())], Vec::new()))
    });
    assert_eq!((got.status, &got.err[..]), (47, "curl: (47) Maximum (2) redirects followed\n"));
    world.write("part", b"hel");
    world.run(&["curl", "-s", "-C", "-", "-o", "part", "h/x"], hello);
    assert_eq!(world.header("Range").unwrap(), "bytes=3-");
    assert_eq!(world.file("part"), "hello\n");
}

#[test]
fn curl_says_what_went_wrong() {
    let mut world = World::new();
    let got = world.run(&["curl", "-sSf", "h/missing"], hello);
    assert_eq!(
        (got.status, &got.err[..], &got.out[..]),
        (22, "curl: (22) The requested URL returned error: 404\n", "")
    );
    let got = world.run(&["curl", "-sS", "--fail-with-body", "h/missing"], hello);
    assert_eq!((got.status, &got.out[..]), (22, "no\n"));
    let before = world.requests.len();
    let got = world.run(&["curl", "-sf", "--retry", "2", "h/busy"], hello);
    assert_eq!((got.status, world.requests.len() - before), (22, 3));
    for (error, status, text) in [
        (
            FetchError::Denied("no network".into()),
            7,
            "curl: (7) Network access denied: no network (http://h/)\n",
        ),
        (FetchError::UnknownHost("h".into()), 6, "curl: (6) Could not resolve host: h\n"),
        (
            FetchError::TimedOut,
            28,
            "curl: (28) Operation timed out after 0 milliseconds with 0 bytes received\n",
        ),
        (
            FetchError::Refused,
            7,
            "curl: (7) Failed to connect to h port 80 after 0 ms: Couldn't connect to server\n",
        ),
    ] {
        let got = world.run(&["curl", "-sS", "h"], |_| Err(error.clone()));
        assert_eq!((got.status, &got.err[..]), (status, text));
    }
    for (words, status) in [
        (&["curl"][..], 2),
        (&["curl", "--nosuch", "h"], 2),
        (&["curl", "-s", "-o"], 2),
        (&["curl", "-s", "ftp://h/"], 1),
        (&["curl", "-s", "-x", "p", "h"], 4),
        (&["curl", "-sO", "http://h/"], 23),
        (&["curl", "-s", "http://h/{a"], 3),
        (&["curl", "-s", "-d", "@nosuch", "h"], 0),
    ] {
        assert_eq!(world.run(words, hello).status, status, "{words:?}");
    }
}

#[test]
fn wget_saves_what_comes() {
    let mut world = World::new();
    let got = world.run(&["wget", "http://h/x"], hello);
    assert_eq!((got.status, &world.file("x")[..]), (0, "hello\n"));
    assert!(got.err.starts_with("--2023-11-14 22:13:20--  http://h/x\nConnecting to h:80... connected.\n"));
    assert!(got.err.contains("Length: 6 [text/plain]\nSaving to: ‘x’\n"));
    let got = world.run(&["wget", "-q", "http://h/x"], hello);
    assert_eq!((&got.err[..], &world.file("x.1")[..]), ("", "hello\n"));
    let got = world.run(&["wget", "-nc", "-nv", "http://h/x"], hello);
    assert_eq!(got.err, "File ‘x’ already there; not retrieving.\n");
    let got = world.run(&["wget", "-qO-", "http://h/moved"], hello);
    assert_eq!((&got.out[..], &world.last().url[..]), ("hello\n", "http://h/there"));
    world.run(&["wget", "-q", "-P", "d", "http://h/"], hello);
    assert_eq!(world.file("d/index.html"), "hello\n");
    world.run(&["wget", "-q", "-O", "o", "--post-data", "a=1", "--header", "X: y", "http://h/"], hello);
    assert_eq!((&world.last().method[..], &world.last().body[..]), ("POST", &b"a=1"[..]));
    assert_eq!(world.header("X").unwrap(), "y");
    world.write("part", b"hel");
    world.run(&["wget", "-qc", "http://h/part"], hello);
    assert_eq!(world.file("part"), "hello\n");
    world.write("list", b"http://h/one\n\nhttp://h/two\n");
    world.run(&["wget", "-q", "-i", "list"], hello);
    assert_eq!((&world.file("one")[..], &world.file("two")[..]), ("hello\n", "hello\n"));
    for (words, status) in [
        (&["wget", "-q", "http://h/missing"][..], 8),
        (&["wget", "-q", "--spider", "http://h/missing"], 8),
        (&["wget", "-q", "--spider", "http://h/x"], 0),
        (&["wget"], 1),
        (&["wget", "-r", "http://h/"], 1),
    ] {
        assert_eq!(world.run(words, hello).status, status, "{words:?}");
    }
    let got = world.run(&["wget", "-q", "h"], |_| Err(FetchError::Denied("no".into())));
    assert_eq!(got.status, 4);
}
