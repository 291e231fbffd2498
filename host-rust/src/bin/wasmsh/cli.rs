//! The command line.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::diff;
use clap::{Args, Parser, Subcommand, ValueEnum};
use wasmsh::{
    ComponentName, Engine, EngineError, Limits, MountMode, Network, Rule, Session, SessionBuilder, Snapshot,
    Tree,
};

/// Runs bash scripts, and Python, in a sandbox: with a filesystem of its own, and nothing of this machine in reach.
///
/// Without -c, -i, FILE or a command, the script is read from standard input; at a terminal, commands are read one by
/// one, with editing, history and completion.
///
/// The exit status is that of the script; 126 when the script cannot be read, 127 when it is missing, 124 when
/// its time is up, 137 when another limit has ended it, 2 for a wrong option, 70 when the sandbox cannot be made.
#[derive(Parser)]
#[command(name = "wasmsh", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(override_usage = USAGE, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) script: Script,
}

const USAGE: &str = "\
wasmsh [OPTIONS] [FILE [ARGUMENT]...]
       wasmsh [OPTIONS] -c SCRIPT [NAME [ARGUMENT]...]
       wasmsh COMMAND ...";

const EXAMPLES: &str = "\
Examples:
  wasmsh -c 'seq 3 | awk \"{ s += \\$1 } END { print s }\"'
  wasmsh script.sh one two < input
  wasmsh --mount .:/workspace:ro -c 'grep -rn TODO .'
  wasmsh --timeout 5 --memory 256M --allow-host '*' -c 'pip install six && python3 -c \"import six\"'
  wasmsh --snapshot state -c 'pip install six'; wasmsh --restore state -i
  wasmsh diff before after
  wasmsh --component tool=tool.wasm -c 'ls | tool'
  echo '{\"id\": 1, \"type\": \"Run\", \"script\": \"echo hi\"}' | wasmsh serve --stdio";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serves sessions to a program that speaks JSON, one message a line.
    ///
    /// A request is an object with `id`, `session` (a name; sessions are made when they are first named) and `type`:
    /// Init, Run, Stdin, StdinEnd, Signal, Cancel, WriteFile, ReadFile, ListDir, Stat, Remove, Rename, Snapshot,
    /// Restore, Fork or Close. Events have the id of what has caused them: Stdout, Stderr, Exit, Reply, Failure. Bytes
    /// that are not UTF-8 are {"b64": "…"}. Options below are what sessions have that say nothing else.
    Serve(Serve),
    /// Serves a sandbox to a language model's client, by the Model Context Protocol: on standard input and output, or over
    /// HTTP.
    ///
    /// Tools: run, read, write, list, snapshot, restore, install.
    Mcp(Mcp),
    /// Runs cases that are given as lines of JSON, each in a session of its own, and answers with lines of JSON.
    Conformance(EngineOptions),
    /// Prints what two snapshots have that differs, a path a line: A added, D removed, M changed. The status is 1 when
    /// something does, 2 when they cannot be compared.
    Diff(diff::Options),
    /// Prints the completions of this command for a shell.
    Completions {
        /// Which.
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
pub(crate) struct Serve {
    /// Messages come on standard input, and go to standard output. There is no other way yet.
    #[arg(long, required = true)]
    pub(crate) stdio: bool,

    /// The most sessions at one time.
    #[arg(long, value_name = "NUMBER", default_value_t = 1000)]
    pub(crate) sessions: usize,

    #[command(flatten)]
    pub(crate) session: SessionOptions,
}

#[derive(Args, Clone)]
pub(crate) struct Mcp {
    /// Listens here, for messages to /mcp; each client has a session of its own. When WASMSH_MCP_TOKEN is set, clients must
    /// send it as `Authorization: Bearer TOKEN`; without it only this machine is served.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<SocketAddr>,

    /// The most sessions at one time, over HTTP.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub(crate) sessions: usize,

    #[command(flatten)]
    pub(crate) session: SessionOptions,
}

#[derive(Args)]
pub(crate) struct Script {
    /// Runs this script; the first operand is `$0`, the others are `$1` and so on.
    #[arg(short = 'c', value_name = "SCRIPT")]
    pub(crate) text: Option<OsString>,

    /// Reads commands from the terminal, after the script if there is one.
    #[arg(short = 'i', long)]
    pub(crate) interactive: bool,

    /// Prints one JSON object with status, stdout, stderr, steps and the limits that were met, in the place of the
    /// script's output.
    #[arg(long, conflicts_with = "interactive")]
    pub(crate) json: bool,

    /// Writes the session to this file at the end: files, variables, functions, options, directory.
    #[arg(long, value_name = "FILE")]
    pub(crate) snapshot: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) session: SessionOptions,

    /// The script's file; what follows are its arguments.
    #[arg(trailing_var_arg = true, value_name = "FILE")]
    pub(crate) operands: Vec<OsString>,
}

