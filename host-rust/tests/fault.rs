//! Many sessions that are killed, cancelled, dropped and driven into their limits, eight at a time: no panic, no leak,
//! and nobody sees another's files. Needs the components of `cargo xtask build`.
//!
//! `WASMSH_FAULT_SESSIONS` is how many, a few hundred unless set; `WASMSH_FAULT_SEED` makes others of them, and
//! `WASMSH_FAULT_FIRST` begins with a later one, as to repeat one that failed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wasmsh::{Engine, Exit, Limit, Limits, Quota, Session, SessionBuilder, Signal};

const AT_A_TIME: u64 = 8;

/// Numbers that are the same in every run (xorshift, 64 bits).
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

#[test]
fn sessions_survive_whatever_happens_to_them() {
    let number =
        |name, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (seed, first) = (number("WASMSH_FAULT_SEED", 0), number("WASMSH_FAULT_FIRST", 0));
    let count = first + number("WASMSH_FAULT_SESSIONS", 240);
    println!("sessions {first} to {count} of seed {seed}");
    let engine = Engine::new().expect("the components, from `cargo xtask build`");
    let builder = engine
        .session()
        .memory_limit(48 << 20)
        .quota(Quota { bytes: 4 << 20, ..Quota::default() })
        .command("host-panics", |_| panic!("on purpose"))
        .command("host-copies", |process| {
            u8::from(std::io::copy(&mut process.stdin(), &mut process.stdout()).is_err())
        })
        .component_command("tool", products().join("commands/rust.wasm"));
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let memory = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    if let Err(why) = one(&builder, number, seed) {
                        println!("session {number}: {why}");
                        failures.lock().unwrap().push(format!("session {number}: {why}"));
                    }
                    if number % 20 == 19 {
                        let now = resident();
                        memory.lock().unwrap().push(now);
                        if number % 500 == 499 {
                            let seconds = begin.elapsed().as_secs();
                            println!("{} sessions, {seconds} s: {} MiB resident", number + 1, now >> 20);
                        }
                    }
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    let memory = memory.into_inner().unwrap();
    println!("resident MiB: {:?}", memory.iter().map(|bytes| bytes >> 20).collect::<Vec<_>>());
    // The highest of the first half is what eight at a time need; more in the second half would be a leak.
    let (first, second) = memory.split_at(memory.len() / 2);
    if let (Some(before), Some(after)) = (first.iter().max(), second.iter().min()) {
        assert!(*after <= before + before / 4 + (32 << 20), "{memory:?}");
    }
}

