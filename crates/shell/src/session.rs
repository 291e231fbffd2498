//! Sessions: a kernel, the state of a shell that lasts from run to run, and runs that a host advances.
//!
//! This mirrors `wasmsh:session/session` (`wit/session/session.wit`) function for function.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{
    Answer, Ceiling, Ceilings, Chunk, Clock, Ctx, Description, Disposition, Entropy, Environment, Exit,
    FileSystem, Group, Kernel, KernelState, OpenFlags, OutputStream, Pid, Reception, Request, RequestId,
    Signal, State, Target, TerminalSize,
};
use wasmsh_syntax::error::ParseError;
use wasmsh_syntax::options::NoAliases;
use wasmsh_syntax::parser::{Parser, Poll as ParserPoll};

use crate::args::Args;
use crate::complete::Completion;
use crate::loader::ShellLoader;
use crate::shared::Shared;
use crate::state::{self, StateError};
use crate::text::Str;
use crate::vm::redirect::MemoryFile;
use crate::vm::{Abort, RunSlot, Shell, Vm, VmProcess};

/// Limits of a run. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Steps of the shell's machine.
    pub steps: Option<u64>,
    /// Milliseconds.
    pub wall_time_ms: Option<u64>,
    /// Bytes written to stdout and stderr.
    pub output_bytes: Option<u64>,
}

/// The limit that ended a run, with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Steps of the shell's machine.
    Steps(u64),
    /// Milliseconds.
    WallTimeMs(u64),
    /// Bytes written.
    OutputBytes(u64),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunExit {
    /// With this status.
    Code(u8),
    /// By a signal.
    Signalled(Signal),
    /// By a limit.
    Limited(Limit),
}

impl RunExit {
    /// As a shell shows it: the code, 128 + the signal, 124 for time, 137 for any other limit.
    pub fn status(self) -> u8 {
        match self {
            RunExit::Code(code) => code,
            RunExit::Signalled(signal) => 128 + signal.number(),
            RunExit::Limited(Limit::WallTimeMs(_)) => 124,
            RunExit::Limited(_) => 137,
        }
    }
}

/// What a session is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The environment of every run, exported.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where it begins.
    pub cwd: String,
    /// Permission bits that new files do not get.
    pub umask: u32,
    /// Limits of every run that names none.
    pub limits: Limits,
    /// What may be held at one time.
    pub ceilings: Ceilings,
    /// Names of commands that somebody outside answers.
    pub commands: Vec<String>,
}

/// What stands behind the standard input of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum StdinKind {
    /// Nothing.
    #[default]
    Empty,
    /// What the host writes.
    Piped,
    /// A terminal, from which the host reads.
    Terminal,
}

/// How a run is started.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// `$0`, and the name in messages.
    pub name: Vec<u8>,
    /// `$1` and so on.
    pub arguments: Vec<Vec<u8>>,
    /// Added to the environment for this run alone.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// For this run alone.
    pub cwd: Option<String>,
    /// In place of those of the session.
    pub limits: Option<Limits>,
    /// Standard input.
    pub stdin: StdinKind,
    /// Set: stdout and stderr are a terminal of this size.
    pub terminal: Option<TerminalSize>,
    /// A shell of its own, of which only files are left.
    pub fresh: bool,
}

/// A run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run is under way ({processes} processes)")]
pub struct Busy {
    /// How many processes there are.
    pub processes: u32,
}

/// Why a state was not put back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A run is under way.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The bytes are no state.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What text is to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextState {
    /// Whole commands.
    Complete,
    /// More lines are needed.
    Incomplete,
    /// Not well-formed.
    Wrong(ParseError),
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// More can be done at once.
    Running,
    /// Nothing goes on before something of this comes.
    Waiting {
        /// Standard input.
        stdin: bool,
        /// Nanoseconds.
        timer: Option<u64>,
        /// Answers to so many requests.
        requests: u32,
    },
    /// It is over, and all output has been returned.
    Exited(RunExit),
}

/// What an advance of a run gives.
#[derive(Clone, Debug)]
pub struct Progress {
    /// What was written, in the order of writing.
    pub output: Vec<Chunk>,
    /// New requests; each is told once.
    pub requests: Vec<(RequestId, Request)>,
    /// How the run stands.
    pub state: RunState,
}

