//! Children of a shell: subshells, substitutions, coprocesses.

use std::rc::Rc;
use std::task::Poll;

use wasmsh_os::{Ceiling, Child, ChildState, Ctx, Description, Disposition, Group, Pid, Signal};

use crate::jobs::Process;
use crate::options::{Opt, Shopt};
use crate::symbol::known;
use crate::text::Str;
use crate::traps::{self, Traps};
use crate::vars::{Attrs, Indexed, Value};
use crate::vm::code::Quoting;
use crate::vm::run::Next;
use crate::vm::{Ctl, Current, Pending, Unwind, Vm, VmProcess};

/// What a child is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Subshell,
    Substitution,
    /// A stage of a pipeline. `jobs` itself, as one, shows the jobs of the shell.
    Stage {
        jobs: bool,
    },
    Background,
    /// A stage of a pipeline in the background, in the group of the first one.
    BackgroundStage(Option<Pid>),
}

impl Vm {
    /// A child that goes on at the present instruction, with what `prepare` does to it.
    pub(super) fn fork(&mut self, purpose: Purpose, prepare: impl FnOnce(&Ctx)) -> Result<Pid, Unwind> {
        self.fork_with(purpose, prepare, |_| {})
    }

    /// The same, with what `set_up` does to the child's machine.
    fn fork_with(
        &mut self,
        purpose: Purpose,
        prepare: impl FnOnce(&Ctx),
        set_up: impl FnOnce(&mut Vm),
    ) -> Result<Pid, Unwind> {
        self.flush_now();
        if self.ctx.processes_left() == 0 {
            // Those that have ended make room.
            self.reap();
        }
        let mut shell = self.shell.clone();
        shell.subshell += 1;
        if purpose == Purpose::Substitution {
            shell.subshell_trace += 1;
            if !self.shopt(Shopt::InheritErrExit) && !self.opt(Opt::Posix) {
                shell.options.set_opt(Opt::ErrExit, false);
            }
        }
        // Traps that are not ignored belong to the parent; `trap` still shows them.
        let keep_err = self.opt(Opt::ErrTrace);
        let keep_debug = self.opt(Opt::FuncTrace);
        let mut reset = Vec::new();
        if shell.traps.iter().next().is_some() {
            let mut inherited = Traps::new(false, keep_err);
            inherited.show_as(&shell.traps);
            for (trap, text) in shell.traps.iter() {
                let keep = match trap {
                    _ if text.is_empty() => true,
                    traps::ERR => keep_err || matches!(purpose, Purpose::Subshell | Purpose::Stage { .. }),
                    traps::DEBUG | traps::RETURN => keep_debug,
                    _ => true,
                };
                if keep {
                    inherited.set(trap, Some(text.clone()));
                }
                if let Some(signal) = traps::signal(trap)
                    && !text.is_empty()
                {
                    reset.push(signal);
                }
            }
            shell.traps_debug = keep_debug && inherited.get(traps::DEBUG).is_some();
            shell.traps = Rc::new(inherited);
        }
        // What the parent has waited for is not the child's; its jobs may be looked at.
        shell.jobs = match purpose {
            Purpose::Substitution | Purpose::Stage { jobs: true } if !shell.jobs.jobs.is_empty() => {
                Rc::new(shell.jobs.to_be_looked_at())
            }
            _ => Rc::default(),
        };
        shell.interactive = false;
        let monitor = self.opt(Opt::Monitor);
        let code = self.code.clone();
        let (pc, line, command, no_errexit) = (self.pc, self.line, self.command, self.no_errexit);
        let memory = self.memory.fork();
        let calls = self.calls.clone();
        let floor = calls.len();
        let group = match purpose {
            Purpose::Background | Purpose::BackgroundStage(None) if monitor => Group::New,
            Purpose::BackgroundStage(Some(leader)) if monitor => Group::Join(leader),
            _ => Group::Inherit,
        };
        let forked = self.ctx.fork(group, |ctx| {
            for signal in reset {
                ctx.set_disposition(signal, Disposition::Default);
            }
            prepare(&ctx);
            let mut vm = Vm::new(shell, ctx);
            vm.code = code;
            vm.pc = pc;
            vm.line = line;
            vm.command = command;
            vm.no_errexit = no_errexit;
            vm.calls = calls;
            vm.floor = floor;
            vm.memory = memory;
            set_up(&mut vm);
            Box::pin(VmProcess(Box::new(vm)))
        });
        forked.map_err(|_| {
            self.fork_error();
            Unwind::Discard(254)
        })
    }

