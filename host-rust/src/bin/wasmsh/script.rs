//! Running one script: from the command line, a file or standard input.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmsh::{Control, Limits, Network, Session, Signal, Stream};

use crate::cli::{Script, chain, complain};

/// The command was found, and cannot be run (bash manual, 3.7.5).
const CANNOT_RUN: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;
/// A defect, or a machine that cannot run WebAssembly (`EX_SOFTWARE` of sysexits.h).
const SOFTWARE: u8 = 70;

pub(crate) fn run(script: Script) -> u8 {
    let mut operands = script.operands.into_iter();
    let (text, name) = match (script.text, operands.next()) {
        (Some(text), name) => (bytes(text), name.map_or_else(|| b"wasmsh".to_vec(), bytes)),
        (None, Some(file)) => match read(Path::new(&file)) {
            Ok(text) => (text, bytes(file)),
            Err((status, why)) => {
                complain(&format!("{}: {why}", file.display()));
                return status;
            }
        },
        (None, None) => {
            let mut text = Vec::new();
            if let Err(error) = io::stdin().lock().read_to_end(&mut text) {
                complain(&format!("standard input: {error}"));
                return CANNOT_RUN;
            }
            (text, b"wasmsh".to_vec())
        }
    };
    let engine = match script.engine.engine() {
        Ok(engine) => engine,
        Err(error) => {
            complain(&chain(&error));
            return SOFTWARE;
        }
    };
    let limits = Limits {
        steps: script.steps,
        wall_time_ms: script.timeout.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        output_bytes: None,
    };
    let mut builder = engine.session().limits(limits);
    for variable in script.environment {
        match assignment(&variable) {
            Some((name, value)) => builder = builder.env(name, value),
            None => {
                complain(&format!("--env {}: not a variable", variable.display()));
                return 2;
            }
        }
    }
    if !script.allowed.is_empty() {
        builder = builder.network(script.allowed.into_iter().fold(Network::new(), Network::allow));
    }
    let mut session = match builder.build() {
        Ok(session) => session,
        Err(error) => {
            complain(&chain(&error));
            return SOFTWARE;
        }
    };
    interrupt(session.control());
    execute(&mut session, text, name, operands)
}

fn execute(
    session: &mut Session,
    text: Vec<u8>,
    name: Vec<u8>,
    arguments: impl Iterator<Item = OsString>,
) -> u8 {
    let mut run = session.run(text).name(name).args(arguments.map(bytes)).fresh();
    run = if io::stdin().is_terminal() {
        run.stdin_terminal(io::stdin())
    } else {
        run.stdin_reader(io::stdin())
    };
    if io::stdout().is_terminal() {
        let (columns, rows) = terminal_size();
        run = run.terminal(columns, rows);
    }
    let ended = run.stream(|stream, bytes| {
        let written = match stream {
            Stream::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Stream::Stderr => io::stderr().lock().write_all(bytes),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            // Nobody reads any more: the status says so, as that of a program in a pipeline would.
            Err(_) => ControlFlow::Break(()),
        }
    });
    match ended {
        Ok(exit) => exit.status(),
        Err(error) => {
            complain(&chain(&error));
            SOFTWARE
        }
    }
}

/// The first Ctrl-C goes to the script; one that ignores it is ended by the second; the third ends this program.
fn interrupt(control: Control) {
    let count = AtomicU32::new(0);
    let installed = ctrlc::set_handler(move || match count.fetch_add(1, Ordering::Relaxed) {
        0 => control.signal(Signal::Int),
        1 => control.cancel(),
        _ => std::process::exit(128 + i32::from(Signal::Int.number())),
    });
    if let Err(error) = installed {
        tracing::warn!(%error, "Ctrl-C will end the program rather than the script");
    }
}

/// A script's text, or the status and the message that bash has for a file that is none.
fn read(path: &Path) -> Result<Vec<u8>, (u8, String)> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => (NOT_FOUND, "No such file or directory".to_owned()),
        io::ErrorKind::PermissionDenied => (CANNOT_RUN, "Permission denied".to_owned()),
        io::ErrorKind::IsADirectory => (CANNOT_RUN, "Is a directory".to_owned()),
        _ => (CANNOT_RUN, error.to_string()),
    };
    let text = fs::read(path).map_err(failed)?;
    // As bash does it: a NUL in the first line is the mark of a binary.
    let first_line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if first_line.iter().take(80).any(|byte| *byte == 0) {
        return Err((CANNOT_RUN, "cannot execute binary file".to_owned()));
    }
    Ok(text)
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

/// What the surroundings say of the terminal's size.
fn terminal_size() -> (u16, u16) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    (number("COLUMNS").unwrap_or(80), number("LINES").unwrap_or(24))
}

#[cfg(unix)]
fn bytes(text: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(text)
}

#[cfg(not(unix))]
fn bytes(text: OsString) -> Vec<u8> {
    text.to_string_lossy().into_owned().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_script_gets_the_status_of_bash() {
        assert_eq!(
            read(Path::new("/no/such/file")).unwrap_err(),
            (127, "No such file or directory".to_owned())
        );
        assert_eq!(read(Path::new("/")).unwrap_err(), (126, "Is a directory".to_owned()));
        let binary = std::env::temp_dir().join(format!("wasmsh-binary-{}", std::process::id()));
        fs::write(&binary, b"\x7fELF\0\0").unwrap();
        assert_eq!(read(&binary).unwrap_err(), (126, "cannot execute binary file".to_owned()));
        fs::write(&binary, b"echo text\n# \0\n").unwrap();
        assert!(read(&binary).is_ok());
        fs::remove_file(binary).unwrap();
    }

    #[test]
    fn variables_are_split_at_the_first_equals_sign() {
        assert_eq!(assignment(OsStr::new("A=b=c")), Some(("A".into(), b"b=c".to_vec())));
        assert_eq!(assignment(OsStr::new("A=")), Some(("A".into(), vec![])));
        assert_eq!(assignment(OsStr::new("=x")), None);
    }
}