/// What makes a session.
#[derive(Args, Clone)]
pub(crate) struct SessionOptions {
    /// Sets a variable; without a value, to the one that it has outside. May be repeated.
    #[arg(long = "env", short = 'e', value_name = "NAME[=VALUE]", help_heading = "Session")]
    environment: Vec<OsString>,

    /// Puts a directory of this machine into the session, at the same path unless GUEST is given. ro, the default: it
    /// cannot be changed; rw: changes are written back after each script; overlay: changes are lost, but for `serve` and
    /// --snapshot. Files are read when a script asks for them. A file is an archive of tar, to which nothing is written
    /// back. May be repeated.
    #[arg(long = "mount", short = 'm', value_name = "DIR[:GUEST][:ro|rw|overlay]", value_parser = mount,
          help_heading = "Session")]
    mounts: Vec<(PathBuf, String, MountMode)>,

    /// Makes the component in PATH, a `wasi:cli/command` of WASI 0.2, the command NAME: each run is a new instance, whose
    /// files and streams are those of the session. May be repeated.
    #[arg(long = "component", value_name = "NAME=PATH", value_parser = component, help_heading = "Session")]
    commands: Vec<(String, PathBuf)>,

    /// Begins with what --snapshot has written.
    #[arg(long, value_name = "FILE", help_heading = "Session")]
    restore: Option<PathBuf>,

    /// Allows HTTP to this host; may be repeated. `*.NAME` stands for all names below NAME, `*` for all hosts. Addresses
    /// of this machine and of private networks must be named. By https those are trusted whom this machine trusts, or the
    /// variables SSL_CERT_FILE and SSL_CERT_DIR name.
    #[arg(long = "allow-host", value_name = "[SCHEME://]HOST[:PORT][/PATH]", help_heading = "Session")]
    allowed: Vec<Rule>,

    /// Lets all hosts of --allow-host have addresses of this machine and of private networks, as a company's own have.
    #[arg(long, requires = "allowed", help_heading = "Session")]
    allow_private: bool,

    /// Ends a script after this time, with status 124.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    timeout: Option<Duration>,

    /// Ends a script that has computed for this time, with status 124.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Limits")]
    cpu_time: Option<Duration>,

    /// Ends a script after so many steps of the shell's machine, with status 137.
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    steps: Option<u64>,

    /// Ends a script that has written more than this, with status 137. K, M and G stand for powers of 1024.
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Limits")]
    output: Option<u64>,

    /// The memory of each component: the shell, the filesystem, each Python; 1G unless set.
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Limits")]
    memory: Option<u64>,

    /// What all files together may have; 1G unless set.
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Limits")]
    files: Option<u64>,

    #[command(flatten)]
    pub(crate) engine: EngineOptions,
}

/// Why there is no session: the exit status, and what to say.
pub(crate) struct NoSession(pub(crate) u8, pub(crate) String);

/// A snapshot that was written to a file.
pub(crate) fn snapshot(path: &Path) -> Result<Snapshot, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    Snapshot::from_bytes(bytes).map_err(|error| chain(&error))
}

/// A defect, or a machine that cannot run WebAssembly (`EX_SOFTWARE` of sysexits.h).
pub(crate) const SOFTWARE: u8 = 70;

