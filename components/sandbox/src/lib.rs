//! The driver of the composed sandbox: one `session` out of the shell's and Python.
//!
//! Every call is passed on to the shell. Of the requests that a run makes, those for Python are answered
//! here, between two calls of `resume`, when the shell is not on the stack; all others go to the host.

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: [
            "../../wit/wasi/io",
            "../../wit/wasi/clocks",
            "../../wit/wasi/random",
            "../../wit/wasi/filesystem",
            "../../wit/wasi/sockets",
            "../../wit/wasi/cli",
            "../../wit/fs",
            "../../wit/net",
            "../../wit/session",
            "../../wit/python",
        ],
        world: "wasmsh:python/driver",
        generate_all,
    });
}

use std::cell::RefCell;
use std::collections::VecDeque;

use bindings::exports::wasmsh::session::session as exported;
use bindings::wasmsh::python::interpreter;
use bindings::wasmsh::session::session as shell;
use bindings::wasmsh::session::types::{
    Answer, Bytes, Config, Reception, Request, RequestId, RunOptions, Signal,
};

/// The names that run Python.
const PYTHON: [&str; 7] = ["python3", "python", "python3.13", "pip", "pip3", "pip3.13", "sqlite3"];

struct Driver;

impl exported::Guest for Driver {
    type Session = Session;
    type Run = Run;
}

struct Session(shell::Session);

impl exported::GuestSession for Session {
    fn new(mut config: Config) -> Self {
        for name in PYTHON {
            if !config.commands.iter().any(|command| command == name) {
                config.commands.push(name.to_owned());
            }
            // There is one instance of Python.
            if !config.exclusive_commands.iter().any(|command| command == name) {
                config.exclusive_commands.push(name.to_owned());
            }
        }
        Self(shell::Session::new(&config))
    }

    fn start(&self, script: Bytes, options: RunOptions) -> Result<exported::Run, exported::Busy> {
        match self.0.start(&script, &options) {
            Ok(shell) => Ok(exported::Run::new(Run { shell, waiting: RefCell::default() })),
            Err(busy) => Err(busy_out(busy)),
        }
    }

    fn check(&self, text: Bytes) -> exported::TextState {
        match self.0.check(&text) {
            shell::TextState::Complete => exported::TextState::Complete,
            shell::TextState::Incomplete => exported::TextState::Incomplete,
            shell::TextState::Wrong(error) => exported::TextState::Wrong(exported::SyntaxError {
                message: error.message,
                line: error.line,
                column: error.column,
            }),
        }
    }

    fn complete(&self, text: Bytes, cursor: u32) -> exported::Completion {
        let shell::Completion { start, candidates } = self.0.complete(&text, cursor);
        exported::Completion { start, candidates }
    }

    fn cwd(&self) -> String {
        self.0.cwd()
    }

    fn add_command(&self, name: String) {
        self.0.add_command(&name);
    }

    fn remove_command(&self, name: String) {
        self.0.remove_command(&name);
    }

    fn save(&self) -> Result<Vec<u8>, exported::Busy> {
        self.0.save().map_err(busy_out)
    }

    fn load(&self, state: Vec<u8>) -> Result<(), exported::LoadError> {
        self.0.load(&state).map_err(|error| match error {
            shell::LoadError::Busy(busy) => exported::LoadError::Busy(busy_out(busy)),
            shell::LoadError::Damaged(why) => exported::LoadError::Damaged(why),
            shell::LoadError::NewerVersion(version) => exported::LoadError::NewerVersion(version),
        })
    }
}

struct Run {
    shell: shell::Run,
    /// Requests for Python, and the processes they are for, the oldest first.
    waiting: RefCell<VecDeque<(RequestId, u32)>>,
}

impl Run {
    fn next(&self) -> Option<(RequestId, u32)> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl exported::GuestRun for Run {
    fn resume(&self, fuel: u64, max_output: u32) -> exported::Progress {
        // Only now, since what was written before was handed over by the return of the call before.
        while let Some((id, pid)) = self.next() {
            let exit = interpreter::run(pid);
            // An unwanted answer is that of a process that was killed in the meantime.
            let _ = self.shell.answer(id, &Answer::Exited(exit));
        }
        let shell::Progress { output, mut requests, state } = self.shell.resume(fuel, max_output);
        requests.retain(|(id, request)| {
            let mut waiting = self.waiting.borrow_mut();
            if let Some(pid) = python_of(request) {
                waiting.push_back((*id, pid));
                return false;
            }
            let before = waiting.len();
            if let Request::Cancelled(cancelled) = request {
                waiting.retain(|(other, _)| other != cancelled);
            }
            waiting.len() == before
        });
        let state = match state {
            shell::State::Exited(exit) => exported::State::Exited(exit),
            shell::State::Waiting(wait) if self.waiting.borrow().is_empty() => exported::State::Waiting(wait),
            shell::State::Waiting(_) | shell::State::Running => exported::State::Running,
        };
        exported::Progress { output, requests, state }
    }

    fn write_stdin(&self, bytes: Vec<u8>) -> u32 {
        self.shell.write_stdin(&bytes)
    }

    fn close_stdin(&self) {
        self.shell.close_stdin();
    }

    fn answer(&self, id: RequestId, what: Answer) -> Reception {
        self.shell.answer(id, &what)
    }

    fn signal(&self, what: Signal) {
        self.shell.signal(what);
    }

    fn steps(&self) -> u64 {
        self.shell.steps()
    }

    fn ceilings_met(&self) -> exported::CeilingsMet {
        exported::CeilingsMet::from_bits_truncate(self.shell.ceilings_met().bits())
    }
}

/// The process of a request for Python.
fn python_of(request: &Request) -> Option<u32> {
    match request {
        Request::Command(command) if PYTHON.contains(&command.name.as_str()) => Some(command.pid),
        Request::Command(_) | Request::Fetch(_) | Request::Cancelled(_) => None,
    }
}

fn busy_out(busy: shell::Busy) -> exported::Busy {
    exported::Busy { processes: busy.processes }
}

bindings::export!(Driver with_types_in bindings);