struct Inner {
    kernel: Rc<Kernel>,
    shared: Rc<Shared>,
    loader: Rc<ShellLoader>,
    config: Config,
    /// The process that lasts, and where it is given work.
    main: RefCell<Option<(Pid, Rc<RunSlot>)>>,
    /// Its state as the last run began, should it be killed.
    saved: RefCell<Option<Shell>>,
    /// Directory and umask of a state that was loaded, until its shell begins.
    place: RefCell<Option<(String, u32)>>,
    running: Cell<bool>,
}

/// A session.
#[derive(Clone)]
pub struct Session(Rc<Inner>);

impl Session {
    /// A session on this filesystem.
    pub fn new(
        fs: Rc<dyn FileSystem>,
        clock: Rc<dyn Clock>,
        entropy: Rc<dyn Entropy>,
        config: Config,
    ) -> Session {
        let shared = Shared::new();
        *shared.foreign.borrow_mut() = config.commands.clone();
        let kernel = Kernel::new(fs, clock, entropy, config.ceilings);
        let loader = Rc::new(ShellLoader::new(shared.clone()));
        loader.install(&**kernel.fs());
        kernel.set_loader(loader.clone());
        let init = kernel.init();
        init.set_cwd(config.cwd.as_str());
        init.set_umask(config.umask);
        Session(Rc::new(Inner {
            kernel,
            shared,
            loader,
            config,
            main: RefCell::new(None),
            saved: RefCell::new(None),
            place: RefCell::new(None),
            running: Cell::new(false),
        }))
    }

    /// The kernel, for whoever implements `processes`.
    pub fn kernel(&self) -> &Rc<Kernel> {
        &self.0.kernel
    }

    fn environment(&self, options: &RunOptions) -> Environment {
        let mut environment = Environment::new(
            self.0
                .config
                .environment
                .iter()
                .map(|(n, v)| (BString::from(&**n), BString::from(&**v)))
                .collect(),
        );
        for (name, value) in &options.environment {
            environment.set(name, value);
        }
        environment
    }

    fn new_shell(&self, name: Str, pid: Pid, options: &RunOptions) -> Shell {
        let now = self.0.kernel.clock().monotonic();
        Shell::new(self.0.shared.clone(), &self.environment(options), name, pid, now)
    }

    /// Begins a run; nothing executes before [`Run::resume`].
    ///
    /// # Errors
    /// One run at a time.
    pub fn start(&self, script: &[u8], options: &RunOptions) -> Result<Run, Busy> {
        let inner = &self.0;
        if inner.running.get() {
            return Err(Busy { processes: inner.kernel.processes().len() as u32 });
        }
        let kernel = &inner.kernel;
        kernel.reopen_input();
        if options.stdin == StdinKind::Empty {
            kernel.close_input();
        }
        kernel.set_terminal(options.terminal, options.stdin == StdinKind::Terminal);
        let name = if options.name.is_empty() { Str::from("bash") } else { Str::new(&options.name) };
        let text = Str::new(script);
        let slot = RunSlot::new();
        let pid;
        if options.fresh {
            pid = self.spawn_shell(name, options, slot.clone(), None);
            slot.give(text, None);
            slot.last(true);
        } else {
            let alive =
                inner.main.borrow().as_ref().filter(|(pid, _)| kernel.context(*pid).is_some()).cloned();
            match alive {
                Some((main, old)) => {
                    old.reset();
                    let start = StartOver { name, options: options.clone() };
                    old.give(text, Some(Box::new(move |vm: &mut Vm| start.apply(vm))));
                    if let Some(ctx) = kernel.context(main) {
                        ctx.wake();
                    }
                    return Ok(self.run(main, old, options));
                }
                None => {
                    let shell = inner.saved.borrow_mut().take();
                    // What is for this run alone must not become the shell's own.
                    let lasting = RunOptions { environment: Vec::new(), cwd: None, ..options.clone() };
                    pid = self.spawn_shell(name.clone(), &lasting, slot.clone(), shell);
                    let start = StartOver { name, options: options.clone() };
                    slot.give(text, Some(Box::new(move |vm: &mut Vm| start.apply(vm))));
                    if let Some(pid) = pid {
                        *inner.main.borrow_mut() = Some((pid, slot.clone()));
                    }
                }
            }
        }
        match pid {
            Some(pid) => Ok(self.run(pid, slot, options)),
            None => Err(Busy { processes: kernel.processes().len() as u32 }),
        }
    }