impl SessionOptions {
    /// The builder that these options describe.
    pub(crate) fn builder(&self) -> Result<SessionBuilder, NoSession> {
        let engine = self.engine.engine().map_err(|error| NoSession(SOFTWARE, chain(&error)))?;
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut builder = engine.session().limits(Limits {
            steps: self.steps,
            wall_time_ms: self.timeout.map(ms),
            cpu_time_ms: self.cpu_time.map(ms),
            output_bytes: self.output,
            requests: None,
        });
        for variable in &self.environment {
            match assignment(variable) {
                Some((name, value)) => builder = builder.env(name, value),
                None => return Err(NoSession(2, format!("--env {}: not a variable", variable.display()))),
            }
        }
        if let Some(bytes) = self.memory {
            builder = builder.memory_limit(usize::try_from(bytes).unwrap_or(usize::MAX));
        }
        if let Some(bytes) = self.files {
            builder = builder.filesystem_limit(bytes);
        }
        for (host, guest, mode) in &self.mounts {
            builder = if host.is_file() {
                let tree = tree(host)
                    .map_err(|why| NoSession(SOFTWARE, format!("--mount {}: {why}", host.display())))?;
                builder.mount_tree(tree, guest, *mode)
            } else {
                builder.mount(host, guest, *mode)
            };
        }
        for (name, path) in &self.commands {
            builder = builder.component_command(name, path.as_path());
        }
        if !self.allowed.is_empty() {
            let rules = self.allowed.iter().cloned();
            let rules = rules.map(|rule| if self.allow_private { rule.private() } else { rule });
            builder = builder.network(rules.fold(Network::new(), Network::allow));
        }
        Ok(builder)
    }

    /// A session.
    pub(crate) fn session(&self) -> Result<Session, NoSession> {
        let mut session = self.builder()?.build().map_err(|error| NoSession(SOFTWARE, chain(&error)))?;
        self.prepare(&mut session)?;
        Ok(session)
    }

    /// Whether the session begins with a snapshot.
    pub(crate) fn restores(&self) -> bool {
        self.restore.is_some()
    }

    /// Puts a snapshot into a session, if one is to be restored.
    pub(crate) fn prepare(&self, session: &mut Session) -> Result<(), NoSession> {
        if let Some(path) = &self.restore {
            restore(session, path)
                .map_err(|why| NoSession(SOFTWARE, format!("--restore {}: {why}", path.display())))?;
        }
        Ok(())
    }
}

/// What is in an archive.
fn tree(path: &Path) -> Result<Tree, String> {
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    Tree::from_tar(io::BufReader::new(file)).map_err(|error| chain(&error))
}

fn restore(session: &mut Session, path: &Path) -> Result<(), String> {
    session.restore(&snapshot(path)?).map_err(|error| chain(&error))
}

/// Writes a snapshot, beside its place first, so that an old one is not lost when that fails.
pub(crate) fn save(session: &mut Session, path: &Path) -> Result<(), String> {
    let snapshot = session.snapshot().map_err(|error| chain(&error))?;
    let part = path.with_extension("part");
    let written: io::Result<()> = fs::write(&part, snapshot).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| error.to_string())
}

#[derive(Args, Clone)]
pub(crate) struct EngineOptions {
    /// The directory of the components; otherwise WASMSH_COMPONENTS names it, or they lie beside this program.
    #[arg(long, value_name = "DIR", help_heading = "Engine")]
    components: Option<PathBuf>,

    /// How scripts get python3.
    #[arg(long, value_name = "HOW", default_value = "linked", help_heading = "Engine")]
    python: Python,

