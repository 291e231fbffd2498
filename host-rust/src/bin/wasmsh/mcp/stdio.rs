//! The transport by standard input and output: one message a line.

use std::io::{self, BufRead, Write};
use std::process;

use serde_json::{Value, json};

use super::{Client, PARSE_ERROR, failure};
use crate::cli::{NoSession, SessionOptions, complain};

/// Serves until the end of standard input, and until what was asked by then is done.
pub(super) fn serve(options: &SessionOptions) -> u8 {
    let session = match options.session() {
        Ok(session) => session,
        Err(NoSession(status, why)) => {
            complain(&why);
            return status;
        }
    };
    let client = Client::new(session);
    for line in io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str(&line) {
            Ok(message) => client.receive(&message, Box::new(|answer| write(&answer))),
            Err(error) => write(&failure(&json!(null), PARSE_ERROR, &error.to_string())),
        }
    }
    u8::from(!client.finish())
}

fn write(message: &Value) {
    let mut stdout = io::stdout().lock();
    let written = serde_json::to_writer(&mut stdout, message)
        .map_err(io::Error::from)
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    if written.is_err() {
        // Nobody listens: as a program that a PIPE signal has ended.
        process::exit(141);
    }
}
