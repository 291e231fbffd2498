//! The table of workloads: CPU time of native bash and of each engine, and the ratio.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::engine::{Engine, Measured, Paths, native, read_probe};
use super::{Options, median};

/// What became of one workload in one engine.
enum Outcome {
    /// Median CPU time in milliseconds.
    Right(f64),
    /// Output or status is not that of bash; shown, never counted as a time.
    Wrong(String),
    /// The engine did not end the run.
    Failed(String),
}

/// Runs all chosen workloads and prints the table as it grows.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<Value> {
    let scripts = scripts(&options.suite, options.only.as_deref())?;
    let data = data(&paths.products, &options.suite)?;

    print!("{:<18}{:>10}", "CPU ms", "bash+GNU");
    for engine in &options.engines {
        print!("{:>12}{:>8}", engine.name(), "ratio");
    }
    println!();

    let mut rows = serde_json::Map::new();
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let mut notes = Vec::new();
    for (name, script) in &scripts {
        let (reference, reference_ms) = reference(script, &data, options.runs)?;
        print!("{name:<18}{reference_ms:>10.1}");
        let mut row = serde_json::Map::new();
        row.insert("bash".into(), json!(reference_ms));
        for &engine in &options.engines {
            match measure(paths, engine, script, &data, &reference, options.runs) {
                Outcome::Right(ms) => {
                    let ratio = ms / reference_ms.max(0.1);
                    print!("{ms:>12.1}{ratio:>8.2}");
                    ratios.entry(engine.name()).or_default().push(ratio);
                    row.insert(engine.name().into(), json!({"cpu_ms": ms, "ratio": ratio}));
                }
                Outcome::Wrong(why) => {
                    print!("{:>12}{:>8}", "wrong", "");
                    notes.push(format!("{name}, {}: {why}", engine.name()));
                    row.insert(engine.name().into(), json!("wrong"));
                }
                Outcome::Failed(why) => {
                    print!("{:>12}{:>8}", "none", "");
                    notes.push(format!("{name}, {}: {why}", engine.name()));
                    row.insert(engine.name().into(), json!("none"));
                }
            }
        }
        println!();
        rows.insert(name.clone(), Value::Object(row));
    }
    print!("{:<18}{:>10}", "geometric mean", "");
    for engine in &options.engines {
        let list = ratios.get(engine.name()).map_or(&[][..], Vec::as_slice);
        let mean = (list.iter().map(|ratio| ratio.ln()).sum::<f64>() / list.len().max(1) as f64).exp();
        print!("{:>12}{mean:>8.2}", format!("{}/{}", list.len(), scripts.len()));
    }
    println!();
    for note in notes {
        println!("  {note}");
    }
    Ok(Value::Object(rows))
}

/// Name and path of each `workloads/*.sh`, ordered by name.
fn scripts(suite: &Path, only: Option<&str>) -> Result<Vec<(String, PathBuf)>> {
    let folder = suite.join("workloads");
    let listing = fs::read_dir(&folder).with_context(|| {
        format!("no workloads at {}; name their directory with --suite", folder.display())
    })?;
    let mut scripts = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sh")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            && only.is_none_or(|text| name.contains(text))
        {
            scripts.push((name.to_owned(), path));
        }
    }
    ensure!(!scripts.is_empty(), "no workload in {} has the name wanted", folder.display());
    scripts.sort();
    Ok(scripts)
}

/// The directory of generated data, made once in a target directory.
fn data(products: &Path, suite: &Path) -> Result<PathBuf> {
    let data = products.join("bench-data");
    let done = data.join(".done");
    if !done.exists() {
        fs::create_dir_all(&data)?;
        let status = Command::new("python3").arg(suite.join("gendata.py")).arg(&data).status();
        match status {
            Ok(status) if status.success() => fs::write(&done, "")?,
            Ok(status) => bail!("gendata.py: {status}"),
            Err(error) => bail!("cannot start python3 for gendata.py: {error}"),
        }
    }
    Ok(data)
}

/// What native bash prints, and its median CPU time.
fn reference(script: &Path, data: &Path, runs: usize) -> Result<(Measured, f64)> {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..runs {
        let folder = data.with_file_name(format!("bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(data, folder.join("data"))?;
        let measured = native(script, &folder);
        fs::remove_dir_all(&folder)?;
        let measured = measured?;
        times.push(measured.cpu_ms);
        last = Some(measured);
    }
    let last = last.context("no run")?;
    Ok((last, median(&mut times)))
}

fn measure(
    paths: &Paths,
    engine: Engine,
    script: &Path,
    data: &Path,
    want: &Measured,
    runs: usize,
) -> Outcome {
    let mut times = Vec::new();
    for _ in 0..runs {
        let words = ["workload".as_ref(), script.as_os_str(), data.as_os_str()];
        let words: Option<Vec<&str>> = words.into_iter().map(std::ffi::OsStr::to_str).collect();
        let Some(words) = words else { return Outcome::Failed("a path is not UTF-8".into()) };
        match read_probe::<Measured>(engine.probe(paths, &words)) {
            Err(error) => return Outcome::Failed(format!("{error:#}")),
            Ok(got) if got.status != want.status => {
                return Outcome::Wrong(format!("status {}, not {}", got.status, want.status));
            }
            Ok(got) if got.stdout != want.stdout => {
                let short = |text: &str| text.chars().take(80).collect::<String>();
                let (got, want) = (short(&got.stdout), short(&want.stdout));
                return Outcome::Wrong(format!("printed {got:?}, not {want:?}"));
            }
            Ok(got) => times.push(got.cpu_ms),
        }
    }
    Outcome::Right(median(&mut times))
}
