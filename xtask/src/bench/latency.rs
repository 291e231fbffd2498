//! The table of latencies and memory: cold start, new session, first and later commands.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::engine::{Engine, Paths, read_probe};
use super::median;

/// What a host's measuring program tells about sessions in one warm process. Times are medians in
/// milliseconds, as the caller of the host's API sees them; memory is resident bytes of the whole process.
#[derive(Deserialize, Serialize, Debug)]
struct Warm {
    new_session_ms: f64,
    echo_ms: f64,
    python_first_ms: f64,
    python_later_ms: f64,
    /// Bytes that each of many idle sessions adds, after one `echo`.
    session_bytes: u64,
    /// The same after one `python3 -c pass` in each.
    session_python_bytes: u64,
}

const COLD_RUNS: usize = 15;

/// Measures and prints one column for each engine, beside native bash where bash has such a row.
pub(crate) fn run(paths: &Paths, engines: &[Engine]) -> Result<Value> {
    let mut bash = cold(|| {
        let mut command = Command::new("bash");
        command.args(["-c", "echo hi"]);
        command
    })?;
    let bash = median(&mut bash);
    let mut columns = Vec::new();
    for &engine in engines {
        let mut times = cold(|| match engine {
            Engine::Wasmtime => {
                let mut command = paths.program("wasmsh");
                command.args(["-c", "echo hi"]);
                command
            }
            Engine::Node => engine.probe(paths, &["cold"]),
        })?;
        let warm: Warm = read_probe(engine.probe(paths, &["latency"]))?;
        columns.push((engine, median(&mut times), warm));
    }

    print!("{:<44}{:>12}", "latency (wall, median)", "bash");
    for (engine, ..) in &columns {
        print!("{:>12}", engine.name());
    }
    println!();
    let row = |name: &str, bash: Option<f64>, value: &dyn Fn(f64, &Warm) -> f64| {
        print!("{name:<44}{:>12}", bash.map_or_else(|| "-".into(), |ms| format!("{ms:.2}")));
        for (_, cold, warm) in &columns {
            print!("{:>12.3}", value(*cold, warm));
        }
        println!();
    };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    row("cold start to the end of `echo hi`, ms", Some(bash), &|cold, _| cold);
    row("new session, ms", None, &|_, warm| warm.new_session_ms);
    row("`echo hi` in an open session, ms", None, &|_, warm| warm.echo_ms);
    row("first `python3 -c pass` of a session, ms", None, &|_, warm| warm.python_first_ms);
    row("later `python3 -c pass`, ms", None, &|_, warm| warm.python_later_ms);
    row("idle session, MiB", None, &|_, warm| mib(warm.session_bytes));
    row("idle session after Python, MiB", None, &|_, warm| mib(warm.session_python_bytes));
    println!();

    let mut report = serde_json::Map::new();
    report.insert("bash".into(), json!({ "cold_ms": bash }));
    for (engine, cold, warm) in columns {
        report.insert(engine.name().into(), json!({ "cold_ms": cold, "warm": warm }));
    }
    Ok(Value::Object(report))
}

/// Wall time of whole processes that print `hi`, in milliseconds, after one that does not count.
fn cold(command: impl Fn() -> Command) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for run in 0..=COLD_RUNS {
        let mut command = command();
        command.stdin(Stdio::null());
        let begin = Instant::now();
        let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
        let ms = begin.elapsed().as_secs_f64() * 1e3;
        ensure!(
            output.stdout == b"hi\n",
            "{command:?} printed {:?} and {:?}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        if run > 0 {
            times.push(ms);
        }
    }
    Ok(times)
}
