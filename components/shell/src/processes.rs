//! `wasmsh:session/processes`: the processes of foreign commands.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bstr::BString;
use wasmsh_os::{
    Answer, Child, ChildState, Ctx, Description, DescriptorTable, Disposition as OsDisposition, Environment,
    Errno, Group, Interest, Kernel, Pid, Readiness as OsReadiness, RequestId, Spawn as OsSpawn, State,
    Target as OsTarget,
};

use crate::Component;
use crate::bindings::exports::wasmsh::session::processes::{
    Bytes, Disposition, ErrorCode, Exit, Guest, GuestProcess, HttpRequest, PollEntry, Position, Readiness,
    Signal, Spawn, Stat, Target, TerminalSize,
};
use crate::bindings::wasmsh::fs::files::File;
use crate::convert::{
    errno_in, exit_in, exit_out, http_request_out, position_out, signal_in, signal_out, stat_in, terminal_in,
};
use crate::files::{ImportedFile, duplicate_handle};
use crate::pump::{Pump, ended};

impl Guest for Component {
    type Process = Process;
}

/// The most bytes that one read returns, so that a wrong `max` costs no memory.
const READ_MAX: usize = 1 << 20;

/// A process that a request has named.
pub(crate) struct Offer {
    ctx: Ctx,
    pump: Rc<Pump>,
    request: RequestId,
    /// Only one of its kind can be at work at a time.
    exclusive: bool,
}

thread_local! {
    /// The processes that requests have named and nobody has opened yet, the latest last.
    static OFFERED: RefCell<Vec<Offer>> = const { RefCell::new(Vec::new()) };
}

/// Makes the process `pid` known to `process.open`.
pub(crate) fn offer(kernel: &Rc<Kernel>, pid: Pid, request: RequestId, exclusive: bool, pump: &Rc<Pump>) {
    if let Some(ctx) = kernel.context(pid) {
        OFFERED.with_borrow_mut(|offered| {
            offered.retain(|other| !ended(&other.ctx));
            offered.push(Offer { ctx, pump: pump.clone(), request, exclusive });
        });
    }
}

/// Whether `ctx` was started by the process `ancestor`, or by what that has started.
fn descends(ctx: &Ctx, ancestor: Pid) -> bool {
    let mut current = ctx.clone();
    loop {
        let parent = current.parent();
        if parent == ancestor {
            return true;
        }
        // The first process is its own parent.
        match ctx.kernel().context(parent) {
            Some(next) if next.pid() != current.pid() => current = next,
            _ => return false,
        }
    }
}

/// An exclusive command that nobody has opened yet: the latest that descends from `of`, otherwise, where any will do,
/// the oldest.
pub(crate) fn next_exclusive(of: &Ctx, any: bool) -> Option<Pid> {
    OFFERED.with_borrow(|offered| {
        let mut mine = offered.iter().filter(|offer| {
            offer.exclusive && Rc::ptr_eq(offer.ctx.kernel(), of.kernel()) && !ended(&offer.ctx)
        });
        let child = mine.clone().rfind(|offer| descends(&offer.ctx, of.pid()));
        child.or_else(|| if any { mine.next() } else { None }).map(|offer| offer.ctx.pid())
    })
}

/// A process that somebody outside runs.
pub(crate) struct Process {
    ctx: Ctx,
    pump: Rc<Pump>,
    request: RequestId,
    exclusive: bool,
    /// It runs within another one, so that nobody else can say how it ends.
    nested: bool,
    /// Its last wait could not end before another exclusive command has run.
    stuck: Cell<bool>,
}

impl Process {
    /// An error when the process has been ended from outside.
    fn alive(&self) -> Result<(), Errno> {
        if ended(&self.ctx) { Err(Errno::Interrupted) } else { Ok(()) }
    }

    fn description(&self, descriptor: u32) -> Result<Rc<Description>, Errno> {
        self.alive()?;
        self.ctx.description(descriptor)
    }

    /// Waits until `descriptor` can be read, or written.
    fn wait_ready(&self, descriptor: u32, write: bool) -> Result<(), Errno> {
        let interest = Interest { descriptor, read: !write, write };
        self.until(None, &[interest], || !self.ctx.readiness(interest).is_empty())
    }

    /// Runs the session until `ready` holds: see [`Pump::until`].
    fn until(
        &self,
        timeout: Option<u64>,
        interests: &[Interest],
        ready: impl FnMut() -> bool,
    ) -> Result<(), Errno> {
        let result = self.pump.until(&self.ctx, self.exclusive, timeout, interests, ready);
        self.stuck.set(result == Err(Errno::Again));
        result
    }