    /// Before the redirections of a command whose words may change variables or fail: those of a program are made by
    /// a child, where they leave nothing behind.
    pub(super) fn redirect_fork(&mut self, always: bool, end: u32) -> Result<Next, Unwind> {
        if !always && !self.opt(Opt::NoUnset) {
            return Ok(Next::Go);
        }
        let mark = self.marks.last().copied().unwrap_or(0).min(self.args.len());
        let Some(name) = self.args.get(mark) else { return Ok(Next::Go) };
        let symbol = self.symbol(name);
        let builtin = self.shell.shared.builtin(symbol).is_some() && !self.shell.disabled.contains(&symbol);
        if builtin || self.shell.functions.contains_key(&symbol) {
            return Ok(Next::Go);
        }
        let argv: Vec<Str> = self.args.drain(mark..).collect();
        self.marks.pop();
        let last = argv.last().cloned();
        let pid = self.fork_with(
            Purpose::Subshell,
            |_| {},
            |vm| {
                vm.args = argv;
                vm.marks.push(0);
                vm.no_errexit = true;
                vm.redirects_alone = true;
            },
        );
        let pid = pid?;
        if let Some(last) = last {
            self.bind_last_arg(last);
        }
        self.pop_ctl();
        self.pc = end as usize;
        // The check for `set -e` follows in the code.
        self.current = Current { in_condition: true, ..Current::default() };
        self.pending = Some(Pending::Child(pid));
        Ok(Next::Wait)
    }

    /// There may be no more processes.
    pub(crate) fn fork_error(&mut self) {
        let ceiling = self.ctx.kernel().ceilings().processes;
        let own = self.ctx.limit(wasmsh_os::Resource::Processes).soft.unwrap_or(u64::MAX);
        let limit = own.min(u64::from(ceiling));
        if limit == u64::from(ceiling) {
            self.ctx.kernel().meet(Ceiling::Processes);
        }
        self.error(format!("fork: Resource temporarily unavailable (limit of {limit} processes)").as_bytes());
    }

    /// `( … )`
    pub(super) fn subshell(&mut self, end: u32) -> Result<Next, Unwind> {
        let pid = self.fork(Purpose::Subshell, |_| {})?;
        self.pc = end as usize;
        // The check for `set -e` follows in the code.
        self.current = Current { in_condition: true, ..Current::default() };
        self.pending = Some(Pending::Child(pid));
        Ok(Next::Wait)
    }

    /// `$(…)`
    pub(super) fn substitute(&mut self, quoting: Quoting, end: u32) -> Result<Next, Unwind> {
        let (reader, writer) = self.ctx.new_pipe();
        let pid = self.fork(Purpose::Substitution, |ctx| {
            // A descriptor that is too large cannot be: it is 1.
            let _ = ctx.set_descriptor(1, writer);
        })?;
        self.pc = end as usize;
        self.pending = Some(Pending::Substitute { from: Some(reader), pid, output: Vec::new(), quoting });
        Ok(Next::Wait)
    }

    pub(super) fn poll_substitute(
        &mut self,
        from: Option<Rc<Description>>,
        pid: Pid,
        mut output: Vec<u8>,
        quoting: Quoting,
    ) -> Result<Option<Pending>, Unwind> {
        if let Some(reader) = from {
            loop {
                match self.ctx.poll_read_from(&reader, &mut output, 64 * 1024) {
                    Poll::Pending => {
                        return Ok(Some(Pending::Substitute { from: Some(reader), pid, output, quoting }));
                    }
                    Poll::Ready(Ok(0) | Err(_)) => break,
                    Poll::Ready(Ok(_)) => {
                        if output.len() as u64 > self.ctx.kernel().ceilings().expansion_bytes {
                            let _ = self.ctx.kill(wasmsh_os::Target::Process(pid), Some(Signal::Kill));
                            return Err(self.too_large());
                        }
                    }
                }
            }
        }
        match self.ctx.poll_wait(Child::Process(pid), false) {
            Poll::Pending => Ok(Some(Pending::Substitute { from: None, pid, output, quoting })),
            Poll::Ready(result) => {
                let status = match result {
                    Ok((_, ChildState::Ended(exit))) => exit.status(),
                    _ => 127,
                };
                self.shell.status = status;
                self.substituted = Some(status);
                self.push_output(output, quoting);
                Ok(None)
            }
        }
    }

