//! Commands end to end: argument vectors, standard input and files against output, messages and status.
//!
//! `tests/cases/*.txt` holds the cases. A case is a block of lines; blocks are separated by empty lines:
//!
//! ```text
//! # a remark
//! @ name "contents"      a file; a name that ends in / is a directory; `@ link -> target` a symbolic link
//! $ cat -n 'a b' < in    a command; words quoted as in a shell; `< file`, `<<< "text"`; several run one after the other
//! > "text"               what they write to standard output
//! ! "text"               and to standard error
//! = 0                    the status of the last
//! ```
//!
//! The last three are recorded from the real tools: `BLESS=1 cargo test -p wasmsh-commands --test cases`. A block with
//! `% own` is not run by the real tools, since they differ on purpose or by version; its expectation is our own. In one
//! with `% net` there is a web site behind all names of hosts (`support/site.rs`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "not part of the product"
)]
#![allow(missing_docs)]

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use wasmsh_os::*;

#[path = "support/site.rs"]
mod site;

#[derive(Default, Clone)]
struct Case {
    text: Vec<String>,
    line: usize,
    files: Vec<(String, FileSpec)>,
    commands: Vec<Invocation>,
    own: bool,
    net: bool,
    expected: Outcome,
}

#[derive(Clone)]
enum FileSpec {
    Contents(Vec<u8>),
    Directory,
    Link(String),
}

#[derive(Clone)]
struct Invocation {
    words: Vec<Vec<u8>>,
    environment: Vec<(String, String)>,
    stdin: Stdin,
}

#[derive(Clone)]
enum Stdin {
    Empty,
    Text(Vec<u8>),
    File(String),
}

#[derive(Default, Clone, PartialEq, Eq)]
struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: u8,
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut letters = text.bytes();
    while let Some(letter) = letters.next() {
        if letter != b'\\' {
            bytes.push(letter);
            continue;
        }
        match letters.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b'0') => bytes.push(0),
            Some(b'x') => {
                let digits = [letters.next().unwrap(), letters.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            Some(other) => bytes.push(other),
            None => panic!("a backslash at the end of {text:?}"),
        }
    }
    bytes
}

fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\r' => text.push_str("\\r"),
                '\0' => text.push_str("\\0"),
                '"' => text.push_str("\\\""),
                '\\' => text.push_str("\\\\"),
                _ if letter.is_control() => write!(text, "\\x{:02x}", letter as u32).unwrap(),
                _ => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").unwrap();
        }
    }
    text
}

/// Words of a shell: '…', "…" with escapes, and bare.
fn words(line: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' => all.extend(word.take()),
            '\'' | '"' => {
                let mut inner = String::new();
                loop {
                    match letters.next().unwrap_or_else(|| panic!("an open quote in {line:?}")) {
                        end if end == letter => break,
                        '\\' if letter == '"' => {
                            inner.push('\\');
                            inner.push(letters.next().unwrap());
                        }
                        other => inner.push(other),
                    }
                }
                let bytes = if letter == '"' { unescape(&inner) } else { inner.into_bytes() };
                word.get_or_insert_default().extend(bytes);
            }
            other => {
                let mut buffer = [0; 4];
                word.get_or_insert_default().extend(other.encode_utf8(&mut buffer).bytes());
            }
        }
    }
    all.extend(word);
    all
}

fn quoted(line: &str) -> Vec<u8> {
    let words = words(line);
    assert!(words.len() <= 1, "one quoted text in {line:?}");
    words.into_iter().next().unwrap_or_default()
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = Case::default();
    for (index, line) in text.lines().chain([""]).enumerate() {
        if line.is_empty() {
            if !case.commands.is_empty() {
                cases.push(case);
            }
            case = Case::default();
            continue;
        }
        if case.text.is_empty() {
            case.line = index + 1;
        }
        let (kind, rest) = line.split_at(line.len().min(2));
        match kind.trim() {
            "#" => case.text.push(line.into()),
            "%" => {
                *(if rest == "net" { &mut case.net } else { &mut case.own }) = true;
                case.text.push(line.into());
            }
            "@" => {
                let parts = words(rest);
                let name = String::from_utf8(parts[0].clone()).unwrap();
                let spec = match &parts[1..] {
                    [] => FileSpec::Directory,
                    [arrow, target] if arrow == b"->" => {
                        FileSpec::Link(String::from_utf8(target.clone()).unwrap())
                    }
                    [contents] => FileSpec::Contents(contents.clone()),
                    _ => panic!("what is {line:?}?"),
                };
                case.files.push((name, spec));
                case.text.push(line.into());
            }
            "$" => {
                case.commands.push(invocation(rest));
                case.text.push(line.into());
            }
            ">" => case.expected.stdout = quoted(rest),
            "!" => case.expected.stderr = quoted(rest),
            "=" => case.expected.status = rest.trim().parse().unwrap(),
            _ => panic!("what is {line:?}?"),
        }
    }
    cases
}