    fn run(&self, pid: Pid, slot: Rc<RunSlot>, options: &RunOptions) -> Run {
        self.0.running.set(true);
        let kernel = &self.0.kernel;
        let limits = options.limits.unwrap_or(self.0.config.limits);
        kernel.limit_output(limits.output_bytes);
        kernel.forget_met();
        Run {
            session: self.clone(),
            pid,
            slot,
            ctx: kernel.context(pid),
            limits,
            first_step: kernel.steps(),
            started: kernel.clock().monotonic(),
            fresh: options.fresh,
            exit: Cell::new(None),
            finished: Cell::new(false),
        }
    }

    /// A shell process that waits for work in `slot`.
    fn spawn_shell(
        &self,
        name: Str,
        options: &RunOptions,
        slot: Rc<RunSlot>,
        state: Option<Shell>,
    ) -> Option<Pid> {
        let kernel = &self.0.kernel;
        let init = kernel.init();
        let environment = self.environment(options);
        init.fork(Group::New, |ctx| {
            let input = match options.stdin {
                StdinKind::Empty => nothing(&ctx),
                _ => Rc::new(Description::HostInput),
            };
            // Descriptors 0, 1 and 2 are always within the ceiling.
            let _ = ctx.set_descriptor(0, input);
            let _ = ctx.set_descriptor(1, Rc::new(Description::HostOutput(OutputStream::Stdout)));
            let _ = ctx.set_descriptor(2, Rc::new(Description::HostOutput(OutputStream::Stderr)));
            let place = if options.fresh { None } else { self.0.place.borrow_mut().take() };
            let (cwd, umask) = match place {
                Some(place) => place,
                None => (self.0.config.cwd.clone(), self.0.config.umask),
            };
            ctx.set_cwd(options.cwd.as_deref().unwrap_or(&cwd));
            ctx.set_umask(umask);
            ctx.set_environment(environment);
            ctx.set_arguments(vec![BString::from(name.to_vec())]);
            let pid = ctx.pid();
            let mut shell = match state {
                Some(mut shell) => {
                    shell.pid = pid;
                    shell.subshell = 0;
                    for (trap, text) in shell.traps.iter() {
                        if let Some(signal) = crate::traps::signal(trap) {
                            let ignored = text.is_empty();
                            ctx.set_disposition(
                                signal,
                                if ignored { Disposition::Ignore } else { Disposition::Deliver },
                            );
                        }
                    }
                    shell
                }
                None => self.new_shell(name, pid, options),
            };
            shell.args = Args::new(options.arguments.iter().map(|arg| Str::new(arg)).collect());
            shell.command_string = Some(Str::EMPTY);
            let mut vm = Vm::new(shell, ctx);
            vm.start_directory();
            vm.slot = Some(slot);
            vm.idle();
            Box::pin(VmProcess(Box::new(vm)))
        })
        .ok()
    }

    /// For prompts: is this text a whole command, unfinished, or wrong?
    pub fn check(&self, text: &[u8]) -> TextState {
        let mut parser = Parser::incremental(Default::default());
        parser.push(text);
        if !text.ends_with(b"\n") {
            // Whoever asks has ended the line.
            parser.push(b"\n");
        }
        loop {
            match parser.poll(&NoAliases) {
                Ok(ParserPoll::Command(_)) => {}
                Ok(ParserPoll::NeedInput { inside: true }) => return TextState::Incomplete,
                Ok(ParserPoll::NeedInput { inside: false } | ParserPoll::End) => return TextState::Complete,
                Err(error) if error.is_incomplete() => return TextState::Incomplete,
                Err(error) => return TextState::Wrong(error),
            }
        }
    }

    /// Completions for the word that ends at `cursor`, a byte offset.
    pub fn complete(&self, text: &[u8], cursor: u32) -> Completion {
        let text = text.get(..cursor as usize).unwrap_or(text);
        let kernel = &self.0.kernel;
        let mut vm = Vm::new(self.state_now(), kernel.init());
        if let Some((pid, _)) = self.0.main.borrow().as_ref()
            && let Some(ctx) = kernel.context(*pid)
        {
            vm.ctx = ctx;
        }
        vm.complete(text)
    }

