//! The measuring program behind `cargo xtask bench`: prints one JSON object.
//!
//! `measure workload SCRIPT DATA` runs a script in a session that has the files of DATA in `data/`, and tells
//! the CPU time of the run alone. `measure latency` tells what sessions in a warm process cost, `measure sessions` what
//! many of them cost, forks, checkpoints and snapshots.

#![allow(clippy::print_stdout, reason = "its purpose")]

use std::error::Error;
use std::fs;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use wasmsh::Engine;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["workload", script, data] => workload(script, data),
        ["latency"] => latency(),
        ["sessions"] => sessions(),
        _ => Err("usage: measure workload SCRIPT DATA | measure latency | measure sessions".into()),
    }
}

fn workload(script: &str, data: &str) -> Result<()> {
    let script = fs::read(script)?;
    let engine = Engine::new()?;
    let mut session = engine.session().build()?;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("not UTF-8: {name:?}"))?;
        if !name.starts_with('.') {
            session.write_file(&format!("/workspace/data/{name}"), fs::read(entry.path())?)?;
        }
    }
    let cpu = cpu_ms()?;
    let begin = Instant::now();
    let output = session.run(script).output()?;
    let wall_ms = begin.elapsed().as_secs_f64() * 1e3;
    let report = serde_json::json!({
        "cpu_ms": cpu_ms()? - cpu,
        "wall_ms": wall_ms,
        "status": output.status(),
        "stdout": String::from_utf8_lossy(&output.stdout),
    });
    println!("{report}");
    Ok(())
}

/// How often each latency is measured; the median counts.
const SESSIONS: usize = 50;
const ECHOES: usize = 200;
const PYTHONS: usize = 50;
/// Sessions held at the same time to see what one adds.
const HELD: usize = 32;
const HELD_PYTHONS: usize = 8;

fn latency() -> Result<()> {
    let engine = Engine::new()?;
    engine.preload_python()?;
    // Nothing is measured in the first session: it faults the code in.
    engine.session().build()?.run("echo hi; python3 -c pass").output()?;

    let new_session_ms = median(SESSIONS, || {
        engine.session().build()?;
        Ok(())
    })?;
    let mut session = engine.session().build()?;
    session.run("echo hi").output()?;
    let echo_ms = median(ECHOES, || expect_hi(&session.run("echo hi").output()?.stdout))?;

    let mut firsts = Vec::new();
    for _ in 0..5 {
        let mut session = engine.session().build()?;
        session.run("echo hi").output()?;
        firsts.push(time(|| fine(session.run("python3 -c pass").output()?.status()))?);
    }
    firsts.sort_by(f64::total_cmp);
    let mut laters = Vec::new();
    session.run("python3 -c pass").output()?;
    for _ in 0..PYTHONS {
        session.tidy();
        laters.push(time(|| fine(session.run("python3 -c pass").output()?.status()))?);
    }
    laters.sort_by(f64::total_cmp);

    let mut held = Vec::new();
    let before = resident_bytes()?;
    for _ in 0..HELD {
        let mut session = engine.session().build()?;
        session.run("echo hi").output()?;
        held.push(session);
    }
    let session_bytes = resident_bytes()?.saturating_sub(before) / HELD as u64;
    let before = resident_bytes()?;
    for session in held.iter_mut().take(HELD_PYTHONS) {
        session.run("python3 -c pass").output()?;
        session.tidy();
    }
    let python_bytes = resident_bytes()?.saturating_sub(before) / HELD_PYTHONS as u64;

    let report = serde_json::json!({
        "new_session_ms": new_session_ms,
        "echo_ms": echo_ms,
        "python_first_ms": firsts.get(firsts.len() / 2),
        "python_later_ms": laters.get(laters.len() / 2),
        "session_bytes": session_bytes,
        "session_python_bytes": session_bytes + python_bytes,
    });
    println!("{report}");
    Ok(())
}

/// Idle sessions that are held at the same time.
const IDLE: usize = 1000;
/// Files of the session that is forked and saved: their number, and the bytes of each.
const FILES: usize = 100;
const FILE: usize = 1 << 20;

