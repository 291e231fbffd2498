//! Running other programs: quiet when all is well, the whole story when not.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, anyhow, bail};

/// Runs `command`, whose output goes to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, error))?;
    if !status.success() {
        bail!("`{}` ended with {status}", describe(command));
    }
    Ok(())
}

/// Runs `command` and gives its standard output, without the line end. Its standard error is shown only if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, error))?;
    if !output.status.success() {
        bail!("`{}` ended with {}\n{}", describe(command), output.status, tail(&output.stderr));
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` printed something that is not UTF-8", describe(command)))?;
    Ok(text.trim_end().to_owned())
}

/// Runs a talkative `command` with its output in the file `log`; on failure the end of it is in the error.
pub(crate) fn logged(command: &mut Command, log: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write {}", log.display()))?;
    writeln!(file, "$ {}", describe(command))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .map_err(|error| cannot_start(command, error))?;
    if !status.success() {
        let text = std::fs::read(log).unwrap_or_default();
        bail!("`{}` ended with {status}; the end of {}:\n{}", describe(command), log.display(), tail(&text));
    }
    Ok(())
}

/// Runs `command` in the place of this program: same standard streams, signals and status.
pub(crate) fn become_program(command: &mut Command) -> Result<ExitCode> {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        let error = command.exec();
        Err(cannot_start(command, error))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| cannot_start(command, error))?;
        let code = status.code().and_then(|code| u8::try_from(code & 0xff).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Whether `program` can be started at all.
pub(crate) fn exists(program: &str) -> bool {
    let started = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !matches!(started, Err(error) if error.kind() == ErrorKind::NotFound)
}

/// The command as one would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut text = quote(&command.get_program().to_string_lossy());
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&quote(&argument.to_string_lossy()));
    }
    text
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn cannot_start(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    let message = if error.kind() == ErrorKind::NotFound {
        format!("`{program}` is not installed (or not on PATH)")
    } else {
        format!("cannot start `{program}`")
    };
    anyhow!(error).context(message)
}

fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_as_a_shell_reads_them() {
        let mut command = Command::new("a b");
        command.args(["x", "", "it's"]);
        assert_eq!(describe(&command), r"'a b' x '' 'it'\''s'");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-here"), "{error}");
    }
}