    /// The state of the lasting shell, or that of a new one.
    fn state_now(&self) -> Shell {
        let main = self.0.main.borrow();
        let state =
            main.as_ref().and_then(|(_, slot)| slot.state()).or_else(|| self.0.saved.borrow().clone());
        match state {
            Some(state) => state,
            None => self.new_shell(Str::from("bash"), Pid::INIT, &RunOptions::default()),
        }
    }

    fn busy(&self) -> Result<(), Busy> {
        if self.0.running.get() {
            return Err(Busy { processes: self.0.kernel.processes().len() as u32 });
        }
        Ok(())
    }

    /// Variables, functions, options, directory, traps and aliases as bytes. Files are not among them.
    ///
    /// # Errors
    /// A run is under way.
    pub fn save(&self) -> Result<Vec<u8>, Busy> {
        self.busy()?;
        let umask = {
            let main = self.0.main.borrow();
            let ctx = main.as_ref().and_then(|(pid, _)| self.0.kernel.context(*pid));
            ctx.map_or(self.0.config.umask, |ctx| ctx.umask())
        };
        Ok(state::save(&self.state_now(), &self.cwd(), umask))
    }

    /// Puts such a state in the place of the present one. Background jobs end.
    ///
    /// # Errors
    /// A run is under way, or the bytes are no state: the present one stays then.
    pub fn load(&self, bytes: &[u8]) -> Result<(), LoadError> {
        self.busy()?;
        let mut shell = self.new_shell(Str::from("bash"), Pid::INIT, &RunOptions::default());
        let place = state::load(&self.0.shared, bytes, &mut shell)?;
        for process in self.0.kernel.processes() {
            // It may have ended with another.
            let _ = self.0.kernel.kill(None, Target::Process(process.pid), Some(Signal::Kill));
        }
        *self.0.main.borrow_mut() = None;
        *self.0.saved.borrow_mut() = Some(shell);
        *self.0.place.borrow_mut() = Some(place);
        Ok(())
    }

    /// The current directory of the shell.
    pub fn cwd(&self) -> String {
        let main = self.0.main.borrow();
        let ctx = main.as_ref().and_then(|(pid, _)| self.0.kernel.context(*pid));
        let loaded = || self.0.place.borrow().as_ref().map(|(cwd, _)| cwd.clone());
        ctx.map_or_else(|| loaded().unwrap_or_else(|| self.0.config.cwd.clone()), |ctx| ctx.cwd().to_string())
    }

    /// Another command that somebody outside answers.
    pub fn add_command(&self, name: &str) {
        {
            let mut foreign = self.0.shared.foreign.borrow_mut();
            if !foreign.iter().any(|other| other == name) {
                foreign.push(name.to_owned());
            }
        }
        self.0.loader.install(&**self.0.kernel.fs());
    }

    /// No longer.
    pub fn remove_command(&self, name: &str) {
        self.0.shared.foreign.borrow_mut().retain(|other| other != name);
        if wasmsh_commands::find(name.as_bytes()).is_none() {
            let fs = self.0.kernel.fs();
            let (uid, gid) = fs.get_user();
            fs.set_user(0, 0);
            // It may be gone already.
            let _ = fs.remove_file(&format!("/usr/bin/{name}"));
            fs.set_user(uid, gid);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Processes hold the kernel.
        self.kernel.shutdown();
    }
}

/// What changes in the lasting shell when a run begins.
struct StartOver {
    name: Str,
    options: RunOptions,
}

impl StartOver {
    fn apply(&self, vm: &mut Vm) {
        vm.shell.name = self.name.clone();
        vm.shell.args = Args::new(self.options.arguments.iter().map(|arg| Str::new(arg)).collect());
        if let Some(cwd) = &self.options.cwd {
            vm.run_directory(cwd);
        }
        let input = match self.options.stdin {
            StdinKind::Empty => nothing(&vm.ctx),
            _ => Rc::new(Description::HostInput),
        };
        let _ = vm.ctx.set_descriptor(0, input);
        for (name, value) in &self.options.environment {
            vm.run_variable(name, value);
        }
    }
}

/// Standard input without anything behind it: `/dev/null`, which tools such as `rg` tell from a file or a pipe.
fn nothing(ctx: &Ctx) -> Rc<Description> {
    match ctx.kernel().fs().open("/dev/null", OpenFlags::READ, 0) {
        Ok(file) => Rc::new(Description::File(file)),
        Err(_) => Rc::new(Description::File(MemoryFile::open(Vec::new()))),
    }
}

/// A run under way. Dropping it ends its processes.
pub struct Run {
    session: Session,
    pid: Pid,
    slot: Rc<RunSlot>,
    ctx: Option<Ctx>,
    limits: Limits,
    first_step: u64,
    started: u64,
    fresh: bool,
    exit: Cell<Option<RunExit>>,
    finished: Cell<bool>,
}

impl Run {
    fn kernel(&self) -> &Rc<Kernel> {
        &self.session.0.kernel
    }

