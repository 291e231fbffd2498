//! What the person at the terminal sees: one line a step, what is slow, what went wrong.

use std::fmt::Display;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A step that takes noticeable time; prints its name at once and its duration at the end.
pub(crate) struct Step {
    name: String,
    started: Instant,
}

/// Announces a step.
pub(crate) fn step(name: impl Into<String>) -> Step {
    let name = name.into();
    eprintln!("{} {name}", paint("1;34", "  start"));
    Step { name, started: Instant::now() }
}

impl Step {
    /// Says that the step is finished and how long it took.
    pub(crate) fn done(self) {
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("{} {} ({seconds:.1} s)", paint("1;32", "   done"), self.name);
    }
}

/// A fact worth a line: what was chosen, where something was found.
pub(crate) fn note(text: impl Display) {
    eprintln!("{} {text}", paint("1;36", "   note"));
}

/// From now on says nothing of what is up to date: for commands whose own output matters.
pub(crate) fn quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

static QUIET: AtomicBool = AtomicBool::new(false);

/// Something that was up to date and cost nothing.
pub(crate) fn fresh(text: impl Display) {
    if QUIET.load(Ordering::Relaxed) {
        return;
    }
    eprintln!("{} {text}", paint("2", "  fresh"));
}

/// Something the reader should look at although the work goes on.
pub(crate) fn warn(text: impl Display) {
    eprintln!("{} {text}", paint("1;33", "warning"));
}

/// The error that ends the program, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("{} {error}", paint("1;31", "  error"));
    for cause in error.chain().skip(1) {
        for line in cause.to_string().lines() {
            eprintln!("          {line}");
        }
    }
}

fn paint(code: &str, text: &str) -> String {
    if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}
