//! `wasmsh serve --stdio`: sessions for a program that speaks JSON, one message a line.

use std::io::{self, BufRead, Write};
use std::process;

use wasmsh::protocol::{Event, Server};

use crate::cli::{NoSession, Serve, complain};

/// The status of a program that a PIPE signal has ended.
const PIPE: i32 = 141;

/// Serves until the end of standard input, and until what was asked by then is done.
pub(crate) fn run(options: &Serve) -> u8 {
    let builder = match options.session.builder() {
        Ok(builder) => builder,
        Err(NoSession(status, why)) => {
            complain(&why);
            return status;
        }
    };
    // Whoever has our standard input has the network that we have.
    let server = Server::new(builder, tell).most_sessions(options.sessions).clients_choose_network(true);
    for line in io::stdin().lock().lines() {
        match line {
            Ok(line) => server.line(&line),
            Err(error) => {
                complain(&format!("standard input: {error}"));
                return 1;
            }
        }
    }
    server.drain();
    0
}

fn tell(event: Event) {
    let Ok(mut line) = serde_json::to_vec(&event) else { return };
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    if stdout.write_all(&line).and_then(|()| stdout.flush()).is_err() {
        // Nobody listens, so nobody wants what would still be done.
        process::exit(PIPE);
    }
}
