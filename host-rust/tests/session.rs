//! The crate, as a program that embeds it meets it. Needs the components of `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use wasmsh::{Engine, Errno, Exit, FileType, Limit, Limits, Session, Signal, Stream};

fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new().expect("the components, from `cargo xtask build`"));
    &ENGINE
}

fn session() -> Session {
    engine().session().build().unwrap()
}

#[test]
fn output_keeps_the_order_of_writing() {
    let output = session().run("echo one; echo two >&2; echo three").output().unwrap();
    let chunks: Vec<_> = output.chunks().collect();
    assert_eq!(
        chunks,
        [(Stream::Stdout, &b"one\n"[..]), (Stream::Stderr, b"two\n"), (Stream::Stdout, b"three\n")]
    );
    assert!(output.steps > 0);
}

#[test]
fn output_is_streamed_before_the_end() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut session = session();
    let control = session.control();
    let sink = Arc::clone(&seen);
    let exit = session
        .run("echo first; sleep 60")
        .stream(move |_, bytes| {
            sink.lock().unwrap().extend_from_slice(bytes);
            control.signal(Signal::Int);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(exit.status(), 130);
    assert_eq!(*seen.lock().unwrap(), b"first\n");
    assert_eq!(session.run("echo on").output().unwrap().stdout, b"on\n");
}

#[test]
fn a_run_can_be_cancelled_from_another_thread() {
    let mut session = session();
    session.run("x=kept").output().unwrap();
    for script in ["sleep 60", "while :; do :; done", "trap '' INT TERM; while :; do sleep 1; done"] {
        let control = session.control();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            control.cancel();
        });
        let output = session.run(script).output().unwrap();
        assert_eq!(output.exit, Exit::Signalled(Signal::Kill), "{script}");
        thread.join().unwrap();
    }
    assert_eq!(session.run("echo $x").output().unwrap().stdout, b"kept\n");
}

#[test]
fn limits_have_names_and_values() {
    let mut session =
        engine().session().limits(Limits { steps: Some(50_000), ..Limits::default() }).build().unwrap();
    let output = session.run("while :; do :; done").output().unwrap();
    assert_eq!(output.exit, Exit::Limited(Limit::Steps(50_000)));
    let output = session.run("sleep 60").timeout(Duration::from_millis(50)).output().unwrap();
    assert_eq!(output.exit, Exit::Limited(Limit::WallTimeMs(50)));
    let limits = Limits { output_bytes: Some(1000), ..Limits::default() };
    let output = session.run("yes").limits(limits).output().unwrap();
    assert_eq!(output.exit, Exit::Limited(Limit::OutputBytes(1000)));
    assert!((1000..1 << 20).contains(&output.stdout.len()), "{}", output.stdout.len());
    assert_eq!(session.run("echo on").output().unwrap().stdout, b"on\n");
}

#[test]
fn files_of_the_host_belong_to_the_user() {
    let mut session = session();
    session.write_file("a/b/file", "one\n").unwrap();
    session.write_file("/opt/tool/run", "two\n").unwrap();
    session.write_file_with_mode("script", "#!/bin/sh\necho ran\n", 0o755).unwrap();
    let output = session
        .run("set -e; echo more >> a/b/file; echo more >> /opt/tool/run; : > a/b/new; ./script")
        .output()
        .unwrap();
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("ran\n", ""));
    assert_eq!(session.read_file("/workspace/a/b/file").unwrap(), b"one\nmore\n");
    assert_eq!(session.stat("script").unwrap().mode, 0o755);
    assert_eq!(session.stat("a").unwrap().kind, FileType::Directory);
    let names: Vec<_> = session.list_dir("a/b").unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["file", "new"]);
    assert_eq!(session.read_file("nosuch").unwrap_err().errno(), Some(Errno::NoEntry));
    session.symlink("a/b", "link").unwrap();
    assert_eq!(session.symlink_stat("link").unwrap().kind, FileType::SymbolicLink);
    session.rename("a/b/new", "moved").unwrap();
    session.remove("link").unwrap();
    assert!(session.exists("moved").unwrap() && !session.exists("link").unwrap());
    assert_eq!(session.remove("a").unwrap_err().errno(), Some(Errno::DirectoryNotEmpty));
    // What only root may read is no secret from the host.
    session.run("echo secret > hidden; chmod 000 hidden").output().unwrap();
    assert_eq!(session.read_file("hidden").unwrap(), b"secret\n");
}