fn invocation(line: &str) -> Invocation {
    let mut all = words(line).into_iter();
    let mut found = Invocation { words: Vec::new(), environment: Vec::new(), stdin: Stdin::Empty };
    while let Some(word) = all.next() {
        match &word[..] {
            b"<" => found.stdin = Stdin::File(String::from_utf8(all.next().unwrap()).unwrap()),
            b"<<<" => found.stdin = Stdin::Text(all.next().unwrap()),
            _ if found.words.is_empty() && word.contains(&b'=') => {
                let text = String::from_utf8(word).unwrap();
                let (name, value) = text.split_once('=').unwrap();
                found.environment.push((name.into(), value.into()));
            }
            _ => found.words.push(word),
        }
    }
    found
}

const ENVIRONMENT: [(&str, &str); 4] =
    [("LANG", "C.UTF-8"), ("TZ", "UTC"), ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/home/user")];

// The real tools.

fn run_real(case: &Case) -> Outcome {
    use std::os::unix::ffi::OsStrExt;
    let directory = tempfile::tempdir().unwrap();
    for (name, spec) in &case.files {
        let path = directory.path().join(name.trim_end_matches('/'));
        match spec {
            FileSpec::Contents(contents) => std::fs::write(path, contents).unwrap(),
            FileSpec::Directory => std::fs::create_dir(path).unwrap(),
            FileSpec::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
        }
    }
    let mut outcome = Outcome::default();
    let port = case.net.then(site::serve);
    for invocation in &case.commands {
        let argument = |word: &Vec<u8>| std::ffi::OsStr::from_bytes(word).to_owned();
        let mut command = Command::new(argument(&invocation.words[0]));
        let mut proxy = None;
        match (port, &invocation.words[0][..]) {
            (Some(port), b"curl") => _ = command.args(["--connect-to", &format!("::127.0.0.1:{port}")]),
            (Some(port), b"wget") => proxy = Some(("http_proxy", format!("http://127.0.0.1:{port}/"))),
            _ => {}
        }
        command.args(invocation.words[1..].iter().map(argument)).current_dir(directory.path());
        command.env_clear().envs(ENVIRONMENT).envs(invocation.environment.iter().cloned()).envs(proxy);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let text = match &invocation.stdin {
            Stdin::Empty => {
                command.stdin(Stdio::null());
                None
            }
            Stdin::Text(text) => {
                command.stdin(Stdio::piped());
                Some(text.clone())
            }
            Stdin::File(name) => {
                command.stdin(std::fs::File::open(directory.path().join(name)).unwrap());
                None
            }
        };
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", case.text));
        let feeder = text.map(|text| {
            let mut pipe = child.stdin.take().unwrap();
            std::thread::spawn(move || {
                use std::io::Write;
                // The tool may end before it has read everything.
                let _ = pipe.write_all(&text);
            })
        });
        let result = child.wait_with_output().unwrap();
        if let Some(feeder) = feeder {
            feeder.join().unwrap();
        }
        outcome.stdout.extend(result.stdout);
        outcome.stderr.extend(result.stderr);
        outcome.status = {
            use std::os::unix::process::ExitStatusExt;
            result
                .status
                .code()
                .map_or_else(|| 128 + result.status.signal().unwrap() as u8, |code| code as u8)
        };
    }
    outcome
}

// Ours.

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

fn machine(quota: wasmsh_vfs::Quota) -> (Rc<Kernel>, Rc<ManualClock>) {
    let clock = Rc::new(ManualClock::new(Timestamp { seconds: 1_700_000_000, nanoseconds: 0 }));
    let fs = wasmsh_vfs::Vfs::new(Rc::new(Time(clock.clone())), Rc::new(Noise)).unwrap();
    fs.set_user(0, 0);
    fs.write_file("/usr/bin/.utilities", b"", 0o755).unwrap();
    for command in wasmsh_commands::COMMANDS {
        fs.link("/usr/bin/.utilities", &format!("/usr/bin/{}", command.name), true).unwrap();
    }
    fs.remove_file("/usr/bin/.utilities").unwrap();
    fs.set_user(1000, 1000);
    fs.set_quota(quota);
    let kernel = Kernel::new(Rc::new(fs), clock.clone(), Rc::new(SeededEntropy::new(1)), Ceilings::default());
    kernel.set_loader(Rc::new(Registry));
    (kernel, clock)
}

fn run_ours(case: &Case) -> Outcome {
    run_within(case, wasmsh_vfs::Quota::default())
}

fn run_within(case: &Case, quota: wasmsh_vfs::Quota) -> Outcome {
    let (kernel, clock) = machine(quota);
    let fs = kernel.fs().clone();
    let root = "/workspace";
    for (name, spec) in &case.files {
        let path = format!("{root}/{}", name.trim_end_matches('/'));
        match spec {
            FileSpec::Contents(contents) => fs.write_file(&path, contents, 0o644).unwrap(),
            FileSpec::Directory => fs.make_directory(&path, 0o755).unwrap(),
            FileSpec::Link(target) => fs.symlink(target, &path).unwrap(),
        }
    }
    let mut outcome = Outcome::default();
    for invocation in &case.commands {
        let stdin_pipe = kernel.init().new_pipe();
        let stdin = match &invocation.stdin {
            Stdin::Empty => Rc::new(Description::File(fs.open("/dev/null", OpenFlags::READ, 0).unwrap())),
            Stdin::File(name) => {
                Rc::new(Description::File(fs.open(&format!("{root}/{name}"), OpenFlags::READ, 0).unwrap()))
            }
            Stdin::Text(text) => {
                let Description::PipeWriter(writer) = &*stdin_pipe.1 else { unreachable!() };
                writer.pipe().set_spool(1 << 30);
                kernel.init().try_write_to(&stdin_pipe.1, text).unwrap();
                stdin_pipe.0.clone()
            }
        };
        drop(stdin_pipe);
        let mut environment = Environment::default();
        for (name, value) in ENVIRONMENT {
            environment.set(name.as_bytes(), value.as_bytes());
        }
        for (name, value) in &invocation.environment {
            environment.set(name.as_bytes(), value.as_bytes());
        }
        let spawn = Spawn {
            program: invocation.words[0].clone().into(),
            arguments: invocation.words.iter().map(|word| word.clone().into()).collect(),
            environment: Some(environment),
            cwd: Some(root.into()),
            descriptors: vec![
                (0, Some(stdin)),
                (1, Some(Rc::new(Description::HostOutput(OutputStream::Stdout)))),
                (2, Some(Rc::new(Description::HostOutput(OutputStream::Stderr)))),
            ],
            group: Group::New,
            ..Spawn::default()
        };
        let exit: Rc<RefCell<Option<Exit>>> = Rc::default();
        let result = exit.clone();
        kernel
            .init()
            .fork(Group::Inherit, |ctx| {
                Box::pin(async move {
                    let exit = match ctx.spawn(spawn) {
                        Ok(pid) => ctx.wait(Child::Process(pid)).await.unwrap().1,
                        Err(Errno::NoEntry) => Exit::Code(127),
                        Err(_) => Exit::Code(126),
                    };
                    *result.borrow_mut() = Some(exit);
                    exit
                })
            })
            .unwrap();
        let mut turns = 0;
        while exit.borrow().is_none() {
            turns += 1;
            assert!(turns < 100_000, "{:?} does not end", case.text);
            let state = kernel.run(1_000_000);
            for chunk in kernel.take_output(usize::MAX) {
                match chunk.origin {
                    OutputStream::Stdout => outcome.stdout.extend(chunk.bytes),
                    OutputStream::Stderr => outcome.stderr.extend(chunk.bytes),
                }
            }
            if case.net {
                site::answer_requests(&kernel);
            }
            if let KernelState::Idle { timer: Some(timer) } = state {
                clock.advance(timer);
            }
        }
        outcome.status = exit.borrow().unwrap().status();
    }
    kernel.shutdown();
    outcome
}

fn render(case: &Case, outcome: &Outcome) -> String {
    let mut text = case.text.join("\n");
    text.push('\n');
    if !outcome.stdout.is_empty() {
        writeln!(text, "> \"{}\"", escape(&outcome.stdout)).unwrap();
    }
    if !outcome.stderr.is_empty() {
        writeln!(text, "! \"{}\"", escape(&outcome.stderr)).unwrap();
    }
    writeln!(text, "= {}", outcome.status).unwrap();
    text
}

fn each_file(mut visit: impl FnMut(&Path, Vec<Case>)) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        visit(&path, parse(&text));
    }
}