    fn read(&self, descriptor: u32, max: u32, blocking: bool) -> Result<Vec<u8>, Errno> {
        let description = self.description(descriptor)?;
        let max = (max as usize).min(READ_MAX);
        let mut bytes = Vec::new();
        loop {
            match self.ctx.try_read_from(&description, &mut bytes, max) {
                Ok(_) => return Ok(bytes),
                Err(Errno::Again) if blocking => self.wait_ready(descriptor, false)?,
                Err(error) => {
                    if error == Errno::Again {
                        self.register(&[Interest { descriptor, read: true, write: false }]);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Lets the host know, after a call that did not wait, what this process waits for: above all its own input.
    fn register(&self, entries: &[Interest]) {
        let _ = self.ctx.poll_ready(entries);
    }

    fn write(&self, descriptor: u32, bytes: &[u8], blocking: bool) -> Result<u32, Errno> {
        let description = self.description(descriptor)?;
        let mut done = 0;
        loop {
            let rest = bytes.get(done..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(done as u32);
            }
            match self.ctx.try_write_to(&description, rest) {
                Ok(count) => done += count,
                Err(Errno::Again) if blocking => match self.wait_ready(descriptor, true) {
                    // As write(2): what was written counts, the signal is seen afterwards.
                    Err(Errno::Interrupted) if done > 0 && !ended(&self.ctx) => return Ok(done as u32),
                    // Nothing can go on before this returns: the reader is a foreign command that
                    // the host cannot begin while another is on its stack. It finds all in the pipe.
                    Err(Errno::Again) => self.spool(&description)?,
                    result => result?,
                },
                Err(Errno::Again) if done > 0 => return Ok(done as u32),
                Err(error) => return Err(error),
            }
        }
    }

    /// Has a full pipe take what comes, up to the session's ceiling.
    fn spool(&self, description: &Description) -> Result<(), Errno> {
        let (Description::PipeWriter(end) | Description::Fifo(_, end)) = description else {
            return Err(Errno::Again);
        };
        let ceiling = self.ctx.kernel().ceilings().expansion_bytes;
        end.pipe().set_spool(usize::try_from(ceiling).unwrap_or(usize::MAX));
        Ok(())
    }

    /// Has every full pipe among what is to be written to take what comes. Whether there was one.
    fn spool_all(&self, entries: &[Interest]) -> Result<bool, Errno> {
        let mut any = false;
        for entry in entries.iter().filter(|entry| entry.write) {
            let description = self.description(entry.descriptor)?;
            if matches!(&*description, Description::PipeWriter(_) | Description::Fifo(..)) {
                self.spool(&description)?;
                any |= self.ctx.readiness(*entry).contains(OsReadiness::WRITE);
            }
        }
        Ok(any)
    }

    fn poll(&self, entries: &[PollEntry], timeout: Option<u64>) -> Result<Vec<Readiness>, Errno> {
        self.alive()?;
        let entries: Vec<Interest> = entries
            .iter()
            .map(|entry| Interest { descriptor: entry.descriptor, read: entry.read, write: entry.write })
            .collect();
        let look =
            || -> Vec<OsReadiness> { entries.iter().map(|entry| self.ctx.readiness(*entry)).collect() };
        let mut ready = look();
        if !ready.iter().any(|one| !one.is_empty()) {
            let result = self.until(timeout, &entries, || {
                ready = look();
                ready.iter().any(|one| !one.is_empty())
            });
            match result {
                Ok(()) => {}
                Err(Errno::TimedOut) => self.register(&entries),
                // As in `write`: room is made for whoever cannot read before this returns.
                Err(Errno::Again) if self.spool_all(&entries)? => ready = look(),
                Err(error) => return Err(error),
            }
        }
        Ok(ready.into_iter().map(|one| Readiness::from_bits_truncate(one.bits())).collect())
    }

    fn spawn(&self, what: Spawn) -> Result<u32, Errno> {
        self.alive()?;
        let mut descriptors = Vec::with_capacity(what.descriptors.len());
        for (child, own) in what.descriptors {
            descriptors.push((child, Some(self.ctx.description(own)?)));
        }
        let pid = self.ctx.spawn(OsSpawn {
            program: what.program.into(),
            arguments: what.arguments.into_iter().map(BString::from).collect(),
            environment: what.environment.map(|variables| {
                Environment::new(
                    variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
                )
            }),
            cwd: what.cwd.map(Rc::from),
            inherit: false,
            descriptors,
            group: if what.new_group { Group::New } else { Group::Inherit },
            ..OsSpawn::default()
        })?;
        if let (Some(umask), Some(child)) = (what.umask, self.ctx.kernel().context(pid)) {
            child.set_umask(umask);
        }
        Ok(pid.get())
    }

    fn wait(&self, child: Option<u32>, timeout: Option<u64>) -> Result<Option<(u32, Exit)>, Errno> {
        self.alive()?;
        let which = match child {
            None => Child::Any,
            Some(pid) => Child::Process(Pid::new(pid).ok_or(Errno::NoChild)?),
        };
        let mut outcome: Result<(Pid, ChildState), Errno> = Err(Errno::Again);
        let result = self.until(timeout, &[], || {
            if outcome == Err(Errno::Again) {
                outcome = self.ctx.try_wait(which, false);
            }
            outcome != Err(Errno::Again)
        });
        match (outcome, result) {
            (Ok((pid, ChildState::Ended(exit))), _) => Ok(Some((pid.get(), exit_in(exit)))),
            // Not told of without asking for stops.
            (Ok((_, ChildState::Stopped(_) | ChildState::Continued)), _) => Ok(None),
            (Err(Errno::Again), Err(Errno::TimedOut) | Ok(())) => Ok(None),
            (Err(Errno::Again), Err(error)) | (Err(error), _) => Err(error),
        }
    }
}

// The two sides number the flags alike.
const _: () = {
    assert!(Readiness::READ.bits() == OsReadiness::READ.bits());
    assert!(Readiness::WRITE.bits() == OsReadiness::WRITE.bits());
    assert!(Readiness::HANG_UP.bits() == OsReadiness::HANG_UP.bits());
    assert!(Readiness::INVALID.bits() == OsReadiness::INVALID.bits());
};

impl GuestProcess for Process {
    fn open(pid: u32) -> Option<crate::bindings::exports::wasmsh::session::processes::Process> {
        let Offer { ctx, pump, request, exclusive } = OFFERED.with_borrow_mut(|offered| {
            let index =
                offered.iter().rposition(|offer| offer.ctx.pid().get() == pid && !ended(&offer.ctx))?;
            Some(offered.remove(index))
        })?;
        let nested = exclusive && pump.exclusive_begins(request);
        let process = Self { ctx, pump, request, exclusive, nested, stuck: Cell::new(false) };
        Some(crate::bindings::exports::wasmsh::session::processes::Process::new(process))
    }

    fn pid(&self) -> u32 {
        self.ctx.pid().get()
    }

    fn parent(&self) -> u32 {
        self.ctx.parent().get()
    }

    fn arguments(&self) -> Vec<Bytes> {
        self.ctx.arguments().iter().map(|argument| argument.to_vec()).collect()
    }

    fn environment(&self) -> Vec<(Bytes, Bytes)> {
        self.ctx.environment().iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    }

    fn cwd(&self) -> String {
        self.ctx.cwd().as_ref().to_owned()
    }

    fn umask(&self) -> u32 {
        self.ctx.umask()
    }

    fn next_command(&self) -> Option<u32> {
        if !self.exclusive || !self.stuck.take() {
            return None;
        }
        next_exclusive(&self.ctx, true).map(Pid::get)
    }

    fn finish(&self, how: Exit) {
        // An unwanted answer is that of a process that was killed in the meantime.
        let _ = self.ctx.kernel().answer(self.request, Answer::Exited(exit_out(how)));
    }

    fn descriptors(&self) -> Vec<u32> {
        self.ctx.descriptors().numbers().collect()
    }

    fn read(&self, descriptor: u32, max: u32, blocking: bool) -> Result<Vec<u8>, ErrorCode> {
        Self::read(self, descriptor, max, blocking).map_err(errno_in)
    }

    fn write(&self, descriptor: u32, bytes: Vec<u8>, blocking: bool) -> Result<u32, ErrorCode> {
        Self::write(self, descriptor, &bytes, blocking).map_err(errno_in)
    }

    fn seek(&self, descriptor: u32, to: Position) -> Result<u64, ErrorCode> {
        self.ctx.seek(descriptor, position_out(to)).map_err(errno_in)
    }

    fn stat(&self, descriptor: u32) -> Result<Stat, ErrorCode> {
        self.ctx.stat_descriptor(descriptor).map(|stat| stat_in(&stat)).map_err(errno_in)
    }

    fn set_size(&self, descriptor: u32, size: u64) -> Result<(), ErrorCode> {
        let set = || match &*self.description(descriptor)? {
            Description::File(file) => file.set_size(size),
            _ => Err(Errno::Invalid),
        };
        set().map_err(errno_in)
    }

    fn terminal(&self, descriptor: u32) -> Option<TerminalSize> {
        if !self.ctx.is_terminal(descriptor) {
            return None;
        }
        let unknown = TerminalSize { columns: 0, rows: 0 };
        Some(self.ctx.kernel().terminal().map_or(unknown, terminal_in))
    }

    fn file(&self, descriptor: u32) -> Option<File> {
        match &*self.description(descriptor).ok()? {
            Description::File(file) => duplicate_handle(file),
            _ => None,
        }
    }

    fn close(&self, descriptor: u32) -> Result<(), ErrorCode> {
        self.ctx.close(descriptor).map_err(errno_in)
    }

    fn duplicate(&self, descriptor: u32, to: Option<u32>) -> Result<u32, ErrorCode> {
        self.ctx.duplicate(descriptor, to).map_err(errno_in)
    }

    fn pipe(&self) -> Result<(u32, u32), ErrorCode> {
        self.alive().and_then(|()| self.ctx.pipe()).map_err(errno_in)
    }

    fn adopt(&self, file: File) -> Result<u32, ErrorCode> {
        let description = Description::File(Rc::new(ImportedFile(file)));
        self.alive().and_then(|()| self.ctx.add_descriptor(Rc::new(description), 0)).map_err(errno_in)
    }

    fn poll(&self, entries: Vec<PollEntry>, timeout: Option<u64>) -> Result<Vec<Readiness>, ErrorCode> {
        Self::poll(self, &entries, timeout).map_err(errno_in)
    }

    fn take_signal(&self) -> Option<Signal> {
        self.pump.look();
        if ended(&self.ctx) {
            return Some(Signal::Kill);
        }
        self.ctx.take_signal().map(signal_in)
    }

    fn set_disposition(&self, what: Signal, disposition: Disposition) {
        let disposition = match disposition {
            Disposition::Default => OsDisposition::Default,
            Disposition::Ignore => OsDisposition::Ignore,
            Disposition::Deliver => OsDisposition::Deliver,
        };
        self.ctx.set_disposition(signal_out(what), disposition);
    }

    fn get_disposition(&self, what: Signal) -> Disposition {
        match self.ctx.disposition(signal_out(what)) {
            OsDisposition::Default => Disposition::Default,
            OsDisposition::Ignore => Disposition::Ignore,
            OsDisposition::Deliver => Disposition::Deliver,
        }
    }

    fn send_signal(&self, to: Target, what: Signal) -> Result<(), ErrorCode> {
        let pid = |number| Pid::new(number).ok_or(ErrorCode::NoProcess);
        let target = match to {
            Target::Process(number) => OsTarget::Process(pid(number)?),
            Target::Group(number) => OsTarget::Group(pid(number)?),
        };
        self.ctx.kill(target, Some(signal_out(what))).map_err(errno_in)
    }

    fn spawn(&self, what: Spawn) -> Result<u32, ErrorCode> {
        Self::spawn(self, what).map_err(errno_in)
    }

    fn wait(&self, child: Option<u32>, timeout: Option<u64>) -> Result<Option<(u32, Exit)>, ErrorCode> {
        Self::wait(self, child, timeout).map_err(errno_in)
    }

    fn fetch(&self, what: HttpRequest, to: u32) -> Result<(), ErrorCode> {
        let relay = || {
            let to = self.description(to)?;
            // No child of this process: it is nobody that `wait` could tell of.
            let init = self.ctx.kernel().init();
            init.fork(Group::New, |ctx| {
                ctx.set_descriptors(Rc::new(DescriptorTable::new([(1, to)])));
                Box::pin(wasmsh_shell::relay(ctx, http_request_out(what)))
            })
        };
        relay().map(drop).map_err(errno_in)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exclusive {
            self.pump.exclusive_ends();
        }
        if self.nested {
            // One that has finished is answered already. This one was lost together with what it ran within.
            self.finish(Exit::Signalled(Signal::Segv));
        }
        // What the answer to the request will do too; but pipes should close now.
        if matches!(self.ctx.kernel().state(self.ctx.pid()), Some(State::Alive | State::Stopped(_))) {
            for descriptor in self.ctx.descriptors().numbers().collect::<Vec<_>>() {
                let _ = self.ctx.close(descriptor);
            }
        }
    }
}