#[test]
fn the_filesystem_can_be_bounded() {
    let mut session = engine().session().filesystem_limit(1 << 20).build().unwrap();
    let output = session.run("yes | head -c 2000000 > big").output().unwrap();
    assert!(!output.success(), "{}", output.stderr_text());
    assert_eq!(session.run("rm big; echo on").output().unwrap().stdout, b"on\n");
}

#[test]
fn a_command_of_the_host_is_part_of_a_pipeline() {
    let mut session = engine()
        .session()
        .command("upper", |process| {
            let mut buffer = [0; 1000];
            loop {
                match process.stdin().read(&mut buffer) {
                    Ok(0) => return 0,
                    Ok(read) => {
                        let text = buffer[..read].to_ascii_uppercase();
                        if process.stdout().write_all(&text).is_err() {
                            return 1;
                        }
                    }
                    Err(_) => return 2,
                }
            }
        })
        .command("show", |process| {
            let arguments = process.arguments().join(&b"|"[..]);
            let variable = process.variable("V").unwrap_or_default().to_vec();
            let cwd = process.cwd().to_owned();
            let text = [&arguments[..], b" ", &variable, b" ", cwd.as_bytes(), b"\n"].concat();
            match process.stdout().write_all(&text) {
                Ok(()) => 7,
                Err(_) => 1,
            }
        })
        .command_async("upper-async", |process| async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut buffer = [0; 1000];
            loop {
                match AsyncReadExt::read(&mut process.stdin(), &mut buffer).await {
                    Ok(0) => return 0,
                    Ok(read) => {
                        let text = buffer[..read].to_ascii_uppercase();
                        if AsyncWriteExt::write_all(&mut process.stdout(), &text).await.is_err() {
                            return 1;
                        }
                    }
                    Err(_) => return 2,
                }
            }
        })
        .command_async("forever", |_| std::future::pending())
        .command("boom", |_| panic!("a defect of the host's"))
        .build()
        .unwrap();
    let output = session.run("yes abc | head -n 100000 | upper | tail -n 1").output().unwrap();
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("ABC\n", ""));
    let output = session.run("yes | upper | head -n 2").output().unwrap();
    assert_eq!(output.stdout, b"Y\nY\n");
    let output = session.run("yes abc | head -n 100000 | upper-async | tail -n 1").output().unwrap();
    assert_eq!((output.stdout_text().as_str(), output.stderr_text().as_str()), ("ABC\n", ""));
    let output = session.run("yes | upper-async | head -n 2; echo x | upper | upper-async").output().unwrap();
    assert_eq!(output.stdout, b"Y\nY\nX\n");
    let output = session.run("forever").timeout(Duration::from_millis(50)).output().unwrap();
    assert_eq!(output.status(), 124);
    let output = session.run("mkdir d; cd d; V=v show 'a b' c; echo $?").output().unwrap();
    assert_eq!(output.stdout_text(), "show|a b|c v /workspace/d\n7\n");
    let output = session.run("boom; echo $?").output().unwrap();
    assert_eq!(output.stdout, b"134\n");
    let output = session.run("sleep 60 | upper").timeout(Duration::from_millis(50)).output().unwrap();
    assert_eq!(output.status(), 124);
    assert_eq!(session.run("echo on | upper").output().unwrap().stdout, b"ON\n");
}

#[test]
fn a_state_that_is_none_is_refused() {
    let mut session = session();
    session.run("x=kept").output().unwrap();
    assert!(matches!(session.load(b"no state"), Err(wasmsh::LoadError::Damaged(_))));
    assert_eq!(session.run("echo $x").output().unwrap().stdout, b"kept\n");
}

#[test]
fn sessions_share_nothing_and_run_side_by_side() {
    let threads: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                let mut session = session();
                for _ in 0..5 {
                    let script = format!("echo {number} >> f; sort -u f; ls | wc -l");
                    let output = session.run(script).output().unwrap();
                    assert_eq!(output.stdout_text(), format!("{number}\n1\n"));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}
