//! Running one script: from the command line, a file or standard input.

use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wasmsh::protocol::Data;
use wasmsh::{Control, Exit, Limit, Recovery, Run, Signal, Stream};

use crate::cli::{NoSession, SOFTWARE, Script, bytes, chain, complain, save};
use crate::keyboard::Keyboard;
use crate::repl;

/// The command was found, and cannot be run (bash manual, 3.7.5).
const CANNOT_RUN: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;

pub(crate) fn run(script: Script) -> u8 {
    let mut operands = script.operands.into_iter();
    let prompt = script.interactive
        || script.text.is_none() && operands.len() == 0 && io::stdin().is_terminal() && !script.json;
    let (text, name) = match (script.text, operands.next()) {
        (Some(text), name) => (Some(bytes(text)), name.map_or_else(|| b"wasmsh".to_vec(), bytes)),
        (None, Some(file)) => match read(Path::new(&file)) {
            Ok(text) => (Some(text), bytes(file)),
            Err((status, why)) => {
                complain(&format!("{}: {why}", file.display()));
                return status;
            }
        },
        (None, None) if prompt => (None, b"wasmsh".to_vec()),
        (None, None) => {
            let mut text = Vec::new();
            if let Err(error) = io::stdin().lock().read_to_end(&mut text) {
                complain(&format!("standard input: {error}"));
                return CANNOT_RUN;
            }
            (Some(text), b"wasmsh".to_vec())
        }
    };
    let mut session = match script.session.session() {
        Ok(session) => session,
        Err(NoSession(status, why)) => {
            complain(&why);
            return status;
        }
    };
    let mut status = 0;
    if let Some(text) = text {
        let presses = interrupt(session.control());
        let run = session.run(text).name(name).args(operands.map(bytes));
        // Only of a shell that goes on anything but files is left.
        let lasting = prompt || script.snapshot.is_some() || script.session.restores();
        let run = if lasting { run } else { run.fresh() };
        status = if script.json { report(run) } else { execute(run) };
        presses.store(0, Ordering::Relaxed);
    }
    if prompt {
        status = repl::run(&mut session);
    }
    if let Some(path) = &script.snapshot
        && let Err(why) = save(&mut session, path)
    {
        complain(&format!("--snapshot {}: {why}", path.display()));
        return SOFTWARE;
    }
    status
}

/// The streams of this program for a run.
pub(crate) fn execute(run: Run<'_>) -> u8 {
    let mut keys = None;
    let mut run = if io::stdin().is_terminal() {
        match Keyboard::new() {
            Ok((keyboard, hold)) => {
                keys = Some(hold);
                run.stdin_terminal(keyboard)
            }
            Err(error) => {
                complain(&format!("the terminal: {error}"));
                return SOFTWARE;
            }
        }
    } else {
        run.stdin_reader(io::stdin())
    };
    if io::stdout().is_terminal() {
        let (columns, rows) = terminal_size();
        run = run.terminal(columns, rows);
    }
    let last: Arc<Mutex<Vec<u8>>> = Arc::default();
    let kept = Arc::clone(&last);
    let ended = run.stream_output(move |stream, bytes| {
        if stream == Stream::Stderr {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
        }
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
    drop(keys);
    match ended {
        Ok(output) => {
            if let Exit::Limited(limit) = output.exit
                && !told(&last.lock().unwrap_or_else(PoisonError::into_inner), limit)
            {
                complain(&limit.to_string());
            }
            match output.recovery {
                Some(Recovery::Kept) | None => {}
                Some(Recovery::Checkpoint) => complain("the session is what it was before this script"),
                Some(Recovery::Lost) => complain("the session is lost: it is as new"),
            }
            output.status()
        }
        Err(error) => {
            complain(&chain(&error));
            SOFTWARE
        }
    }
}

/// Whether the shell itself has said that it was ended by this limit, with the last that was written.
fn told(last: &[u8], limit: Limit) -> bool {
    let limit = limit.to_string();
    let what = limit.strip_suffix("exceeded").unwrap_or(&limit);
    last.ends_with(format!("{what}reached\n").as_bytes())
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Report {
    status: u8,
    exit: Exit,
    stdout: Data,
    stderr: Data,
    steps: u64,
    exceeded: Vec<Limit>,
    recovery: Option<Recovery>,
}

fn report(run: Run<'_>) -> u8 {
    let run = if io::stdin().is_terminal() { run } else { run.stdin_reader(io::stdin()) };
    let output = match run.output() {
        Ok(output) => output,
        Err(error) => {
            complain(&chain(&error));
            return SOFTWARE;
        }
    };
    let status = output.status();
    let report = Report {
        status,
        exit: output.exit,
        stdout: Data(output.stdout),
        stderr: Data(output.stderr),
        steps: output.steps,
        exceeded: output.exceeded,
        recovery: output.recovery,
    };
    let mut stdout = io::stdout().lock();
    let written = serde_json::to_writer(&mut stdout, &report)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    // As a program that a PIPE signal has ended.
    if written.is_err() { 141 } else { status }
}

/// The first Ctrl-C goes to the script; one that ignores it is ended by the second; the third ends this program.
/// Returned is how often it was pressed, to be set back when a script is over.
pub(crate) fn interrupt(control: Control) -> Arc<AtomicU32> {
    let presses: Arc<AtomicU32> = Arc::default();
    let count = Arc::clone(&presses);
    let installed = ctrlc::set_handler(move || match count.fetch_add(1, Ordering::Relaxed) {
        0 => control.signal(Signal::Int),
        1 => control.cancel(),
        _ => std::process::exit(128 + i32::from(Signal::Int.number())),
    });
    if let Err(error) = installed {
        tracing::debug!(%error, "Ctrl-C has a handler already, or will end the program");
    }
    presses
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

/// The terminal's size: as the variables say, which go before, or as the terminal itself does.
fn terminal_size() -> (u16, u16) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let (columns, rows) = window_size().unwrap_or((80, 24));
    (number("COLUMNS").unwrap_or(columns), number("LINES").unwrap_or(rows))
}

/// What the terminal says; one that does not know says 0.
#[cfg(unix)]
fn window_size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

#[cfg(not(unix))]
fn window_size() -> Option<(u16, u16)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_once() {
        assert!(told(b"x\nwasmsh: step limit of 9 reached\n", Limit::Steps(9)));
        assert!(!told(b"wasmsh: step limit of 8 reached\n", Limit::Steps(9)));
        assert!(!told(b"", Limit::WallTimeMs(9)));
    }

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
}
