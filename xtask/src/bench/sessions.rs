//! The table of what many sessions cost: creation, memory, forks, checkpoints, snapshots.

use anyhow::Result;
use serde_json::{Map, Value};

use super::engine::{Engine, Paths, read_probe};

/// What the measuring program's figures are, how much each is divided by to be shown, and what is wanted of it.
const ROWS: [(&str, &str, f64, &str); 13] = [
    ("sessions_per_second", "new sessions a second, one thread", 1.0, ">= 2000"),
    ("idle_sessions_bytes", "1,000 idle sessions, MiB", 1_048_576.0, "< 2048"),
    ("async_echo_ms", "`echo hi` in a task, ms", 1.0, "< 0.06"),
    ("first_fork_100mb_ms", "first fork with 100 MB of files, ms", 1.0, ""),
    ("fork_100mb_ms", "fork with 100 MB of files, ms", 1.0, "< 1"),
    ("echo_after_fork_ms", "first `echo hi` of a fork, ms", 1.0, ""),
    ("diff_of_a_fork_ms", "what a fork has changed, ms", 1.0, ""),
    ("echo_after_a_change_100mb_ms", "`echo hi` after a change, 100 MB, ms", 1.0, ""),
    ("snapshot_mb_per_second", "snapshot of 100 MB, MB/s", 1.0, ">= 500"),
    ("restore_mb_per_second", "restore of 100 MB, MB/s", 1.0, ""),
    ("snapshot_and_compare_ms", "snapshot of 100 MB and comparison, ms", 1.0, ""),
    ("fork_10000_files_ms", "fork with 10,000 files, ms", 1.0, ""),
    ("echo_after_a_change_10000_files_ms", "`echo hi` after a change, 10,000 files, ms", 1.0, ""),
];

/// Measures in Wasmtime, and prints.
pub(crate) fn run(paths: &Paths) -> Result<Value> {
    let report: Map<String, Value> = read_probe(Engine::Wasmtime.probe(paths, &["sessions"]))?;
    println!("{:<44}{:>12}{:>12}", "sessions", "wasmtime", "wanted");
    for (key, name, unit, wanted) in ROWS {
        let value = report.get(key).and_then(Value::as_f64).unwrap_or(f64::NAN) / unit;
        println!("{name:<44}{value:>12.3}{wanted:>12}");
    }
    println!();
    Ok(report.into())
}
