//! `cargo xtask bench`: workloads and latencies against native bash, in the same run.
//!
//! These figures are ratios. Machines differ and are busy; what native bash needs is measured beside every
//! figure of ours, and CPU time (user + system) counts more than wall time.

mod engine;
mod latency;
mod sessions;
mod workloads;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project::Project;
use crate::{build, exec};
use engine::{Engine, Paths};

/// What to measure, from the command line.
struct Options {
    /// A directory with `gendata.py` and `workloads/*.sh`.
    suite: PathBuf,
    /// Only workloads whose name contains this.
    only: Option<String>,
    /// Runs of each workload; the median is shown.
    runs: usize,
    engines: Vec<Engine>,
    latency: bool,
    workloads: bool,
    json: Option<PathBuf>,
    node: PathBuf,
}

/// The text for `cargo xtask bench --help`.
const HELP: &str = "\
usage: cargo xtask bench [--suite DIR] [--only TEXT] [--runs N] [--engine wasmtime|node]...
                         [--latency-only | --workloads-only] [--json FILE]

Latencies, what many sessions cost, and workloads.

  --suite DIR        a directory with gendata.py and workloads/*.sh
                     (default: $WASMSH_BENCH, or ../shared/bench)
  --only TEXT        only workloads whose name contains TEXT
  --runs N           runs of each workload; the median counts (default 3)
  --engine NAME      wasmtime, node; may be repeated (default: both)
  --node PATH        the Node to measure (default: node). Before Node 22 there is no multi-memory, and what crosses
                     between components is copied by JavaScript. `npx --package=node@24 -c 'command -v node'`
                     gives a newer one
  --json FILE        the figures as JSON, too";

impl Options {
    /// Reads the words after `bench`; `None` if help was asked for.
    fn parse(words: &[String], root: &Path) -> Result<Option<Self>> {
        let suite = std::env::var_os("WASMSH_BENCH").map(PathBuf::from);
        let mut options = Self {
            suite: suite.unwrap_or_else(|| root.join("../shared/bench")),
            only: None,
            runs: 3,
            engines: Vec::new(),
            latency: true,
            workloads: true,
            json: None,
            node: PathBuf::from("node"),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| anyhow::anyhow!("{word} needs a value\n{HELP}"));
            match word.as_str() {
                "-h" | "--help" => return Ok(None),
                "--suite" => options.suite = PathBuf::from(value()?),
                "--only" => options.only = Some(value()?.clone()),
                "--runs" => {
                    let text = value()?;
                    options.runs = text.parse().ok().filter(|&n| n > 0).ok_or_else(|| {
                        anyhow::anyhow!("--runs: a number from 1 on is wanted, not {text:?}")
                    })?;
                }
                "--engine" => options.engines.push(value()?.parse()?),
                "--latency-only" => options.workloads = false,
                "--workloads-only" => options.latency = false,
                "--node" => options.node = PathBuf::from(value()?),
                "--json" => options.json = Some(PathBuf::from(value()?)),
                _ => bail!("bench: unknown option {word:?}\n{HELP}"),
            }
        }
        if options.engines.is_empty() {
            options.engines = vec![Engine::Wasmtime, Engine::Node];
        }
        Ok(Some(options))
    }
}

/// `cargo xtask bench WORDS`: builds what is measured, measures, and prints.
pub(crate) fn run(project: &Project, words: &[String]) -> Result<()> {
    let root = project.root();
    let Some(options) = Options::parse(words, root)? else {
        println!("{HELP}");
        return Ok(());
    };
    {
        let _lock = project.lock()?;
        build::all(project)?;
        let packages = build::WITH_ENGINE.iter().flat_map(|name| ["--package", name]);
        exec::run(project.cargo().args(["build", "--release", "--example", "measure"]).args(packages))?;
    }
    let paths = Paths {
        root: root.to_path_buf(),
        release: project.target().join("release"),
        products: project.products(),
        node: options.node.clone(),
    };
    if options.engines.contains(&Engine::Node) {
        let version = exec::output(std::process::Command::new(&paths.node).arg("--version"))
            .context("Node cannot be started; --node names another")?;
        println!("node is {}", version.trim());
    }
    let mut report = serde_json::Map::new();
    if options.latency {
        report.insert("latency".into(), latency::run(&paths, &options.engines)?);
        if options.engines.contains(&Engine::Wasmtime) {
            report.insert("sessions".into(), sessions::run(&paths)?);
        }
    }
    if options.workloads {
        report.insert("workloads".into(), workloads::run(&paths, &options)?);
    }
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// The middle value; of an even number of values the lower one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}
