//! `wasmsh:session/session`: sessions and runs of `wasmsh-shell`.

use std::cell::RefCell;
use std::rc::Rc;

use wasmsh_os::{Ceiling, Ceilings, Kernel, RequestId as OsRequestId, Signal as OsSignal, TerminalSize};
use wasmsh_shell::session as shell;
use wasmsh_shell::state::StateError;

use crate::Component;
use crate::bindings::exports::wasmsh::session::session::{
    Answer, Busy, Bytes, CeilingsMet, Completion, Config, Guest, GuestRun, GuestSession, LoadError, Progress,
    Reception, RequestId, Run as RunHandle, RunOptions, Signal, State, SyntaxError, TextState,
};
use crate::bindings::wasmsh::session::types::{Exit, Limit, Limits, StdinKind, Wait};
use crate::clocks::{WasiClock, WasiEntropy};
use crate::convert::{answer_out, chunk_in, reception_in, signal_in, signal_out};
use crate::files::ImportedFiles;
use crate::pump::{Owner, Pump};

impl Guest for Component {
    type Session = Session;
    type Run = Run;
}

/// A session of the component.
pub(crate) struct Session {
    session: shell::Session,
    host_blocks: bool,
    /// `config.exclusive-commands`.
    exclusive: Rc<[String]>,
}

fn limits_out(limits: Limits) -> shell::Limits {
    shell::Limits {
        steps: limits.steps,
        wall_time_ms: limits.wall_time_ms,
        output_bytes: limits.output_bytes,
    }
}

fn busy_in(busy: shell::Busy) -> Busy {
    Busy { processes: busy.processes }
}

impl GuestSession for Session {
    fn new(config: Config) -> Self {
        let ceilings = Ceilings {
            processes: config.ceilings.processes,
            call_depth: config.ceilings.call_depth,
            descriptors: config.ceilings.descriptors,
            expansion_bytes: config.ceilings.expansion_bytes,
            ..Ceilings::default()
        };
        let session = shell::Session::new(
            Rc::new(ImportedFiles),
            Rc::new(WasiClock),
            Rc::new(WasiEntropy),
            shell::Config {
                environment: config.environment,
                cwd: config.cwd,
                umask: config.umask,
                limits: limits_out(config.limits),
                ceilings,
                commands: config.commands,
            },
        );
        Self { session, host_blocks: config.host_blocks, exclusive: config.exclusive_commands.into() }
    }

    fn start(&self, script: Bytes, options: RunOptions) -> Result<RunHandle, Busy> {
        let options = shell::RunOptions {
            name: options.name,
            arguments: options.arguments,
            environment: options.environment,
            cwd: options.cwd,
            limits: options.limits.map(limits_out),
            stdin: match options.stdin {
                StdinKind::Empty => shell::StdinKind::Empty,
                StdinKind::Piped => shell::StdinKind::Piped,
                StdinKind::Terminal => shell::StdinKind::Terminal,
            },
            terminal: options.terminal.map(|size| TerminalSize { columns: size.columns, rows: size.rows }),
            fresh: options.fresh,
        };
        let run = self.session.start(&script, &options).map_err(busy_in)?;
        let kernel = self.session.kernel().clone();
        let active = Rc::new(Active { run: RefCell::new(Some(run)), kernel, host_blocks: self.host_blocks });
        Ok(RunHandle::new(Run { pump: Pump::new(active.clone(), self.exclusive.clone()), active }))
    }

    fn check(&self, text: Bytes) -> TextState {
        match self.session.check(&text) {
            shell::TextState::Complete => TextState::Complete,
            shell::TextState::Incomplete => TextState::Incomplete,
            shell::TextState::Wrong(error) => TextState::Wrong(SyntaxError {
                message: error.to_string(),
                line: error.line,
                column: error.column,
            }),
        }
    }

    fn complete(&self, text: Bytes, cursor: u32) -> Completion {
        let found = self.session.complete(&text, cursor);
        Completion { start: found.start, candidates: found.candidates }
    }

    fn cwd(&self) -> String {
        self.session.cwd()
    }

    fn add_command(&self, name: String) {
        self.session.add_command(&name);
    }

    fn remove_command(&self, name: String) {
        self.session.remove_command(&name);
    }

    fn save(&self) -> Result<Vec<u8>, Busy> {
        self.session.save().map_err(busy_in)
    }

