//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wasmsh::{ComponentName, Engine, EngineError, Rule};

/// Runs bash scripts, and Python, in a sandbox: with a filesystem of its own, and nothing of this machine in reach.
///
/// The exit status is that of the script; 126 when the script cannot be read, 127 when it is missing, 124 when
/// its time is up, 137 when another limit has ended it, 2 for a wrong option.
#[derive(Parser)]
#[command(name = "wasmsh", version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) script: Script,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs cases that are given as lines of JSON, each in a session of its own, and answers with lines of JSON.
    Conformance(EngineOptions),
}

#[derive(Args)]
pub(crate) struct Script {
    /// Runs this script; the first operand is `$0`, the others are `$1` and so on.
    #[arg(short = 'c', value_name = "SCRIPT")]
    pub(crate) text: Option<OsString>,

    /// Sets a variable; without a value, to the one that it has outside.
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<OsString>,

    /// Ends the script after this time, with status 124.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    /// Ends the script after so many steps of the shell's machine, with status 137.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) steps: Option<u64>,

    /// Allows HTTP to this host; may be repeated. `*.NAME` stands for all names below NAME, `*` for all hosts. Addresses
    /// of this machine and of private networks must be named.
    #[arg(long = "allow-host", value_name = "[SCHEME://]HOST[:PORT][/PATH]")]
    pub(crate) allowed: Vec<Rule>,

    #[command(flatten)]
    pub(crate) engine: EngineOptions,

    /// The file of the script, and its arguments. Without one, and without -c, the script is read from standard
    /// input.
    #[arg(trailing_var_arg = true, value_name = "FILE [ARGUMENT]...")]
    pub(crate) operands: Vec<OsString>,
}

#[derive(Args)]
pub(crate) struct EngineOptions {
    /// The directory of the components; otherwise WASMSH_COMPONENTS names it, or they lie beside this program.
    #[arg(long, value_name = "DIR")]
    components: Option<PathBuf>,

    /// How scripts get python3.
    #[arg(long, value_name = "HOW", default_value = "linked")]
    python: Python,
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

/// One line on standard error.
#[allow(clippy::print_stderr)]
pub(crate) fn complain(message: &str) {
    eprintln!("wasmsh: {message}");
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
        assert_eq!(cli.script.steps, Some(5));
        let cli = Cli::try_parse_from(["wasmsh", "-c", "echo", "conformance", "-x"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.script.operands, ["conformance", "-x"]);
        assert!(
            Cli::try_parse_from(["wasmsh", "conformance", "--python", "none"]).unwrap().command.is_some()
        );
        assert!(Cli::try_parse_from(["wasmsh", "--timeout", "-1", "x"]).is_err());
        assert!(Cli::try_parse_from(["wasmsh", "--no-such-option", "x"]).is_err());
    }
}
