//! Components of others as commands: programs in Rust and C, and what componentize-py and componentize-js make. Needs the
//! components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use wasmsh::{CommandComponent, ComponentError, Engine, Exit, Limit, Output, Session, SessionError, Signal};

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// Where the build has left the components.
fn products() -> PathBuf {
    std::env::var_os("WASMSH_COMPONENTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/wasmsh"), PathBuf::from)
}

/// A file that the build has left for these tests.
fn file(name: &str) -> PathBuf {
    products().join("commands").join(name)
}

fn session() -> Session {
    engine().session().component_command("tool", file("rust.wasm")).build().unwrap()
}

#[track_caller]
fn run(session: &mut Session, script: &str) -> Output {
    session.run(script).timeout(Duration::from_secs(60)).output().unwrap()
}

#[track_caller]
fn expect(session: &mut Session, script: &str, status: u8, stdout: &str) {
    let output = run(session, script);
    assert_eq!(
        (output.status(), &*output.stdout_text()),
        (status, stdout),
        "{script}: {}",
        output.stderr_text()
    );
}

#[test]
fn it_has_what_its_process_has() {
    let mut session = session();
    expect(&mut session, "tool arguments 'a b' '' é", 0, "[\"tool\", \"arguments\", \"a b\", \"\", \"é\"]\n");
    expect(&mut session, "export A=1; B=2 tool variable A; B=2 tool variable B", 0, "1\n2\n");
    expect(&mut session, "echo hello | tool upper", 0, "HELLO\n");
    expect(&mut session, "tool upper <<< word >f; cat f", 0, "WORD\n");
    expect(&mut session, "tool both 2>&1 | sort", 0, "to stderr\nto stdout\n");
    expect(
        &mut session,
        "tool both 2>/dev/null; tool both >/dev/null 2>f; cat f",
        0,
        "to stdout\nto stderr\n",
    );
    expect(&mut session, "tool terminal", 0, "false false\n");
    expect(&mut session, "hash -r; type tool; which tool", 0, "tool is /usr/bin/tool\n/usr/bin/tool\n");
    expect(&mut session, "x=$(echo a | tool cat); echo \"<$x>\"", 0, "<a>\n");
    expect(&mut session, "echo 'tool upper' > s.sh; echo x | bash s.sh", 0, "X\n");
    expect(&mut session, "seq 3 | xargs -n1 tool arguments | wc -l", 0, "3\n");
}

