//! `wasmsh diff`: what two snapshots have that differs.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use wasmsh::{Change, diff};

use crate::cli::{chain, complain, snapshot};

#[derive(Args)]
pub(crate) struct Options {
    /// The earlier snapshot, by --snapshot.
    before: PathBuf,

    /// The later one.
    after: PathBuf,

    /// Prints an array of JSON.
    #[arg(long)]
    json: bool,
}

/// They cannot be compared.
const TROUBLE: u8 = 2;

pub(crate) fn run(options: &Options) -> u8 {
    let changes = match compare(&options.before, &options.after) {
        Ok(changes) => changes,
        Err(why) => {
            complain(&why);
            return TROUBLE;
        }
    };
    match print(&changes, options.json) {
        Ok(()) => u8::from(!changes.is_empty()),
        Err(_) => TROUBLE,
    }
}

fn compare(before: &Path, after: &Path) -> Result<Vec<Change>, String> {
    let read = |path: &Path| snapshot(path).map_err(|why| format!("{}: {why}", path.display()));
    diff(&read(before)?, &read(after)?).map_err(|error| chain(&error))
}

fn print(changes: &[Change], json: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if json {
        serde_json::to_writer(&mut stdout, changes)?;
        writeln!(stdout)?;
    } else {
        for change in changes {
            writeln!(stdout, "{change}")?;
        }
    }
    stdout.flush()
}
