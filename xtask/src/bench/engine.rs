//! The programs that are measured, and how a measured run is started.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// Where the measured programs are.
pub(crate) struct Paths {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Cargo's folder of optimised programs.
    pub(crate) release: PathBuf,
    /// The components.
    pub(crate) products: PathBuf,
    /// The Node that is measured.
    pub(crate) node: PathBuf,
}

impl Paths {
    /// A program of the Rust host.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.release.join(name));
        command.env("WASMSH_COMPONENTS", &self.products);
        command
    }
}

/// Who runs a workload.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Engine {
    Wasmtime,
    Node,
}

impl Engine {
    /// The column's heading, and the name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wasmtime => "wasmtime",
            Self::Node => "node",
        }
    }

    /// The measuring program of this host with `words` after it. It loads what the workload reads before it
    /// starts its clock, and prints one JSON object.
    pub(crate) fn probe(self, paths: &Paths, words: &[&str]) -> Command {
        let mut command = match self {
            Self::Wasmtime => paths.program("examples/measure"),
            Self::Node => {
                let mut command = Command::new(&paths.node);
                command.arg(paths.root.join("host-js/bench/measure.mjs"));
                command
            }
        };
        command.args(words);
        command
    }
}

impl FromStr for Engine {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "wasmtime" => Ok(Self::Wasmtime),
            "node" => Ok(Self::Node),
            _ => bail!("--engine: wasmtime or node is wanted, not {text:?}"),
        }
    }
}

/// One measured run of a workload.
#[derive(Deserialize, Debug)]
pub(crate) struct Measured {
    /// User and system time of the run alone, in milliseconds.
    pub(crate) cpu_ms: f64,
    pub(crate) status: i32,
    pub(crate) stdout: String,
}

/// Runs a probe and reads what it printed.
pub(crate) fn read_probe<T: serde::de::DeserializeOwned>(mut command: Command) -> Result<T> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).with_context(|| {
        let shown: String = String::from_utf8_lossy(&output.stdout).chars().take(200).collect();
        format!("{command:?} printed no JSON: {shown:?}")
    })
}

/// Runs `bash SCRIPT` in `directory`; the CPU time is that of bash and all its children.
pub(crate) fn native(script: &Path, directory: &Path) -> Result<Measured> {
    let mut command = Command::new("bash");
    command.arg(script).current_dir(directory).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let before = children_cpu_ms()?;
    let output = command.output().context("cannot start bash")?;
    Ok(Measured {
        cpu_ms: children_cpu_ms()? - before,
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
    })
}

/// CPU time of all children waited for so far, and of theirs.
#[cfg(unix)]
fn children_cpu_ms() -> Result<f64> {
    use nix::sys::{resource, time::TimeVal};

    let usage = resource::getrusage(resource::UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    let ms = |time: TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    Ok(ms(usage.user_time()) + ms(usage.system_time()))
}

#[cfg(not(unix))]
fn children_cpu_ms() -> Result<f64> {
    bail!("bench compares with native bash and needs a Unix")
}
