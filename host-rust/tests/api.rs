//! The ways to run a script: in this thread, in a task, in a thread of its own with pipes. Needs the components of
//! `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmsh::{Exit, Limit, RunError, Sandbox, Session, Signal};

fn session() -> Session {
    Sandbox::builder().build().unwrap()
}

fn in_a_task<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

fn send<T: Send>(value: T) -> T {
    value
}

#[test]
fn the_types_of_a_server_can_be_shared() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<Session>();
    sync::<Session>();
    send::<wasmsh::Child>();
    sync::<wasmsh::Engine>();
    sync::<wasmsh::Child>();
    send::<wasmsh::Engine>();
    send::<wasmsh::SessionBuilder>();
    sync::<wasmsh::SessionBuilder>();
    send::<wasmsh::Run<'static>>();
    send::<wasmsh::Control>();
    sync::<wasmsh::Control>();
    send::<wasmsh::Snapshot>();
    sync::<wasmsh::Snapshot>();
    send::<wasmsh::Process>();
    send::<wasmsh::Output>();
    // Errors go through `?` in a task.
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    error::<wasmsh::EngineError>();
    error::<wasmsh::SessionError>();
    error::<wasmsh::RunError>();
    error::<wasmsh::FileError>();
    error::<wasmsh::SaveError>();
    error::<wasmsh::LoadError>();
    error::<wasmsh::SnapshotError>();
    error::<wasmsh::MountError>();
    error::<wasmsh::ArchiveError>();
    error::<wasmsh::RuleError>();
}

#[test]
fn a_run_can_be_awaited() {
    in_a_task(async {
        let mut session = session();
        let output =
            send(session.run("read x; echo $x; sleep 0.02; echo $A >&2; exit 3").stdin("in\n").env("A", "a"))
                .await
                .unwrap();
        assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("in\n", "a\n"));
        assert_eq!(output.exit, Exit::Code(3));
        let output = session.run("sleep 60").timeout(Duration::from_millis(30)).await.unwrap();
        assert_eq!(output.exit, Exit::Limited(Limit::WallTimeMs(30)));
        assert_eq!(session.run("python3 -c 'print(6*7)' | cat").await.unwrap().stdout, b"42\n");
    });
}

#[test]
fn tasks_share_a_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let start = Instant::now();
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                tokio::spawn(async move {
                    let mut session = session();
                    let script =
                        format!("sleep 0.3; i=0; while ((i < 20000)); do ((i++)); done; echo {number} $i");
                    session.run(script).await.unwrap().stdout_text()
                })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await.unwrap(), format!("{number} 20000\n"));
        }
        // One after the other would be 2.4 s of sleep alone.
        assert!(start.elapsed() < Duration::from_millis(2300), "{:?}", start.elapsed());
    });
}

#[test]
fn a_future_that_is_dropped_ends_its_run() {
    in_a_task(async {
        let mut session = session();
        for script in ["sleep 60", "while :; do :; done", "python3 -c 'while True: pass'"] {
            let late = tokio::time::timeout(Duration::from_millis(100), session.run(script)).await;
            assert!(late.is_err(), "{script}");
            assert_eq!(session.run("echo on").await.unwrap().stdout, b"on\n", "{script}");
        }
    });
}

#[test]
fn a_child_streams_both_ways() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    in_a_task(async {
        let mut session = session();
        let mut child =
            session.run("while read -r line; do echo \"<$line>\"; done; echo end >&2").spawn().unwrap();
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        for word in ["one", "two"] {
            stdin.write_all(format!("{word}\n").as_bytes()).await.unwrap();
            let mut answer = [0; 6];
            stdout.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, format!("<{word}>\n").as_bytes());
        }
        assert!(matches!(session.run("echo").await, Err(RunError::Busy(_))));
        session.write_file("meanwhile", "x").unwrap();
        stdin.shutdown().await.unwrap();
        let mut rest = String::new();
        child.stderr.take().unwrap().read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "end\n");
        assert_eq!(child.ended().await.unwrap().exit, Exit::Code(0));
        assert_eq!(session.run("ls").await.unwrap().stdout, b"meanwhile\n");
    });
}

#[test]
fn a_child_waits_for_its_reader_and_ends_without_one() {
    use std::io::Read;

    let mut session = session();
    let mut child = session.run("yes").spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let mut piece = vec![0; 1 << 20];
    stdout.read_exact(&mut piece).unwrap();
    assert!(piece.chunks(2).all(|line| line == b"y\n"));
    drop(stdout);
    assert_eq!(child.wait().unwrap().exit, Exit::Signalled(Signal::Pipe));
    assert_eq!(session.run("echo on").output().unwrap().stdout, b"on\n");
}

