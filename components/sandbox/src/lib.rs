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

use bindings::exports::wasmsh::session::session as exported;
use bindings::wasmsh::python::interpreter;
use bindings::wasmsh::session::session as shell;
use bindings::wasmsh::session::types::{
    Answer, Bytes, Config, Reception, Request, RequestId, RunOptions, Signal,
};

/// The names that run Python.
const PYTHON: [&str; 3] = ["python3", "python", "python3.13"];

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
        }
        Self(shell::Session::new(&config))
    }

    fn start(&self, script: Bytes, options: RunOptions) -> Result<exported::Run, exported::Busy> {
        match self.0.start(&script, &options) {
            Ok(run) => Ok(exported::Run::new(Run(run))),
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

struct Run(shell::Run);

impl exported::GuestRun for Run {
    fn resume(&self, fuel: u64, max_output: u32) -> exported::Progress {
        let shell::Progress { output, mut requests, state } = self.0.resume(fuel, max_output);
        let mut answered = false;
        requests.retain(|(id, request)| {
            let Some(pid) = python_of(request) else { return true };
            let exit = interpreter::run(pid);
            // An unwanted answer is that of a process that was killed in the meantime.
            let _ = self.0.answer(*id, &Answer::Exited(exit));
            answered = true;
            false
        });
        let state = match state {
            _ if answered => exported::State::Running,
            shell::State::Running => exported::State::Running,
            shell::State::Waiting(wait) => exported::State::Waiting(wait),
            shell::State::Exited(exit) => exported::State::Exited(exit),
        };
        exported::Progress { output, requests, state }
    }

    fn write_stdin(&self, bytes: Vec<u8>) -> u32 {
        self.0.write_stdin(&bytes)
    }

    fn close_stdin(&self) {
        self.0.close_stdin();
    }

    fn answer(&self, id: RequestId, what: Answer) -> Reception {
        self.0.answer(id, &what)
    }

    fn signal(&self, what: Signal) {
        self.0.signal(what);
    }

    fn steps(&self) -> u64 {
        self.0.steps()
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