    /// The output of a substitution: without NULs and the newlines at its end.
    fn push_output(&mut self, mut output: Vec<u8>, quoting: Quoting) {
        if memchr::memchr(0, &output).is_some() {
            output.retain(|b| *b != 0);
            self.error(b"warning: command substitution: ignored null byte in input");
        }
        while output.last() == Some(&b'\n') {
            output.pop();
        }
        self.word().push(&output, quoting);
    }

    /// `$(< file)`
    pub(super) fn substitute_file(&mut self, quoting: Quoting) -> Result<Next, Unwind> {
        let path = self.args.pop().unwrap_or_default();
        self.ambiguous = false;
        let ctx = self.ctx.clone();
        let name = path.clone();
        let future = Box::pin(async move {
            let result = ctx.read_file(&name).await;
            let after: super::After = Box::new(move |vm: &mut Vm| {
                match result {
                    Ok(bytes) => {
                        vm.substituted = Some(0);
                        vm.shell.status = 0;
                        vm.push_output(bytes, quoting);
                    }
                    Err(error) => {
                        let mut message = name.to_vec();
                        message.extend_from_slice(b": ");
                        message.extend_from_slice(error.strerror().as_bytes());
                        vm.error(&message);
                        vm.flush_now();
                        vm.substituted = Some(1);
                        vm.shell.status = 1;
                    }
                }
                super::Outcome::Continue
            });
            after
        });
        self.pending = Some(Pending::Future { future, interruptible: false });
        Ok(Next::Wait)
    }

    /// The file on the argument stack goes to standard output.
    pub(super) fn copy_file(&mut self) -> Result<Next, Unwind> {
        let path = self.args.pop().unwrap_or_default();
        self.ambiguous = false;
        let ctx = self.ctx.clone();
        let future = Box::pin(async move {
            let result = ctx.read_file(&path).await;
            let after: super::After = Box::new(move |vm: &mut Vm| match result {
                Ok(bytes) => {
                    vm.put(1, &bytes);
                    super::Outcome::Status(0)
                }
                Err(error) => {
                    vm.error(&[&*path, b": ", error.strerror().as_bytes()].concat());
                    super::Outcome::Status(1)
                }
            });
            after
        });
        self.pending = Some(Pending::Future { future, interruptible: false });
        Ok(Next::Wait)
    }

    /// `<(…)` and `>(…)`
    pub(super) fn process_substitute(&mut self, write: bool, end: u32) -> Result<(), Unwind> {
        let (reader, writer) = self.ctx.new_pipe();
        let (ours, theirs, number) = if write { (writer, reader, 0) } else { (reader, writer, 1) };
        let pid = self.fork(Purpose::Background, |ctx| {
            let _ = ctx.set_descriptor(number, theirs);
        })?;
        self.shell.last_background = Some(pid);
        self.pc = end as usize;
        // As bash: from 63 downwards.
        let table = self.ctx.descriptors();
        let descriptor = (10..=63).rev().find(|number| table.get(*number).is_none());
        let opened = match descriptor {
            Some(number) => self.ctx.set_descriptor(number, ours).map(|()| number),
            None => self.ctx.add_descriptor(ours, 64),
        };
        match opened {
            Ok(number) => {
                self.processes.push(number);
                let name = format!("/dev/fd/{number}");
                self.word().push(name.as_bytes(), Quoting::Quoted);
                Ok(())
            }
            Err(error) => {
                self.error(
                    format!("cannot make pipe for process substitution: {}", error.strerror()).as_bytes(),
                );
                Err(Unwind::Discard(1))
            }
        }
    }

