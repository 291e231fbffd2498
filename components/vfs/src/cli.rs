//! `wasi:cli`: arguments, environment, standard streams, exit.

use crate::bindings::exports::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use crate::bindings::exports::wasi::io::streams;
use crate::bindings::exports::wasmsh::fs::program;
use crate::streams::{InputStream, OutputStream};
use crate::{Component, process};

impl environment::Guest for Component {
    fn get_environment() -> Vec<(String, String)> {
        process::environment()
    }

    fn get_arguments() -> Vec<String> {
        process::arguments()
    }

    fn initial_cwd() -> Option<String> {
        process::cwd()
    }
}

/// `exit` records the status and returns. The program cannot go on: compilers
/// put an `unreachable` behind a call that does not return, so the trap happens
/// in the program and not here, where it would take the files with it in
/// hosts that let the rest of a composition live on.
impl exit::Guest for Component {
    fn exit(status: Result<(), ()>) {
        process::set_status(u8::from(status.is_err()));
    }

    fn exit_with_code(status_code: u8) {
        process::set_status(status_code);
    }
}

impl stdin::Guest for Component {
    fn get_stdin() -> streams::InputStream {
        streams::InputStream::new(InputStream::stdin())
    }
}

impl stdout::Guest for Component {
    fn get_stdout() -> streams::OutputStream {
        streams::OutputStream::new(OutputStream::standard(program::OutputStream::Stdout))
    }
}

impl stderr::Guest for Component {
    fn get_stderr() -> streams::OutputStream {
        streams::OutputStream::new(OutputStream::standard(program::OutputStream::Stderr))
    }
}

/// There are no terminals, so there is none of these.
pub(crate) enum NoTerminal {}

impl terminal_input::GuestTerminalInput for NoTerminal {}
impl terminal_output::GuestTerminalOutput for NoTerminal {}

impl terminal_input::Guest for Component {
    type TerminalInput = NoTerminal;
}

impl terminal_output::Guest for Component {
    type TerminalOutput = NoTerminal;
}

impl terminal_stdin::Guest for Component {
    fn get_terminal_stdin() -> Option<terminal_input::TerminalInput> {
        None
    }
}

impl terminal_stdout::Guest for Component {
    fn get_terminal_stdout() -> Option<terminal_output::TerminalOutput> {
        None
    }
}

impl terminal_stderr::Guest for Component {
    fn get_terminal_stderr() -> Option<terminal_output::TerminalOutput> {
        None
    }
}
