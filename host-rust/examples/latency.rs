//! Measures how long the steps of a session take, and what an idle one holds. One JSON object a line.
//!
//! `cargo run --release --example latency`

use std::error::Error;
use std::time::{Duration, Instant};

use wasmsh::{Engine, Session};

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let engine = Engine::new()?;
    report("engine", &[start.elapsed()]);

    let first = engine.session().build()?;
    let mut sessions = vec![first];
    let before = resident();
    let created = repeat(200, || {
        sessions.push(engine.session().build()?);
        Ok(())
    })?;
    report("new-session", &created);
    memory("idle-session-bytes", before, sessions.len() - 1);

    let run = |session: &mut Session, script: &str| -> Result<(), Box<dyn Error>> {
        let output = session.run(script).output()?;
        if output.success() { Ok(()) } else { Err(output.stderr_text().into()) }
    };
    for session in &mut sessions {
        run(session, "echo hi")?;
    }
    memory("used-session-bytes", before, sessions.len() - 1);
    sessions.truncate(1);
    let Some(session) = sessions.first_mut() else { return Ok(()) };
    report("echo-hi", &repeat(2000, || run(session, "echo hi"))?);

    let before = resident();
    report("python-first", &repeat(1, || run(session, "python3 -c pass"))?);
    memory("python-bytes", before, 1);
    report("python-next", &repeat(100, || run(session, "python3 -c pass"))?);
    let tidied = repeat(100, || {
        session.tidy();
        Ok(())
    })?;
    report("python-reset-not-owed", &tidied);
    let mut apart = Vec::new();
    for _ in 0..100 {
        session.tidy();
        apart.extend(repeat(1, || run(session, "python3 -c pass"))?);
    }
    report("python-next-after-reset", &apart);
    Ok(())
}

fn repeat(
    times: usize,
    mut call: impl FnMut() -> Result<(), Box<dyn Error>>,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            call()?;
            Ok(start.elapsed())
        })
        .collect()
}

/// The median and the best, in microseconds.
#[allow(clippy::print_stdout)]
fn report(name: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort_unstable();
    let micros = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e6);
    let (median, best) = (micros(times.get(times.len() / 2)), micros(times.first()));
    println!("{}", serde_json::json!({"name": name, "n": times.len(), "median_us": median, "best_us": best}));
}

/// What each of `count` has added to the resident set.
#[allow(clippy::print_stdout)]
fn memory(name: &str, before: u64, count: usize) {
    let each = resident().saturating_sub(before) / u64::try_from(count.max(1)).unwrap_or(1);
    println!("{}", serde_json::json!({"name": name, "bytes": each}));
}

/// The resident set of this process, in bytes; 0 where `/proc` is missing.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