    /// Steps executed so far.
    pub fn steps(&self) -> u64 {
        self.kernel().steps() - self.first_step
    }

    /// Whether a ceiling has refused something in this run.
    pub fn has_met(&self, ceiling: Ceiling) -> bool {
        self.kernel().has_met(ceiling)
    }

    /// Advances by at most `fuel` steps; returns at most `max_output` bytes of output.
    pub fn resume(&self, fuel: u64, max_output: u32) -> Progress {
        let kernel = self.kernel().clone();
        if self.finished.get() {
            let exit = self.exit.get().unwrap_or(RunExit::Code(0));
            return Progress { output: Vec::new(), requests: Vec::new(), state: RunState::Exited(exit) };
        }
        let mut state = KernelState::Running;
        if self.exit.get().is_none() {
            let mut fuel = fuel;
            if let Some(steps) = self.limits.steps {
                fuel = fuel.min(steps.saturating_sub(self.steps()).max(1));
            }
            let counter = kernel.clone();
            let slot = self.slot.clone();
            let mut turns = 0u32;
            let started = self.started;
            let wall = self.limits.wall_time_ms;
            state = kernel.run_until(fuel, move || {
                turns = turns.wrapping_add(1);
                slot.is_done()
                    || counter.output_len() >= max_output.max(1) as usize
                    || counter.output_exceeded()
                    || (turns.is_multiple_of(32)
                        && wall.is_some_and(|ms| {
                            counter.clock().monotonic().saturating_sub(started) / 1_000_000 >= ms
                        }))
            });
            self.check_end();
            if self.exit.get().is_none() {
                self.check_limits(state == KernelState::Running);
            }
            if self.exit.get().is_some() && self.fresh {
                // What was started beside it has its say, as long as it has something to do.
                let mut rounds = 0;
                while rounds < 64 && kernel.run(100_000) == KernelState::Running {
                    rounds += 1;
                    if kernel.output_len() >= max_output.max(1) as usize {
                        break;
                    }
                }
            }
        }
        let output = kernel.take_output(max_output as usize);
        let requests = kernel.take_requests();
        let state = match self.exit.get() {
            Some(exit) if kernel.output_len() == 0 => {
                self.finish();
                RunState::Exited(exit)
            }
            Some(_) => RunState::Running,
            None => match state {
                KernelState::Running | KernelState::Done => RunState::Running,
                KernelState::Idle { timer } => {
                    let mut timer = timer;
                    if let Some(ms) = self.limits.wall_time_ms {
                        let deadline = self.started.saturating_add(ms.saturating_mul(1_000_000));
                        let left = deadline.saturating_sub(kernel.clock().monotonic());
                        timer = Some(timer.map_or(left, |timer| timer.min(left)));
                    }
                    if output.is_empty() {
                        RunState::Waiting {
                            stdin: kernel.input_wanted(),
                            timer,
                            requests: kernel.unanswered_requests() as u32,
                        }
                    } else {
                        // Writers that waited may go on now.
                        RunState::Running
                    }
                }
            },
        };
        Progress { output, requests, state }
    }

    fn check_end(&self) {
        if let Some(exit) = self.slot.exit() {
            self.exit.set(Some(match exit {
                Exit::Code(code) => RunExit::Code(code),
                Exit::Signalled(signal) => RunExit::Signalled(signal),
            }));
        } else if let Some(State::Zombie(exit) | State::Gone(exit)) = self.ctx.as_ref().map(Ctx::state) {
            // It was killed, or became another program by `exec`.
            self.exit.set(Some(match exit {
                Exit::Code(code) => RunExit::Code(code),
                Exit::Signalled(signal) => RunExit::Signalled(self.slot.killed_by().unwrap_or(signal)),
            }));
            self.keep_state();
        }
    }