#[test]
fn ours() {
    if std::env::var_os("BLESS").is_some() {
        return bless();
    }
    let only = std::env::var("ONLY").unwrap_or_default();
    let (mut wrong, mut total) = (0, 0);
    each_file(|path, cases| {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.contains(&only) {
            return;
        }
        for case in &cases {
            total += 1;
            let got = run_ours(case);
            if got != case.expected {
                wrong += 1;
                println!("{name}:{}:\n{}--- got\n{}", case.line, render(case, &case.expected), {
                    let got = render(case, &got);
                    got.lines().filter(|line| !case.text.iter().any(|own| own == line)).fold(
                        String::new(),
                        |mut all, line| {
                            all.push_str(line);
                            all.push('\n');
                            all
                        },
                    )
                });
            }
        }
    });
    assert!(total > 0);
    assert_eq!(wrong, 0, "of {total}");
}

/// What grows when it is unpacked meets the quota, which is told; the next command runs.
#[test]
fn bombs_meet_the_quota() {
    const QUOTA: u64 = 1 << 18;
    // Holes count nothing, so that there can be more of them than the quota has room for.
    let make = "$ truncate -s 2M zeros\n";
    for (pack, unpack) in [
        ("gzip zeros", "gunzip zeros.gz"),
        ("bzip2 zeros", "bunzip2 zeros.bz2"),
        ("xz -0 zeros", "unxz zeros.xz"),
        ("zstd -q -1 --rm zeros", "unzstd zeros.zst"),
        ("zip -qm zeros.zip zeros", "unzip zeros.zip"),
        ("tar -czf a.tgz --remove-files zeros", "tar -xf a.tgz"),
        ("tar -cJf a.txz --remove-files zeros", "tar -xf a.txz"),
    ] {
        let text = format!("{make}$ {pack}\n$ {unpack}\n$ echo alive\n");
        let quota = wasmsh_vfs::Quota { bytes: QUOTA, ..wasmsh_vfs::Quota::default() };
        let case = &parse(&text)[0];
        let got = run_within(case, quota);
        let alive = got.stdout.ends_with(b"alive\n");
        let told = String::from_utf8_lossy(&[got.stdout, got.stderr].concat()).into_owned();
        assert!(told.contains("quota") && alive, "{unpack}: {told:?}");
    }
}