fn sessions() -> Result<()> {
    let engine = Engine::builder().python(wasmsh::Python::None).build()?;
    engine.session().build()?.run("echo hi").output()?;

    let before = resident_bytes()?;
    let begin = Instant::now();
    let held = (0..IDLE).map(|_| Ok(engine.session().build()?)).collect::<Result<Vec<_>>>()?;
    let created = begin.elapsed().as_secs_f64();
    let idle_bytes = resident_bytes()?.saturating_sub(before);
    drop(held);

    let mut session = engine.session().build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let async_echo_ms = runtime.block_on(async {
        let mut times = Vec::new();
        for _ in 0..ECHOES * 10 {
            let begin = Instant::now();
            expect_hi(&session.run("echo hi").await?.stdout)?;
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok::<_, Box<dyn Error>>(times.get(times.len() / 2).copied())
    })?;

    let bytes: Vec<u8> = (0..FILE).map(|i| u8::try_from(i * i % 251).unwrap_or_default()).collect();
    for number in 0..FILES {
        session.write_file(&format!("files/{number}"), &bytes)?;
    }
    let megabytes = (FILES * FILE) as f64 / 1e6;
    let first_fork_ms = time(|| session.fork().map(drop).map_err(Into::into))?;
    // What ends is not measured here, nor where sessions are counted.
    let mut forks = Vec::new();
    let mut fork = |session: &mut wasmsh::Session| -> Result<()> {
        forks.push(session.fork()?);
        Ok(())
    };
    let fork_ms = median(SESSIONS, || fork(&mut session))?;
    let mut forked = session.fork()?;
    let forked_echo_ms = time(|| expect_hi(&forked.run("echo hi").output()?.stdout))?;
    forked.run("echo more >> files/0; rm files/1; chmod +x files/2").output()?;
    let diff_ms = time(|| match session.diff(&mut forked)?.len() {
        3 => Ok(()),
        other => Err(format!("{other} changes in the place of 3").into()),
    })?;
    let changed_echo_ms = median(SESSIONS, || {
        session.append_file("log", "x")?;
        expect_hi(&session.run("echo hi").output()?.stdout)
    })?;
    let mut snapshot = None;
    let snapshot_ms = median(5, || {
        snapshot = Some(session.snapshot()?);
        Ok(())
    })?;
    let snapshot = snapshot.ok_or("no snapshot")?;
    let mut other = engine.session().build()?;
    let restore_ms = median(5, || other.restore(&snapshot).map_err(Into::into))?;
    let compare_ms = time(|| match wasmsh::diff(&snapshot, &other.snapshot()?)?.len() {
        0 => Ok(()),
        other => Err(format!("{other} changes in the place of none").into()),
    })?;

    for number in 0..10_000 {
        session.write_file(&format!("many/{}/{number}", number % 100), b"small")?;
    }
    let many_fork_ms = median(10, || fork(&mut session))?;
    let many_echo_ms = median(10, || {
        session.append_file("log", "x")?;
        expect_hi(&session.run("echo hi").output()?.stdout)
    })?;

    let report = serde_json::json!({
        "sessions_per_second": IDLE as f64 / created,
        "idle_sessions": IDLE,
        "idle_sessions_bytes": idle_bytes,
        "async_echo_ms": async_echo_ms,
        "first_fork_100mb_ms": first_fork_ms,
        "fork_100mb_ms": fork_ms,
        "echo_after_fork_ms": forked_echo_ms,
        "diff_of_a_fork_ms": diff_ms,
        "echo_after_a_change_100mb_ms": changed_echo_ms,
        "snapshot_mb_per_second": megabytes / snapshot_ms * 1e3,
        "restore_mb_per_second": megabytes / restore_ms * 1e3,
        "snapshot_and_compare_ms": compare_ms,
        "fork_10000_files_ms": many_fork_ms,
        "echo_after_a_change_10000_files_ms": many_echo_ms,
    });
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn expect_hi(stdout: &[u8]) -> Result<()> {
    if stdout == b"hi\n" { Ok(()) } else { Err(format!("echo printed {stdout:?}").into()) }
}

fn fine(status: u8) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(format!("status {status}").into()) }
}

fn time(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}

/// The median of `count` runs, in milliseconds.
fn median(count: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = (0..count).map(|_| time(&mut run)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    times.get(count / 2).copied().ok_or_else(|| "nothing measured".into())
}

/// User and system time of this process and all its threads.
fn cpu_ms() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let ms = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    Ok(ms(usage.user_time()) + ms(usage.system_time()))
}

/// Resident memory of this process.
fn resident_bytes() -> Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').nth(1).ok_or("/proc/self/statm is short")?.parse()?;
    Ok(pages * nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.ok_or("no page size")? as u64)
}