#[test]
fn git_is_a_command_where_it_lies_beside_the_core() {
    let directory = std::env::temp_dir().join(format!("wasmsh-git-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for name in ["core.wasm", "core.cwasm"] {
        std::fs::copy(products().join(name), directory.join(name)).unwrap();
    }
    let engine = |git: bool| {
        let builder = Engine::builder().components(&directory).python(wasmsh::Python::None);
        builder.cache(None).git(git).build().unwrap()
    };
    let status = |engine: &Engine| run(&mut engine.session().build().unwrap(), "git version").status();
    assert_eq!(status(&engine(true)), 127);

    // Any command will do for one.
    std::fs::copy(file("rust.wasm"), directory.join("git.wasm")).unwrap();
    let with = engine(true);
    let mut session = with.session().build().unwrap();
    expect(&mut session, "type git; echo a | git upper", 0, "git is /usr/bin/git\nA\n");
    let mut forked = session.fork().unwrap();
    expect(&mut forked, "git arguments", 0, "[\"git\", \"arguments\"]\n");
    assert_eq!(status(&engine(false)), 127);
    let mut own = with.session().command("git", |_| 42).build().unwrap();
    assert_eq!(run(&mut own, "git upper").status(), 42);

    // What is none is told of when it is run, and nothing before.
    std::fs::write(directory.join("git.wasm"), "none").unwrap();
    let mut session = engine(true).session().build().unwrap();
    expect(&mut session, "echo a", 0, "a\n");
    let output = run(&mut session, "git upper");
    assert_eq!(output.status(), 126);
    assert!(output.stderr_text().starts_with("git: cannot start: cannot load "), "{}", output.stderr_text());
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn lists_of_directories_that_are_held_have_a_bound() {
    let mut session = session();
    expect(&mut session, "mkdir many; touch many/{1..4000}; tool hold many 10", 0, "true\n");
    expect(&mut session, "tool hold many 100; tool hold many 10", 0, "false\ntrue\n");
}

#[test]
fn its_files_are_the_sessions() {
    let mut session = session();
    session.write_file("here", "relative\n").unwrap();
    expect(
        &mut session,
        "tool show here; tool show ./here; tool show $PWD/here",
        0,
        "relative\nrelative\nrelative\n",
    );
    expect(
        &mut session,
        "mkdir sub; cd sub; tool show ../here; tool put new text; cat new",
        0,
        "relative\ntext",
    );
    expect(
        &mut session,
        "tool append new +more; cat new; echo *; cat ../sub/new",
        0,
        "text+morenew\ntext+more",
    );
    expect(&mut session, "tool tree; echo made/*; cat made/d", 0, "1 true true\nmade/b made/d\na");
    expect(&mut session, "ln -s ../here link; tool show link; tool list .", 0, "relative\nlink made new\n");
    expect(&mut session, "tool list / | grep -c workspace", 0, "1\n");
    // A name that the root directory has, too.
    expect(
        &mut session,
        "mkdir tmp; tool put tmp/a in; tool put /tmp/b out; ls tmp /tmp",
        0,
        "/tmp:\nb\n\ntmp:\na\n",
    );
    expect(&mut session, "umask 077; tool put private x; stat -c %a private", 0, "600\n");
    expect(&mut session, "tool show missing", 1, "");
    expect(&mut session, "echo x > ro; chmod 400 ro; tool put ro y; cat ro", 0, "x\n");
    assert_eq!(session.read_file("/workspace/sub/made/b").unwrap(), b"a");
}

#[test]
fn its_streams_are_pipes() {
    let mut session = session();
    expect(&mut session, "tool yes | head -n 2; echo ${PIPESTATUS[*]}", 0, "y\ny\n141 0\n");
    expect(&mut session, "head -c 30000000 /dev/zero | tool cat | tool cat | tool count", 0, "30000000\n");
    expect(
        &mut session,
        "(echo a; sleep 0.2; echo b) | tool cat | while read x; do echo \"[$x]\"; done",
        0,
        "[a]\n[b]\n",
    );
    // One that does not read, and one that is given up.
    expect(&mut session, "yes | tool arguments; echo $?", 0, "[\"tool\", \"arguments\"]\n0\n");
    expect(&mut session, "mkfifo p; tool upper < p & echo x > p; wait", 0, "X\n");
    let mut child = session.run("tool cat").spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for word in ["one\n", "two\n"] {
        // Only when everybody waits for it.
        std::thread::sleep(Duration::from_millis(100));
        std::io::Write::write_all(&mut stdin, word.as_bytes()).unwrap();
        let mut read = [0; 4];
        std::io::Read::read_exact(&mut stdout, &mut read).unwrap();
        assert_eq!(read, word.as_bytes());
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_run_is_a_new_instance() {
    let mut session = session();
    expect(&mut session, "tool runs; tool runs; tool runs & tool runs; wait", 0, "0\n0\n0\n0\n");
    expect(&mut session, "tool clock", 0, "true\n");
}

#[test]
fn its_end_ends_only_its_process() {
    let mut session = session();
    expect(&mut session, "tool fail; echo $?; tool fail || echo or", 0, "1\nor\n");
    let output = run(&mut session, "x=kept; tool panic; echo $? $x");
    assert_eq!(output.stdout_text(), "134 kept\n");
    let told = output.stderr_text();
    assert!(
        told.contains("on purpose") && told.contains("tool: wasm trap") && told.contains("Aborted"),
        "{told}"
    );
    assert_eq!(output.recovery, None);
    let output = run(&mut session, "tool deep; echo $?");
    assert_eq!(output.stdout_text(), "139\n", "{}", output.stderr_text());
    expect(&mut session, "tool panic 2>/dev/null | cat; echo ${PIPESTATUS[*]}; echo $x", 0, "134 0\nkept\n");
}

#[test]
fn it_can_be_ended() {
    let mut session = session();
    let start = Instant::now();
    expect(&mut session, "timeout 0.2 tool spin; echo $?", 0, "124\n");
    expect(&mut session, "tool spin & sleep 0.1; kill $!; wait $!; echo $?", 0, "143\n");
    expect(&mut session, "tool cat < <(sleep 9) & sleep 0.1; kill -9 $!; wait $!; echo $?", 0, "137\n");
    let output = session.run("tool spin").timeout(Duration::from_millis(200)).output().unwrap();
    assert_eq!(output.exit, Exit::Limited(Limit::WallTimeMs(200)));
    let child = session.run("tool spin").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    child.cancel();
    assert_eq!(child.wait().unwrap().exit, Exit::Signalled(Signal::Kill));
    drop(child);
    assert!(start.elapsed() < Duration::from_secs(30));
    expect(&mut session, "tool upper <<< fine", 0, "FINE\n");
}

#[test]
fn a_task_that_awaits_one_that_computes_is_not_kept() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut session = session();
    let awaited = runtime.block_on(async {
        // The limit is for a task that would never be asked whether it still wants to wait.
        let run = session.run("tool spin").timeout(Duration::from_secs(30));
        tokio::time::timeout(Duration::from_millis(50), run).await
    });
    assert!(awaited.is_err(), "{awaited:?}");
    expect(&mut session, "echo goes on", 0, "goes on\n");
}

#[test]
fn its_memory_is_limited() {
    let mut session = engine()
        .session()
        .memory_limit(64 << 20)
        .component_command("tool", file("rust.wasm"))
        .build()
        .unwrap();
    let output = run(&mut session, "tool eat; echo $?");
    assert_eq!(output.stdout_text(), "134\n");
    assert_eq!(output.exceeded, [Limit::MemoryBytes(64 << 20)]);
    assert!(output.stderr_text().contains("tool: out of memory"), "{}", output.stderr_text());
    expect(&mut session, "tool upper <<< fine", 0, "FINE\n");
}

#[test]
fn it_has_no_sockets() {
    let mut session = session();
    expect(
        &mut session,
        "tool connect; tool bind; tool resolve",
        0,
        "Err(PermissionDenied)\nErr(PermissionDenied)\ntrue\n",
    );
}

#[test]
fn a_program_in_c() {
    let mut session = engine().session().component_command("tool", file("c.wasm")).build().unwrap();
    expect(&mut session, "seq 100 | tool count; tool count < /dev/null", 0, "100 292\n0 0\n");
    expect(
        &mut session,
        "mkdir d; cd d; tool write f text; cat f; tool write /tmp/g x; cat /tmp/g",
        0,
        "text\nx\n",
    );
    expect(
        &mut session,
        "touch a b; tool list .; tool list /workspace/d; WORD=w tool variable WORD",
        0,
        "3 1\n3 1\nw\n",
    );
    expect(
        &mut session,
        "tool write no/such/directory x 2>&1",
        1,
        "tool: no/such/directory: No such file or directory\n",
    );
    expect(
        &mut session,
        "(tool abort; echo $?; tool wild; echo $?; tool divide; echo $?; tool; echo $?) 2>/dev/null",
        0,
        "134\n139\n136\n1\n",
    );
}

#[test]
fn what_is_no_command_is_refused() {
    let failed = |bytes: &[u8]| engine().command_component_from_bytes(bytes).err().unwrap();
    assert!(matches!(failed(b"no component"), ComponentError::Compile(_)));
    // An empty component, and one that imports what nobody has.
    let empty = [0, b'a', b's', b'm', 13, 0, 1, 0];
    assert!(matches!(failed(&empty), ComponentError::NotACommand(_)));
    let name = b"a:b/c";
    let stranger = [&empty, &[7, 3, 1, 0x42, 0, 10, 10, 1, 0, 5][..], name, &[5, 0]].concat();
    let error = engine().session().component_command("tool", stranger).build().err().unwrap();
    assert!(
        matches!(&error, SessionError::Component(tool, ComponentError::Import(import))
            if tool == "tool" && import.as_bytes() == name),
        "{error:?}"
    );
    let error = engine().session().component_command("tool", "/no/such/file").build().err().unwrap();
    assert!(matches!(error, SessionError::Component(_, ComponentError::Read { .. })), "{error:?}");
}

#[test]
#[allow(unsafe_code)]
fn it_is_compiled_once() {
    let engine = Engine::builder().cache(None).build().unwrap();
    let copy = std::env::temp_dir().join(format!("wasmsh-compiled-once-{}.wasm", std::process::id()));
    let length = std::fs::copy(file("rust.wasm"), &copy).unwrap();
    let tool = engine.command_component(&copy).unwrap();
    // As long and as old: whoever looked into it again would find that it is none.
    let modified = std::fs::metadata(&copy).unwrap().modified().unwrap();
    let mut damaged = std::fs::File::options().write(true).open(&copy).unwrap();
    damaged.write_all(&vec![b'x'; usize::try_from(length).unwrap()]).unwrap();
    damaged.set_modified(modified).unwrap();
    let mut session = engine.session().component_command("tool", copy.as_path()).build().unwrap();
    expect(&mut session, "echo x | tool upper", 0, "X\n");
    std::fs::remove_file(copy).unwrap();
    let bytes = tool.precompiled().unwrap();
    // SAFETY: they come from `precompiled`.
    let again: CommandComponent = unsafe { engine.command_component_precompiled(&bytes) }.unwrap();
    let mut session = engine.session().component_command("again", again.clone()).build().unwrap();
    expect(&mut session, "echo x | again upper", 0, "X\n");
    let other = Engine::new().unwrap();
    let error = other.session().component_command("again", again).build().err().unwrap();
    assert!(matches!(error, SessionError::Component(_, ComponentError::OtherEngine)), "{error:?}");
}

#[test]
#[ignore = "`cargo xtask foreign` builds what it needs"]
fn a_component_of_componentize_py() {
    let mut session =
        engine().session().env("WORD", "w").component_command("tool", file("python.wasm")).build().unwrap();
    session.write_file("in.txt", "text\n").unwrap();
    expect(&mut session, "echo 12345 | tool; cat /tmp/out.txt", 0, "text 6 ['in.txt']\nw");
    // `wasi:cli/exit` of componentize-py tells success and failure.
    expect(&mut session, "tool fail; echo $?; tool raise 2>/dev/null; echo $?", 0, "1\n134\n");
}

#[test]
#[ignore = "`cargo xtask foreign` builds what it needs"]
fn a_component_of_componentize_js() {
    let mut session = engine()
        .session()
        .env("WORD", "w")
        .component_command("tool", file("javascript.wasm"))
        .build()
        .unwrap();
    session.write_file("in.txt", "text\n").unwrap();
    expect(&mut session, "echo 12345 | tool; cat /tmp/out.txt", 0, "text 6\nw");
    expect(&mut session, "tool raise < /dev/null; echo $?", 0, "1\n");
}
