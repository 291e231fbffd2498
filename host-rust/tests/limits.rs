//! Every limit: it is met, it is told with its name and value, and the session goes on. Needs the components of
//! `cargo xtask build`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::time::{Duration, Instant};

use wasmsh::{Ceilings, Exit, Limit, Limits, Network, Quota, Recovery, Sandbox, Session, SessionBuilder};

fn builder() -> SessionBuilder {
    Sandbox::builder()
}

#[track_caller]
fn usable(session: &mut Session) {
    assert_eq!(session.run("echo on | cat").output().unwrap().stdout, b"on\n");
}

#[test]
fn steps_time_and_output_end_a_run() {
    let mut session = builder().build().unwrap();
    let output = session.run("while :; do :; done").steps(50_000).output().unwrap();
    assert_eq!((output.exit, output.status()), (Exit::Limited(Limit::Steps(50_000)), 137));
    assert_eq!(output.exceeded, [Limit::Steps(50_000)]);
    usable(&mut session);
    let output = session.run("sleep 60").timeout(Duration::from_millis(50)).output().unwrap();
    assert_eq!((output.exit, output.status()), (Exit::Limited(Limit::WallTimeMs(50)), 124));
    usable(&mut session);
    let output = session.run("yes").output_bytes(1000).output().unwrap();
    assert_eq!((output.exit, output.status()), (Exit::Limited(Limit::OutputBytes(1000)), 137));
    usable(&mut session);
}

#[test]
fn only_computing_counts_as_cpu_time() {
    let limits = Limits { cpu_time_ms: Some(200), ..Limits::default() };
    let mut session = builder().limits(limits).build().unwrap();
    let start = Instant::now();
    let output = session.run("sleep 0.5; echo slept").output().unwrap();
    assert_eq!((output.exit, output.stdout.as_slice()), (Exit::Code(0), &b"slept\n"[..]));
    assert!(start.elapsed() >= Duration::from_millis(500));
    for script in ["while :; do :; done", "python3 -c 'while True: pass'", "yes | sort"] {
        let output = session.run(script).output().unwrap();
        assert_eq!((output.exit, output.status()), (Exit::Limited(Limit::CpuTimeMs(200)), 124), "{script}");
        assert_eq!(output.exceeded, [Limit::CpuTimeMs(200)]);
        usable(&mut session);
    }
}

#[test]
fn memory_that_is_used_up_ends_the_run_and_leaves_the_session_as_it_is() {
    let mut session = builder().memory_limit(64 << 20).build().unwrap();
    session.run("x=kept; echo text > file").output().unwrap();
    let hungry = "s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done";
    let output = session.run(hungry).output().unwrap();
    assert_eq!((output.exit, output.status()), (Exit::Limited(Limit::MemoryBytes(64 << 20)), 137));
    assert_eq!(output.exceeded, [Limit::MemoryBytes(64 << 20)]);
    assert!(output.recovery.is_some());
    if output.recovery == Some(Recovery::Kept) {
        assert_eq!(session.run("echo $x; cat file").output().unwrap().stdout_text(), "kept\ntext\n");
    }
    usable(&mut session);
}

#[test]
fn a_session_with_checkpoints_survives_a_trap() {
    let mut session = builder().memory_limit(64 << 20).checkpoint_bytes(1 << 20).build().unwrap();
    session.run("x=kept; echo text > file").output().unwrap();
    let output = session.run("seq 100000000 | tac > /dev/null").output().unwrap();
    assert_eq!(output.exit, Exit::Limited(Limit::MemoryBytes(64 << 20)));
    assert_eq!(session.run("echo $x; cat file").output().unwrap().stdout_text(), "kept\ntext\n");
}

#[test]
fn python_meets_the_limit_of_memory_as_an_error() {
    let mut session = builder().memory_limit(96 << 20).build().unwrap();
    let output = session.run("python3 -c 'x = bytearray(1 << 30)' 2>&1 | tail -n 1").output().unwrap();
    assert_eq!(output.stdout_text(), "MemoryError\n");
    assert_eq!(output.exceeded, [Limit::MemoryBytes(96 << 20)]);
    usable(&mut session);
}

#[test]
fn files_have_a_quota() {
    let quota = Quota { bytes: 1 << 20, file_size: 1 << 19, ..Quota::default() };
    let mut session = builder().quota(quota).build().unwrap();
    let output = session.run("head -c 600000 /dev/zero > big").output().unwrap();
    assert!(output.stderr_text().contains("File too large"), "{}", output.stderr_text());
    assert_eq!(output.exceeded, [Limit::FileSize(1 << 19)]);
    let output =
        session.run("for i in 1 2 3; do head -c 500000 /dev/zero > f$i || break; done").output().unwrap();
    assert!(output.stderr_text().contains("Disk quota exceeded"), "{}", output.stderr_text());
    assert_eq!(output.exceeded, [Limit::FilesBytes(1 << 20)]);
    assert!(session.usage().unwrap().bytes <= 1 << 20);
    session.run("rm -f big f*").output().unwrap();
    usable(&mut session);
    let used = session.usage().unwrap().inodes;
    let quota = Quota { inodes: used + 10, ..Quota::default() };
    let mut session = builder().quota(quota).build().unwrap();
    let output = session.run("for i in {1..100}; do : > file$i || break; done").output().unwrap();
    assert!(output.stderr_text().contains("No space left on device"), "{}", output.stderr_text());
    assert_eq!(output.exceeded, [Limit::Inodes(used + 10)]);
    usable(&mut session);
}

#[test]
fn processes_and_descriptors_have_a_ceiling() {
    let ceilings = Ceilings { processes: 20, descriptors: 16, call_depth: 50, ..Ceilings::default() };
    let mut session = builder().ceilings(ceilings).build().unwrap();
    let output = session.run("for i in {1..40}; do sleep 60 & done").output().unwrap();
    assert!(output.stderr_text().contains("Resource temporarily unavailable"), "{}", output.stderr_text());
    assert_eq!(output.exceeded, [Limit::Processes(20)]);
    session.run("for i in {1..40}; do kill %$i; done; wait").output().unwrap();
    usable(&mut session);
    let output =
        session.run("for i in {3..40}; do eval \"exec $i</dev/null\" || break; done").output().unwrap();
    assert_eq!(output.exceeded, [Limit::Descriptors(16)]);
    let output = session.run("f() { f; }; f").output().unwrap();
    assert!(output.stderr_text().contains("nesting"), "{}", output.stderr_text());
    assert_eq!(output.exceeded, [Limit::CallDepth(50)]);
    usable(&mut session);
}

#[test]
fn requests_are_counted() {
    let mut session = builder().network(Network::new()).build().unwrap();
    let output = session
        .run("for i in 1 2 3; do curl -sS http://example.com/ ; done 2>&1 | grep -c 'limit of 2 network requests'")
        .requests(2)
        .output()
        .unwrap();
    assert_eq!(output.stdout_text(), "1\n");
    assert_eq!(output.exceeded, [Limit::Requests(2)]);
    usable(&mut session);
}