    /// The process of the lasting shell is no more: the next run goes on with its state in another one.
    fn keep_state(&self) {
        if !self.fresh {
            *self.session.0.saved.borrow_mut() = self.slot.state();
        }
    }

    /// Ends the run if it has met a limit: for whoever advances the kernel while a foreign command waits.
    pub fn enforce_limits(&self) {
        if self.exit.get().is_none() {
            self.check_limits(true);
        }
    }

    fn check_limits(&self, out_of_fuel: bool) {
        let kernel = self.kernel();
        let limit =
            if let Some(steps) = self.limits.steps.filter(|steps| self.steps() >= *steps && out_of_fuel) {
                Some((Limit::Steps(steps), format!("step limit of {steps} reached")))
            } else if let Some(bytes) = self.limits.output_bytes.filter(|_| kernel.output_exceeded()) {
                Some((Limit::OutputBytes(bytes), format!("output limit of {bytes} bytes reached")))
            } else {
                self.limits
                    .wall_time_ms
                    .filter(|ms| kernel.clock().monotonic().saturating_sub(self.started) / 1_000_000 >= *ms)
                    .map(|ms| (Limit::WallTimeMs(ms), format!("time limit of {ms} ms reached")))
            };
        if let Some((limit, message)) = limit {
            self.stop_all(Abort::Limit);
            kernel.limit_output(None);
            kernel.write_output(OutputStream::Stderr, format!("wasmsh: {message}\n").as_bytes());
            self.exit.set(Some(RunExit::Limited(limit)));
        }
    }

    /// Ends everything that this run has started.
    fn stop_all(&self, why: Abort) {
        let kernel = self.kernel().clone();
        for process in kernel.processes() {
            if process.pid != self.pid && process.started >= self.started {
                let _ = kernel.kill(None, Target::Process(process.pid), Some(Signal::Kill));
            }
        }
        if self.fresh || self.slot.is_replaced() {
            let _ = kernel.kill(None, Target::Process(self.pid), Some(Signal::Kill));
            self.keep_state();
        } else if !self.slot.withdraw() {
            self.slot.abort(why);
            if let Some(ctx) = kernel.context(self.pid) {
                ctx.wake();
            }
            // The machine puts itself in order and waits for its next work; it needs a turn for that.
            let slot = self.slot.clone();
            let _ = kernel.run_until(10_000, move || slot.is_done());
        }
    }

    fn finish(&self) {
        if self.finished.replace(true) {
            return;
        }
        if self.fresh {
            self.stop_all(Abort::Dropped);
        }
        self.session.0.running.set(false);
    }

    /// Gives standard input; how many bytes were taken.
    pub fn write_stdin(&self, bytes: &[u8]) -> u32 {
        self.kernel().feed_input(bytes) as u32
    }

    /// Standard input is over.
    pub fn close_stdin(&self) {
        self.kernel().close_input();
    }

    /// Answers a request.
    pub fn answer(&self, id: RequestId, answer: Answer) -> Reception {
        self.kernel().answer(id, answer)
    }

    /// Sends a signal to the foreground processes, as a terminal's keys would.
    pub fn signal(&self, signal: Signal) {
        let kernel = self.kernel().clone();
        let Some(ctx) = kernel.context(self.pid) else { return };
        let group = ctx.group();
        for process in kernel.processes() {
            if process.group == group && process.pid != self.pid {
                let _ = kernel.kill(None, Target::Process(process.pid), Some(signal));
            }
        }
        if ctx.disposition(signal) == wasmsh_os::Disposition::Default
            && signal.default_action() == wasmsh_os::DefaultAction::Terminate
            && !self.fresh
            && !self.slot.is_replaced()
        {
            // The lasting shell gives up what it does, and stays.
            self.slot.abort(Abort::Signal(signal));
            ctx.wake();
        } else {
            self.slot.killed(signal);
            let _ = kernel.kill(None, Target::Process(self.pid), Some(signal));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.finished.get() {
            self.stop_all(Abort::Dropped);
            self.finished.set(true);
            self.session.0.running.set(false);
        }
    }
}