    fn load(&self, state: Vec<u8>) -> Result<(), LoadError> {
        self.session.load(&state).map_err(|error| match error {
            shell::LoadError::Busy(busy) => LoadError::Busy(busy_in(busy)),
            shell::LoadError::State(StateError::Damaged(why)) => LoadError::Damaged(why),
            shell::LoadError::State(StateError::NewerVersion(version)) => LoadError::NewerVersion(version),
        })
    }
}

/// A run, shared with the foreign commands that it has started.
struct Active {
    /// `None`: the host has dropped it.
    run: RefCell<Option<shell::Run>>,
    kernel: Rc<Kernel>,
    host_blocks: bool,
}

impl Owner for Active {
    fn kernel(&self) -> &Rc<Kernel> {
        &self.kernel
    }

    fn host_blocks(&self) -> bool {
        self.host_blocks
    }

    fn enforce_limits(&self) {
        if let Some(run) = &*self.run.borrow() {
            run.enforce_limits();
        }
    }

    fn signal(&self, what: OsSignal) {
        if let Some(run) = &*self.run.borrow() {
            run.signal(what);
        }
    }
}

/// A run of the component.
pub(crate) struct Run {
    active: Rc<Active>,
    pump: Rc<Pump>,
}

impl Run {
    fn with<T>(&self, gone: T, call: impl FnOnce(&shell::Run) -> T) -> T {
        // `run` is taken only by `drop`.
        self.active.run.borrow().as_ref().map_or(gone, call)
    }
}

impl GuestRun for Run {
    fn resume(&self, fuel: u64, max_output: u32) -> Progress {
        let over = || shell::Progress {
            output: Vec::new(),
            requests: Vec::new(),
            state: shell::RunState::Exited(shell::RunExit::Code(0)),
        };
        let resume =
            || self.active.run.borrow().as_ref().map_or_else(over, |run| run.resume(fuel, max_output));
        self.pump.feed();
        let mut progress = resume();
        if matches!(progress.state, shell::RunState::Waiting { .. }) && self.pump.feed() {
            // What a command was given and did not read.
            progress.state = shell::RunState::Running;
        }
        let idle = matches!(progress.state, shell::RunState::Waiting { .. });
        Progress {
            output: progress.output.into_iter().map(chunk_in).collect(),
            requests: self.pump.announce_all(progress.requests, idle),
            state: match progress.state {
                shell::RunState::Running => State::Running,
                shell::RunState::Waiting { stdin, timer, requests } => {
                    State::Waiting(Wait { stdin, timer, requests })
                }
                shell::RunState::Exited(exit) => State::Exited(match exit {
                    shell::RunExit::Code(code) => Exit::Code(code),
                    shell::RunExit::Signalled(signal) => Exit::Signalled(signal_in(signal)),
                    shell::RunExit::Limited(limit) => Exit::Limited(match limit {
                        shell::Limit::Steps(steps) => Limit::Steps(steps),
                        shell::Limit::WallTimeMs(ms) => Limit::WallTimeMs(ms),
                        shell::Limit::OutputBytes(bytes) => Limit::OutputBytes(bytes),
                    }),
                }),
            },
        }
    }

    fn write_stdin(&self, bytes: Vec<u8>) -> u32 {
        self.pump.feed();
        // What came first is read first.
        if self.pump.has_input() { 0 } else { self.with(0, |run| run.write_stdin(&bytes)) }
    }

    fn close_stdin(&self) {
        self.pump.end_input();
    }

    fn answer(&self, id: RequestId, what: Answer) -> Reception {
        self.with(Reception::Unwanted, |run| reception_in(run.answer(OsRequestId(id), answer_out(what))))
    }

    fn signal(&self, what: Signal) {
        self.with((), |run| run.signal(signal_out(what)));
    }

    fn steps(&self) -> u64 {
        self.with(0, shell::Run::steps)
    }

    fn ceilings_met(&self) -> CeilingsMet {
        let met = |ceiling, flag| {
            if self.with(false, |run| run.has_met(ceiling)) { flag } else { CeilingsMet::empty() }
        };
        met(Ceiling::Processes, CeilingsMet::PROCESSES)
            | met(Ceiling::CallDepth, CeilingsMet::CALL_DEPTH)
            | met(Ceiling::Descriptors, CeilingsMet::DESCRIPTORS)
            | met(Ceiling::ExpansionBytes, CeilingsMet::EXPANSION_BYTES)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Foreign commands may hold the rest for a while; the run ends now.
        drop(self.active.run.borrow_mut().take());
    }
}