#[test]
fn a_child_whose_reader_sleeps_still_meets_its_limit_and_its_end() {
    let mut session = session();
    let child = session.run("yes").timeout(Duration::from_millis(100)).spawn().unwrap();
    assert_eq!(child.wait().unwrap().exit, Exit::Limited(Limit::WallTimeMs(100)));
    let child = session.run("yes").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    child.cancel();
    assert_eq!(child.wait().unwrap().exit, Exit::Signalled(Signal::Kill));
    let child = session.run("cat; echo $?").spawn().unwrap();
    drop(child);
    // The next run waits until the one that was dropped is over.
    assert_eq!(session.run("echo on").output().unwrap().stdout, b"on\n");
}

#[test]
fn all_of_a_childs_output_can_be_had_at_its_end() {
    use std::io::Write;

    let mut session = session();
    let mut child = session.run("cat; seq 100000 >&2; exit 4").spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"text").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status(), output.stdout.as_slice()), (4, &b"text"[..]));
    assert!(output.stderr.ends_with(b"\n99999\n100000\n") && output.stderr.len() == 588_895);
    let child = session.run("trap 'echo caught; exit 5' TERM; echo ready; sleep 60").spawn().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    child.signal(Signal::Term);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status(), output.stdout.as_slice()), (5, &b"ready\ncaught\n"[..]));
}

#[test]
fn a_session_can_be_saved_moved_and_forked() {
    let mut one = session();
    one.run("x=1; f() { echo \"f $x\"; }; set -u; mkdir d; cd d; echo text > file; chmod 640 file; ln -s file link")
        .output()
        .unwrap();
    let snapshot = one.snapshot().unwrap();
    let mut other = one.fork().unwrap();
    other.run("x=2; echo changed > file").output().unwrap();
    let show = "f; pwd; stat -c '%a %Y' file >/dev/null; cat link; stat -c %a file";
    assert_eq!(one.run(show).output().unwrap().stdout_text(), "f 1\n/workspace/d\ntext\n640\n");
    assert_eq!(other.run(show).output().unwrap().stdout_text(), "f 2\n/workspace/d\nchanged\n640\n");
    other.restore(&snapshot).unwrap();
    assert_eq!(other.run(show).output().unwrap().stdout_text(), "f 1\n/workspace/d\ntext\n640\n");
    assert!(!other.run("echo $nosuch").output().unwrap().success());
    // The same state gives the same bytes.
    assert_eq!(other.snapshot().unwrap().as_ref().len(), snapshot.as_ref().len());
}

#[test]
fn a_damaged_snapshot_is_refused_and_changes_nothing() {
    let mut one = session();
    one.run("x=1; echo text > file").output().unwrap();
    let good = one.snapshot().unwrap().into_bytes();
    let mut other = session();
    other.run("x=own; echo own > own").output().unwrap();
    let mut positions: Vec<usize> = (0..64).map(|part| part * good.len() / 64).collect();
    positions.push(good.len() - 1);
    for position in positions {
        let mut bytes = good.clone();
        bytes[position] ^= 0x10;
        let refused = wasmsh::Snapshot::from_bytes(bytes).and_then(|snapshot| other.restore(&snapshot));
        assert!(refused.is_err(), "byte {position} of {}", good.len());
        let mut bytes = good.clone();
        bytes.truncate(position);
        let refused = wasmsh::Snapshot::from_bytes(bytes).and_then(|snapshot| other.restore(&snapshot));
        assert!(refused.is_err(), "cut at {position}");
    }
    assert_eq!(other.run("echo $x; ls").output().unwrap().stdout_text(), "own\nown\n");
}

/// What the notes say is the interface is all of it.
#[test]
fn every_public_name_is_in_the_notes() {
    let (library, notes) = (include_str!("../src/lib.rs"), include_str!("../CHANGELOG.md"));
    let names: Vec<&str> = library
        .split("pub use crate::")
        .skip(1)
        .filter_map(|rest| rest.split_once(';'))
        .flat_map(|(path, _)| {
            path.rsplit("::").next().unwrap().split(|c: char| !c.is_alphanumeric() && c != '_')
        })
        .filter(|name| !name.is_empty())
        .collect();
    assert!(names.len() > 50, "{names:?}");
    let missing: Vec<_> = names.iter().filter(|name| !notes.contains(&format!("{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Remembers the names of spans.
#[derive(Default)]
struct Spans(std::sync::Mutex<Vec<&'static str>>);

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("wasmsh")
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut names = self.0.lock().unwrap();
        names.push(span.metadata().name());
        tracing::span::Id::from_u64(names.len() as u64)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn what_takes_time_has_spans() {
    let spans = Arc::new(Spans::default());
    tracing::subscriber::with_default(Arc::clone(&spans), || {
        let mut session = self::session();
        session.run("true").output().unwrap();
        let snapshot = session.snapshot().unwrap();
        session.restore(&snapshot).unwrap();
        session.fork().unwrap();
        session.commit().unwrap();
    });
    assert_eq!(*spans.0.lock().unwrap(), ["build", "run", "snapshot", "restore", "fork", "commit"]);
}