    /// Closes what process substitutions have opened since the last mark.
    pub(crate) fn close_processes(&mut self) {
        let mark = self.process_marks.pop().unwrap_or(0);
        while self.processes.len() > mark {
            if let Some(number) = self.processes.pop() {
                let _ = self.ctx.close(number);
            }
        }
    }

    /// `coproc`
    pub(super) fn coproc(&mut self, name: u32, end: u32) -> Result<(), Unwind> {
        let (our_reader, their_writer) = self.ctx.new_pipe();
        let (their_reader, our_writer) = self.ctx.new_pipe();
        let pid = self.fork(Purpose::Background, |ctx| {
            let _ = ctx.set_descriptor(0, their_reader);
            let _ = ctx.set_descriptor(1, their_writer);
        })?;
        self.pc = end as usize;
        let name = self.code.text(name).clone();
        let pair = [our_reader, our_writer].map(|end| {
            let number = self.ctx.add_descriptor(end, 60);
            if let Ok(number) = number {
                let _ = self.ctx.set_close_on_exec(number, true);
            }
            Str::from_int(number.map_or(-1, i64::from))
        });
        let symbol = self.symbol(&name);
        let mut name_pid = name.to_vec();
        name_pid.extend_from_slice(b"_PID");
        let symbol_pid = self.symbol(&name_pid);
        self.shell.vars.get_mut(symbol).value = Value::Indexed(Rc::new(Indexed::from_values(pair.to_vec())));
        self.shell.vars.get_mut(symbol).exists = true;
        self.assign(symbol_pid, Value::Int(i64::from(pid.get())))?;
        self.shell.last_background = Some(pid);
        self.add_job(vec![Process::new(pid, name)]);
        self.set_status(0);
        Ok(())
    }

    /// The end of what a child executes.
    pub(super) fn subshell_end(&mut self) -> Result<Next, Unwind> {
        if let Some(Ctl::LastPipe { end, .. }) = self.ctl.last() {
            self.pc = *end as usize;
            let status = self.shell.status;
            self.pop_ctl();
            if let Some(pipeline) = self.pipes.last_mut()
                && let Some(last) = pipeline.statuses.last_mut()
            {
                *last = Some(status);
            }
            return Ok(Next::Go);
        }
        Err(Unwind::Exit(self.shell.status))
    }

    // `time`

    pub(super) fn time_end(&mut self, posix: bool) {
        let Some((start, _)) = self.times.pop() else { return };
        let elapsed = self.ctx.monotonic().saturating_sub(start);
        let format = if posix {
            "real %2R\nuser %2U\nsys %2S".to_owned()
        } else {
            match self.shell.vars.get(known::TIMEFORMAT).value.scalar() {
                Some(format) => format.to_text().into_owned(),
                None => "\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS".to_owned(),
            }
        };
        if format.is_empty() {
            return;
        }
        let mut text = time_format(&format, elapsed);
        text.push('\n');
        self.put(2, text.as_bytes());
        self.flush_now();
    }

    /// Whether a variable is exported.
    pub(crate) fn is_exported(&self, symbol: crate::symbol::Sym) -> bool {
        self.shell.vars.get(symbol).attrs.contains(Attrs::EXPORT)
    }
}

/// `TIMEFORMAT`. All time counts as the user's: the session has no clock of its own for the system.
fn time_format(format: &str, elapsed: u64) -> String {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut precision = 3;
        if let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
            precision = digit.min(6) as usize;
            chars.next();
        }
        let long = chars.next_if_eq(&'l').is_some();
        let nanoseconds = match chars.next() {
            Some('R' | 'U') => elapsed,
            Some('S') => 0,
            Some('P') => {
                out.push_str("100.00");
                continue;
            }
            Some('%') => {
                out.push('%');
                continue;
            }
            _ => continue,
        };
        let seconds = nanoseconds as f64 / 1e9;
        if long {
            let minutes = (seconds / 60.0).floor();
            out.push_str(&format!("{}m{:.*}s", minutes, precision, seconds - minutes * 60.0));
        } else {
            out.push_str(&format!("{seconds:.precision$}"));
        }
    }
    out
}