/// Whether the real tools are there that a case runs.
fn is_installed(case: &Case) -> bool {
    let path = ENVIRONMENT.iter().find(|(name, _)| *name == "PATH").unwrap().1;
    case.commands.iter().all(|invocation| {
        let name = std::str::from_utf8(&invocation.words[0]).unwrap();
        name.contains('/') || path.split(':').any(|directory| Path::new(directory).join(name).exists())
    })
}

/// Whether the expectations are those of the real tools; where a tool of these versions is installed.
#[test]
fn the_real_tools() {
    let version = Command::new("cat").arg("--version").output();
    let known =
        version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("coreutils) 9.1"));
    if !known || std::env::var_os("BLESS").is_some() {
        return;
    }
    let mut wrong = 0;
    each_file(|path, cases| {
        for case in cases.iter().filter(|case| !case.own && is_installed(case)) {
            let mut got = run_real(case);
            // `fd` sorts what it finds in its first moments; on a busy machine that is not all of it.
            for _ in 0..4 {
                if got != case.expected {
                    got = run_real(case);
                }
            }
            if got != case.expected {
                wrong += 1;
                println!("{}:{}:\n{}", path.display(), case.line, render(case, &got));
            }
        }
    });
    assert_eq!(wrong, 0);
}

fn bless() {
    let only = std::env::var("ONLY").unwrap_or_default();
    each_file(|path, cases| {
        if !path.file_name().unwrap().to_str().unwrap().contains(&only) {
            return;
        }
        let blocks: Vec<String> = cases
            .iter()
            .map(|case| render(case, &if case.own { case.expected.clone() } else { run_real(case) }))
            .collect();
        std::fs::write(path, blocks.join("\n")).unwrap();
    });
}