fn one(builder: &SessionBuilder, number: u64, seed: u64) -> Result<(), String> {
    let mut random = Random((number ^ seed << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let text = |error: &dyn std::error::Error| error.to_string();
    let mut session = builder.clone().build().map_err(|error| text(&error))?;
    let secret = format!("secret of {number}\n");
    session.write_file("secret", &secret).map_err(|error| text(&error))?;
    let run = |session: &mut Session, script: &str| {
        session.run(script).timeout(Duration::from_secs(60)).output().map_err(|error| error.to_string())
    };
    run(&mut session, "x=kept; f() { echo f; }")?;
    for _ in 0..=random.next(3) {
        let what = random.next(13);
        fault(&mut session, what, &mut random).map_err(|why| format!("fault {what}: {why}"))?;
        let output = run(&mut session, "cat secret; echo $x; f; ls | grep -vc '^junk'")?;
        let expected = format!("{secret}kept\nf\n1\n");
        if output.stdout_text() != expected {
            let got = (output.stdout_text(), output.stderr_text(), output.recovery, output.trap);
            return Err(format!("after fault {what}: {got:?}"));
        }
    }
    Ok(())
}

/// Where the build has left the components.
fn products() -> PathBuf {
    std::env::var_os("WASMSH_COMPONENTS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/wasmsh"), PathBuf::from)
}

/// Does something to the session. An error: it did not end as it should.
fn fault(session: &mut Session, what: u64, random: &mut Random) -> Result<(), String> {
    let expect = |session: &mut Session, script: &str, limits: Limits, fits: &dyn Fn(Exit) -> bool| {
        let output = session.run(script).limits(limits).output().map_err(|error| error.to_string())?;
        if fits(output.exit) {
            Ok(())
        } else {
            Err(format!("{script}: {:?} {} {:?}", output.exit, output.stderr_text(), output.trap))
        }
    };
    let soon = Duration::from_millis(random.next(40));
    let none = Limits::default();
    let busy = [
        "while :; do :; done",
        "yes | sort | head",
        "sleep 60",
        "seq 1000000000 | awk '{ s += $1 } END { print s }'",
        "trap '' INT TERM; while :; do sleep 0.01; done",
        "yes | host-copies > /dev/null",
        "tool spin",
        "yes | tool count",
    ];
    let script = busy[usize::try_from(random.next(busy.len() as u64)).unwrap()];
    match what {
        0 => expect(session, script, Limits { wall_time_ms: Some(1 + random.next(40)), ..none }, &|exit| {
            // Output that nobody takes can meet the limit of memory first.
            matches!(exit, Exit::Limited(Limit::WallTimeMs(_) | Limit::MemoryBytes(_)))
        }),
        1 => expect(
            session,
            "while :; do :; done",
            Limits { steps: Some(random.next(100_000)), ..none },
            &|exit| matches!(exit, Exit::Limited(Limit::Steps(_))),
        ),
        2 => expect(session, "yes", Limits { output_bytes: Some(random.next(1 << 20)), ..none }, &|exit| {
            matches!(exit, Exit::Limited(Limit::OutputBytes(_)))
        }),
        3 => expect(
            session,
            "while :; do :; done",
            Limits { cpu_time_ms: Some(1 + random.next(20)), ..none },
            &|exit| matches!(exit, Exit::Limited(Limit::CpuTimeMs(_))),
        ),
        4 => expect(session, "s=0123456789abcdef; while :; do s=$s$s; a+=(\"$s\"); done", none, &|exit| {
            matches!(exit, Exit::Limited(Limit::MemoryBytes(_)) | Exit::Code(_))
        }),
        5 => {
            expect(session, "head -c 100M /dev/zero > junk; rm -f junk", none, &|exit| exit == Exit::Code(0))
        }
        6 => expect(session, "host-panics", none, &|exit| exit == Exit::Code(134)),
        12 => expect(session, "tool panic", none, &|exit| exit == Exit::Code(134)),
        7 => expect(session, "kill -9 $$", none, &|exit| !exit.success()),
        8 | 9 => {
            let (control, over) = (session.control(), Arc::new(AtomicBool::new(false)));
            let ended = Arc::clone(&over);
            // What comes before the run has begun is forgotten.
            let thread = std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    std::thread::sleep(soon + Duration::from_millis(1));
                    if what == 8 { control.cancel() } else { control.signal(Signal::Kill) }
                }
            });
            let script = if what == 8 { script } else { "sleep 60" };
            let output = session.run(script).output().map_err(|error| error.to_string());
            over.store(true, Ordering::Relaxed);
            thread.join().map_err(|_| "the thread has panicked")?;
            let output = output?;
            // None of them would end by itself.
            if output.success() { Err(format!("{script}: {:?}", output.exit)) } else { Ok(()) }
        }
        10 => {
            let child = session.run(script).spawn().map_err(|error| error.to_string())?;
            std::thread::sleep(soon);
            drop(child);
            Ok(())
        }
        _ => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let late = runtime.block_on(async { tokio::time::timeout(soon, session.run(script)).await });
            // It may have met its limit of memory before.
            match late {
                Ok(Ok(output)) if output.success() => Err(format!("{script} was not stopped")),
                Ok(Err(error)) => Err(error.to_string()),
                Ok(Ok(_)) | Err(_) => Ok(()),
            }
        }
    }
}

/// Bytes of memory of this process; 0 where nobody tells.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[test]
fn idle_sessions_do_not_see_each_other() {
    let engine = Engine::new().unwrap();
    let mut sessions: Vec<Session> = (0..100).map(|_| engine.session().build().unwrap()).collect();
    for (number, session) in sessions.iter_mut().enumerate() {
        session.write_file("number", number.to_string()).unwrap();
    }
    for (number, session) in sessions.iter_mut().enumerate().step_by(7) {
        let output = session.run("cat number; ls /workspace | wc -l").output().unwrap();
        assert_eq!(output.stdout_text(), format!("{number}1\n"));
    }
}
