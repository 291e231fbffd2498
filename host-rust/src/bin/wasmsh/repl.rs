//! The prompt: lines are edited by rustyline, completed and judged by the session's own shell.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};
use wasmsh::{Session, TextState};

use crate::cli::{SOFTWARE, chain, complain};
use crate::script::{execute, interrupt};

/// Lines that are kept for the next time.
const HISTORY: usize = 10_000;

/// The session, as the editor asks it.
struct Shell<'s> {
    session: Rc<RefCell<&'s mut Session>>,
}

impl Helper for Shell<'_> {}
impl Hinter for Shell<'_> {
    type Hint = String;
}
impl Highlighter for Shell<'_> {}

impl Validator for Shell<'_> {
    /// Whether Enter ends the command, or begins its next line.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = format!("{}\n", context.input());
        Ok(match self.session.borrow_mut().check(text) {
            Ok(TextState::Incomplete) => ValidationResult::Incomplete,
            // What is wrong is told by the shell when it runs it.
            _ => ValidationResult::Valid(None),
        })
    }
}

impl Completer for Shell<'_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let Ok(completion) = self.session.borrow_mut().complete(line, cursor) else {
            return Ok((cursor, Vec::new()));
        };
        let pair = |candidate: Vec<u8>| {
            let text = String::from_utf8_lossy(&candidate).into_owned();
            Pair { display: text.trim_end().to_owned(), replacement: text }
        };
        let start = completion.start.min(cursor);
        let start = if line.is_char_boundary(start) { start } else { cursor };
        Ok((start, completion.candidates.into_iter().map(pair).collect()))
    }
}

/// Reads and runs commands until the end of input or `exit`. The status of the last one.
pub(crate) fn run(session: &mut Session) -> u8 {
    let presses = interrupt(session.control());
    let session = Rc::new(RefCell::new(session));
    let config = Config::builder().auto_add_history(true).max_history_size(HISTORY);
    let config = match config {
        Ok(config) => config.build(),
        Err(error) => {
            complain(&chain(&error));
            return SOFTWARE;
        }
    };
    let mut editor: Editor<Shell<'_>, DefaultHistory> = match Editor::with_config(config) {
        Ok(editor) => editor,
        Err(error) => {
            complain(&chain(&error));
            return SOFTWARE;
        }
    };
    editor.set_helper(Some(Shell { session: Rc::clone(&session) }));
    let history = history();
    if let Some(path) = &history {
        // There is none at first.
        let _ = editor.load_history(path);
    }
    let mut status = 0;
    loop {
        let prompt = prompt(&mut session.borrow_mut(), status);
        match editor.readline(&prompt) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                if let Some(code) = leaves(&line, status) {
                    status = code;
                    break;
                }
                presses.store(0, Ordering::Relaxed);
                status = execute(session.borrow_mut().run(line));
            }
            // Ctrl-C gives the line up.
            Err(ReadlineError::Interrupted) => status = 130,
            Err(ReadlineError::Eof) => break,
            Err(error) => {
                complain(&chain(&error));
                status = SOFTWARE;
                break;
            }
        }
    }
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        tracing::debug!(%error, "the history is not kept");
    }
    status
}

/// The status of a line that is nothing but `exit` or `logout`: what ends the prompt rather than a run.
fn leaves(line: &str, status: u8) -> Option<u8> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("exit" | "logout"), None, _) => Some(status),
        // As bash has it: modulo 256.
        (Some("exit" | "logout"), Some(code), None) => {
            code.parse::<i64>().ok().map(|code| (code & 0xff) as u8)
        }
        _ => None,
    }
}

/// The directory, and a mark that is red after a failure, where there are colours.
fn prompt(session: &mut Session, status: u8) -> String {
    let directory = session.cwd().unwrap_or_default();
    if !io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return format!("{directory}$ ");
    }
    let mark = if status == 0 { 32 } else { 31 };
    format!("\u{1b}[1;34m{directory}\u{1b}[0m\u{1b}[{mark}m$\u{1b}[0m ")
}

/// Where lines are kept; nowhere, if there is no home.
fn history() -> Option<PathBuf> {
    let directory = match std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty()) {
        Some(state) => PathBuf::from(state),
        None => std::env::home_dir()?.join(".local/state"),
    };
    let directory = directory.join("wasmsh");
    std::fs::create_dir_all(&directory).ok()?;
    Some(directory.join("history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_alone_ends_the_prompt() {
        assert_eq!(leaves("exit", 3), Some(3));
        assert_eq!(leaves(" exit 300 ", 0), Some(44));
        assert_eq!(leaves("logout -1", 0), Some(255));
        assert_eq!(leaves("exit; echo", 0), None);
        assert_eq!(leaves("echo exit", 0), None);
    }
}