    /// Scripts have no git. Otherwise they do, where git.wasm lies beside the other components.
    #[arg(long, help_heading = "Engine")]
    no_git: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Python {
    /// Loaded when it is first used, apart from the shell.
    Linked,
    /// In one component with the shell.
    Composed,
    /// Not at all.
    None,
}

impl EngineOptions {
    pub(crate) fn engine(&self) -> Result<Engine, EngineError> {
        let mut builder = Engine::builder()
            .python(match self.python {
                Python::Linked => wasmsh::Python::Linked,
                Python::Composed => wasmsh::Python::Composed,
                Python::None => wasmsh::Python::None,
            })
            .git(!self.no_git)
            .on_compile(|name: ComponentName| {
                complain(&format!("compiling {}.wasm, since no precompiled one fits", name.stem()));
            });
        if let Some(directory) = &self.components {
            builder = builder.components(directory);
        }
        builder.build()
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| "not a number of bytes".to_owned())?;
    let shift = match text.get(digits.len()..).unwrap_or_default() {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        unit => return Err(format!("{unit:?} is none of the units K, M and G")),
    };
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

/// Reads `DIR[:GUEST][:MODE]`.
fn mount(text: &str) -> Result<(PathBuf, String, MountMode), String> {
    let (rest, mode) = match text.rsplit_once(':') {
        Some((rest, "ro")) => (rest, MountMode::ReadOnly),
        Some((rest, "rw")) => (rest, MountMode::ReadWrite),
        Some((rest, "overlay")) => (rest, MountMode::Overlay),
        _ => (text, MountMode::ReadOnly),
    };
    // An absolute path follows the colon, so that `C:\\dir` is one path.
    let (host, guest) = match rest.split_once(":/") {
        Some((host, guest)) => (host, format!("/{guest}")),
        None => {
            let full = std::path::absolute(rest).map_err(|error| error.to_string())?;
            (rest, full.to_str().ok_or("not UTF-8")?.replace('\\', "/"))
        }
    };
    if host.is_empty() || !guest.starts_with('/') || guest.trim_end_matches('/').is_empty() {
        return Err("not DIR[:GUEST][:ro|rw|overlay], with GUEST absolute and below /".to_owned());
    }
    Ok((PathBuf::from(host), guest, mode))
}

/// Reads `NAME=PATH`.
fn component(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !name.contains('/') && !path.is_empty() => {
            Ok((name.to_owned(), PathBuf::from(path)))
        }
        _ => Err("not NAME=PATH, with a NAME that has no slash".to_owned()),
    }
}

/// The parts of NAME=VALUE; of NAME alone, with the value that it has outside.
fn assignment(variable: &OsStr) -> Option<(String, Vec<u8>)> {
    let text = variable.as_encoded_bytes();
    let split = text.iter().position(|byte| *byte == b'=');
    let name = String::from_utf8(text.get(..split.unwrap_or(text.len()))?.to_vec()).ok()?;
    let value = match split {
        Some(split) => text.get(split + 1..)?.to_vec(),
        None => bytes(std::env::var_os(&name).unwrap_or_default()),
    };
    (!name.is_empty()).then_some((name, value))
}

#[cfg(unix)]
pub(crate) fn bytes(text: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(text)
}

#[cfg(not(unix))]
pub(crate) fn bytes(text: OsString) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

/// One line on standard error, in one piece.
pub(crate) fn complain(message: &str) {
    // Where nobody listens there is nobody to tell.
    let _ = io::stderr().write_all(format!("wasmsh: {message}\n").as_bytes());
}

/// An error and what has caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_after_the_script_are_the_scripts() {
        let cli = Cli::try_parse_from(["wasmsh", "--steps", "5", "s.sh", "-c", "--timeout"]).unwrap();
        assert_eq!(cli.script.operands, ["s.sh", "-c", "--timeout"]);
        assert_eq!(cli.script.session.steps, Some(5));
        let cli = Cli::try_parse_from(["wasmsh", "-c", "echo", "conformance", "-x"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.script.operands, ["conformance", "-x"]);
        assert!(
            Cli::try_parse_from(["wasmsh", "conformance", "--python", "none"]).unwrap().command.is_some()
        );
        assert!(Cli::try_parse_from(["wasmsh", "--timeout", "-1", "x"]).is_err());
        assert!(Cli::try_parse_from(["wasmsh", "--no-such-option", "x"]).is_err());
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("10"), Ok(10));
        assert_eq!(size("2K"), Ok(2048));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert!(size("1T").is_err() && size("M").is_err() && size("-1").is_err());
        assert!(size("99999999999999G").is_err());
    }

    #[test]
    fn mounts_have_a_place_and_a_mode() {
        let parse = |text| mount(text).map(|(host, guest, mode)| (host.display().to_string(), guest, mode));
        assert_eq!(parse("d:/g:rw"), Ok(("d".to_owned(), "/g".to_owned(), MountMode::ReadWrite)));
        assert_eq!(parse("/x/y"), Ok(("/x/y".to_owned(), "/x/y".to_owned(), MountMode::ReadOnly)));
        assert_eq!(parse("d:/g"), Ok(("d".to_owned(), "/g".to_owned(), MountMode::ReadOnly)));
        assert_eq!(parse("/x:overlay"), Ok(("/x".to_owned(), "/x".to_owned(), MountMode::Overlay)));
        assert!(parse(":/g").is_err() && parse("d:/").is_err());
    }

    #[test]
    fn components_have_a_name_and_a_path() {
        assert_eq!(component("tool=a=b.wasm"), Ok(("tool".to_owned(), PathBuf::from("a=b.wasm"))));
        assert!(component("tool").is_err() && component("=x").is_err() && component("a/b=x").is_err());
    }

    #[test]
    fn variables_are_split_at_the_first_equals_sign() {
        assert_eq!(assignment(OsStr::new("A=b=c")), Some(("A".into(), b"b=c".to_vec())));
        assert_eq!(assignment(OsStr::new("A=")), Some(("A".into(), vec![])));
        assert_eq!(assignment(OsStr::new("=x")), None);
    }
}
