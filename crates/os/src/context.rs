//! What the code of a process sees of the system: identity, descriptors, children, signals, time.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bstr::{BStr, BString};
use wasmsh_vfs::{Errno, Position, Timestamp};

use crate::descriptor::{Description, DescriptorTable};
use crate::host::OutputStream;
use crate::kernel::{Group, Kernel, Spawn, Target, TimerId};
use crate::process::{Environment, Pid, Process, ProcessFuture, State};
use crate::request::{Request, Requested};
use crate::signal::{Disposition, Signal, SignalSet};

/// A process, as its own code has it. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    kernel: Rc<Kernel>,
    process: Rc<Process>,
}

/// Bytes that a step of the scheduler stands for in a read or write.
const BYTES_PER_STEP: usize = 1024;

impl Ctx {
    pub(crate) fn new(kernel: Rc<Kernel>, process: Rc<Process>) -> Ctx {
        Ctx { kernel, process }
    }

    pub(crate) fn process(&self) -> &Rc<Process> {
        &self.process
    }

    /// The kernel.
    pub fn kernel(&self) -> &Rc<Kernel> {
        &self.kernel
    }

    // Identity.

    /// Its number.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// Its parent's number.
    pub fn parent(&self) -> Pid {
        self.process.parent.get()
    }

    /// The number of its process group.
    pub fn group(&self) -> Pid {
        self.process.group.get()
    }

    /// How it stands; also when it has ended.
    pub fn state(&self) -> State {
        self.process.state.get()
    }

    /// `setpgid(2)` of itself.
    pub fn set_group(&self, group: Pid) {
        self.process.group.set(group);
    }

    /// `argv`.
    pub fn arguments(&self) -> Rc<Vec<BString>> {
        self.process.arguments.borrow().clone()
    }

    /// Changes `argv` as others see it.
    pub fn set_arguments(&self, arguments: Vec<BString>) {
        *self.process.arguments.borrow_mut() = Rc::new(arguments);
    }

    /// Its environment.
    pub fn environment(&self) -> Environment {
        self.process.environment.borrow().clone()
    }

    /// Changes its environment.
    pub fn set_environment(&self, environment: Environment) {
        *self.process.environment.borrow_mut() = environment;
    }

    /// The value of an environment variable.
    pub fn env(&self, name: &str) -> Option<BString> {
        self.process.environment.borrow().get(name.as_bytes()).map(BStr::to_owned)
    }

    /// Its current directory, absolute.
    pub fn cwd(&self) -> Rc<str> {
        self.process.cwd.borrow().clone()
    }

    /// Sets its current directory, which must be absolute; nothing is checked.
    pub fn set_cwd(&self, cwd: impl Into<Rc<str>>) {
        *self.process.cwd.borrow_mut() = cwd.into();
    }

    /// The permission bits that new files do not get.
    pub fn umask(&self) -> u32 {
        self.process.umask.get()
    }

    /// Changes them.
    pub fn set_umask(&self, umask: u32) {
        self.process.umask.set(umask & 0o777);
    }

    /// `getpriority(2)`: -20 to 19. It is told and inherited; all processes have their turn one after the other.
    pub fn niceness(&self) -> i32 {
        self.process.niceness.get()
    }

    /// `setpriority(2)`; beyond the range, its end.
    ///
    /// # Errors
    /// `Access`: only user 0 can lower it.
    pub fn set_niceness(&self, niceness: i32) -> Result<(), Errno> {
        let niceness = niceness.clamp(-20, 19);
        if niceness < self.niceness() && self.user().0 != 0 {
            return Err(Errno::Access);
        }
        self.process.niceness.set(niceness);
        Ok(())
    }

    /// User and group.
    pub fn user(&self) -> (u32, u32) {
        self.kernel.fs().get_user()
    }

    // Time and fuel.

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.kernel.clock().wall()
    }

    /// Nanoseconds of the monotonic clock.
    pub fn monotonic(&self) -> u64 {
        self.kernel.clock().monotonic()
    }

    /// Fills `buffer` with random bytes.
    pub fn random(&self, buffer: &mut [u8]) {
        self.kernel.entropy().fill(buffer);
    }

    /// A step: every long loop awaits one in each round, so that others have their turn.
    #[inline]
    pub fn tick(&self) -> Tick<'_> {
        Tick { ctx: self, steps: 1 }
    }

    /// As many steps at once.
    #[inline]
    pub fn ticks(&self, steps: u32) -> Tick<'_> {
        Tick { ctx: self, steps }
    }

    /// `Pending` when the slice is used up; the process is on the run queue then.
    #[inline]
    pub fn poll_tick(&self, steps: u32) -> Poll<()> {
        if self.kernel.consume(steps) && !self.is_killed() { Poll::Ready(()) } else { self.out_of_slice() }
    }

    #[cold]
    fn out_of_slice(&self) -> Poll<()> {
        self.process.wake(&self.kernel.queue);
        Poll::Pending
    }

    /// Whether a signal has ended the process in the middle of its own poll: it should return `Pending`.
    pub fn is_killed(&self) -> bool {
        self.process.killed.get().is_some()
    }

    /// Lets `nanoseconds` pass.
    pub fn sleep(&self, nanoseconds: u64) -> Sleep {
        Sleep { deadline: self.monotonic().saturating_add(nanoseconds), ctx: self.clone(), timer: None }
    }

    /// Puts the process on the run queue, as when something it waits for has happened.
    pub fn wake(&self) {
        self.process.wake(&self.kernel.queue);
    }

    // Descriptors.

    /// What is open as `descriptor`.
    ///
    /// # Errors
    /// `BadDescriptor`.
    pub fn description(&self, descriptor: u32) -> Result<Rc<Description>, Errno> {
        self.process.descriptors.borrow().get(descriptor).cloned().ok_or(Errno::BadDescriptor)
    }

    /// The table of its descriptors, as it is now.
    pub fn descriptors(&self) -> Rc<DescriptorTable> {
        self.process.descriptors.borrow().clone()
    }

    /// Replaces all descriptors.
    pub fn set_descriptors(&self, table: Rc<DescriptorTable>) {
        let old = self.process.descriptors.replace(table);
        drop(old);
    }

    /// Opens `description` as the lowest number from `from` on that is free.
    ///
    /// # Errors
    /// `TooManyOpenFiles`.
    pub fn add_descriptor(&self, description: Rc<Description>, from: u32) -> Result<u32, Errno> {
        let mut table = self.process.descriptors.borrow_mut();
        let number = table.lowest_free(from);
        if !self.may_open(number) {
            return Err(Errno::TooManyOpenFiles);
        }
        // Free, so nothing is dropped.
        let _ = Rc::make_mut(&mut table).set(number, description, false);
        Ok(number)
    }

    /// Opens `description` as `number`; what was there is closed.
    ///
    /// # Errors
    /// `BadDescriptor`: the number is too large.
    pub fn set_descriptor(&self, number: u32, description: Rc<Description>) -> Result<(), Errno> {
        if !self.may_open(number) {
            return Err(Errno::BadDescriptor);
        }
        let old = Rc::make_mut(&mut self.process.descriptors.borrow_mut()).set(number, description, false);
        drop(old);
        Ok(())
    }

    /// `FD_CLOEXEC`.
    ///
    /// # Errors
    /// `BadDescriptor`.
    pub fn set_close_on_exec(&self, number: u32, close: bool) -> Result<(), Errno> {
        let done = Rc::make_mut(&mut self.process.descriptors.borrow_mut()).set_close_on_exec(number, close);
        if done { Ok(()) } else { Err(Errno::BadDescriptor) }
    }

    /// `dup2(2)`; `None`: the lowest free number.
    ///
    /// # Errors
    /// `BadDescriptor`, `TooManyOpenFiles`.
    pub fn duplicate(&self, from: u32, to: Option<u32>) -> Result<u32, Errno> {
        let description = self.description(from)?;
        match to {
            None => self.add_descriptor(description, 0),
            Some(to) => {
                if to != from {
                    self.set_descriptor(to, description)?;
                }
                Ok(to)
            }
        }
    }

    /// `close(2)`.
    ///
    /// # Errors
    /// `BadDescriptor`.
    pub fn close(&self, descriptor: u32) -> Result<(), Errno> {
        let old = Rc::make_mut(&mut self.process.descriptors.borrow_mut()).close(descriptor)?;
        drop(old);
        Ok(())
    }

    /// The two ends of a new pipe, not yet in the table.
    pub fn new_pipe(&self) -> (Rc<Description>, Rc<Description>) {
        let pipe = self.kernel.new_pipe();
        (Rc::new(Description::PipeReader(pipe.reader())), Rc::new(Description::PipeWriter(pipe.writer())))
    }

    /// `pipe(2)`: the reading end, then the writing end.
    ///
    /// # Errors
    /// `TooManyOpenFiles`.
    pub fn pipe(&self) -> Result<(u32, u32), Errno> {
        let (reader, writer) = self.new_pipe();
        let reading = self.add_descriptor(reader, 0)?;
        match self.add_descriptor(writer, 0) {
            Ok(writing) => Ok((reading, writing)),
            Err(error) => {
                self.close(reading)?;
                Err(error)
            }
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self, descriptor: u32) -> bool {
        match self.description(descriptor).as_deref() {
            Ok(Description::HostInput) => self.kernel.input_is_terminal(),
            Ok(Description::HostOutput(_)) => self.kernel.terminal().is_some(),
            _ => false,
        }
    }

    /// `lseek(2)`.
    ///
    /// # Errors
    /// `BadDescriptor`; `IllegalSeek` for a pipe.
    pub fn seek(&self, descriptor: u32, to: Position) -> Result<u64, Errno> {
        match &*self.description(descriptor)? {
            Description::File(file) => file.seek(to),
            _ => Err(Errno::IllegalSeek),
        }
    }

    // Reading and writing.

    /// Appends at most `max` bytes to `buffer` from an open description. 0: end of file.
    ///
    /// # Errors
    /// `Again`: it would have to wait; otherwise those of `read(2)`.
    pub fn try_read_from(
        &self,
        from: &Description,
        buffer: &mut Vec<u8>,
        max: usize,
    ) -> Result<usize, Errno> {
        match from {
            Description::File(file) => file.read_into(buffer, max),
            Description::PipeReader(reader) | Description::Fifo(reader, _) => reader.pipe().read(buffer, max),
            Description::HostInput => self.kernel.input.read(buffer, max),
            Description::PipeWriter(_) | Description::HostOutput(_) => Err(Errno::BadDescriptor),
        }
    }

    /// As [`try_read_from`](Ctx::try_read_from), by descriptor.
    ///
    /// # Errors
    /// The same, and `BadDescriptor`.
    pub fn try_read(&self, descriptor: u32, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let description = self.description(descriptor)?;
        self.try_read_from(&description, buffer, max)
    }

    /// As [`try_read_from`](Ctx::try_read_from); the process is woken when it is worth asking again.
    pub fn poll_read_from(
        &self,
        from: &Description,
        buffer: &mut Vec<u8>,
        max: usize,
    ) -> Poll<Result<usize, Errno>> {
        if self.poll_tick(1).is_pending() {
            return Poll::Pending;
        }
        match self.try_read_from(from, buffer, max) {
            Err(Errno::Again) => {
                match from {
                    Description::PipeReader(reader) | Description::Fifo(reader, _) => {
                        reader.pipe().wait_readable(&self.process);
                    }
                    Description::HostInput => self.kernel.input.wait(&self.process),
                    // These never ask to wait.
                    Description::File(_) | Description::PipeWriter(_) | Description::HostOutput(_) => {
                        return Poll::Ready(Err(Errno::Again));
                    }
                }
                Poll::Pending
            }
            Ok(count) => {
                self.kernel.consume((count / BYTES_PER_STEP) as u32);
                Poll::Ready(Ok(count))
            }
            error => Poll::Ready(error),
        }
    }

    /// Appends at most `max` bytes to `buffer`, waiting for some. 0: end of file.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub async fn read(&self, descriptor: u32, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let description = self.description(descriptor)?;
        self.read_from(&description, buffer, max).await
    }

    /// As [`read`](Ctx::read), from an open description.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub async fn read_from(
        &self,
        from: &Description,
        buffer: &mut Vec<u8>,
        max: usize,
    ) -> Result<usize, Errno> {
        std::future::poll_fn(|_| self.poll_read_from(from, buffer, max)).await
    }

    /// Writes to an open description. How many bytes were taken.
    ///
    /// A broken pipe sends the process a PIPE signal, as POSIX says.
    ///
    /// # Errors
    /// `Again`: it would have to wait; `BrokenPipe`; otherwise those of `write(2)`.
    pub fn try_write_to(&self, to: &Description, bytes: &[u8]) -> Result<usize, Errno> {
        let written = match to {
            Description::File(file) => file.write(bytes).map(|()| bytes.len()),
            Description::PipeWriter(writer) | Description::Fifo(_, writer) => writer.pipe().write(bytes),
            Description::HostOutput(stream) => {
                self.kernel.output.write(*stream, bytes, self.kernel.ceilings().output_bytes)
            }
            Description::PipeReader(_) | Description::HostInput => Err(Errno::BadDescriptor),
        };
        if written == Err(Errno::BrokenPipe) {
            self.kernel.deliver(&self.process, Signal::Pipe);
        }
        written
    }

    /// As [`try_write_to`](Ctx::try_write_to), by descriptor.
    ///
    /// # Errors
    /// The same, and `BadDescriptor`.
    pub fn try_write(&self, descriptor: u32, bytes: &[u8]) -> Result<usize, Errno> {
        let description = self.description(descriptor)?;
        self.try_write_to(&description, bytes)
    }

    /// Writes what is left of `bytes` from `*done` on; the process is woken when it is worth going on.
    pub fn poll_write_to(&self, to: &Description, bytes: &[u8], done: &mut usize) -> Poll<Result<(), Errno>> {
        loop {
            let rest = bytes.get(*done..).unwrap_or_default();
            if rest.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if self.poll_tick(1).is_pending() {
                return Poll::Pending;
            }
            match self.try_write_to(to, rest) {
                Ok(count) => {
                    *done += count;
                    self.kernel.consume((count / BYTES_PER_STEP) as u32);
                }
                Err(Errno::Again) => {
                    match to {
                        Description::PipeWriter(writer) | Description::Fifo(_, writer) => {
                            writer.pipe().wait_writable(&self.process);
                        }
                        Description::HostOutput(_) => self.kernel.output.wait(&self.process),
                        // These never ask to wait.
                        Description::File(_) | Description::PipeReader(_) | Description::HostInput => {
                            return Poll::Ready(Err(Errno::Again));
                        }
                    }
                    return Poll::Pending;
                }
                Err(_) if self.is_killed() => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Those of `write(2)`. With `BrokenPipe` the PIPE signal was ignored or waits; by default it ends the process.
    pub async fn write_all(&self, descriptor: u32, bytes: &[u8]) -> Result<(), Errno> {
        let description = self.description(descriptor)?;
        self.write_all_to(&description, bytes).await
    }

    /// As [`write_all`](Ctx::write_all), to an open description.
    ///
    /// # Errors
    /// Those of `write(2)`.
    pub async fn write_all_to(&self, to: &Description, bytes: &[u8]) -> Result<(), Errno> {
        let mut done = 0;
        std::future::poll_fn(|_| self.poll_write_to(to, bytes, &mut done)).await
    }

    // Other processes.

    /// `fork(2)`: a child with all that this process has, which runs the code that `code` makes. It is polled
    /// only after this process has had its turn.
    ///
    /// # Errors
    /// `Again`: too many processes.
    pub fn fork(&self, group: Group, code: impl FnOnce(Ctx) -> ProcessFuture) -> Result<Pid, Errno> {
        self.kernel.fork(&self.process, group, code)
    }

    /// `posix_spawn(3)`: a child that executes a program.
    ///
    /// # Errors
    /// `NoEntry`: no such program; `Access`: not executable; `NotExecutable`: no program, but perhaps a script;
    /// `Again`: too many processes.
    pub fn spawn(&self, what: Spawn) -> Result<Pid, Errno> {
        self.kernel.spawn(&self.process, what)
    }

    /// `execve(2)`: after this turn the process runs another program; the caller returns `Pending` to let it
    /// happen (or awaits [`Ctx::gone`]). `program` without a slash is looked up in the PATH of `environment`.
    ///
    /// # Errors
    /// As [`spawn`](Ctx::spawn); the process is unchanged then.
    pub fn exec(
        &self,
        program: &[u8],
        arguments: Vec<BString>,
        environment: Option<Environment>,
    ) -> Result<(), Errno> {
        let old_environment = self.environment();
        if let Some(environment) = environment {
            self.set_environment(environment);
        }
        let old_arguments = std::mem::replace(&mut *self.process.arguments.borrow_mut(), Rc::new(arguments));
        let loaded = self.find_program(program).and_then(|path| self.kernel.load(self, &path));
        match loaded {
            Ok(future) => {
                let closed = {
                    let mut table = self.process.descriptors.borrow_mut();
                    if table.has_close_on_exec() {
                        Rc::make_mut(&mut table).take_close_on_exec()
                    } else {
                        Vec::new()
                    }
                };
                drop(closed);
                self.process.caught.set(Default::default());
                self.replace(future);
                Ok(())
            }
            Err(error) => {
                *self.process.arguments.borrow_mut() = old_arguments;
                self.set_environment(old_environment);
                Err(error)
            }
        }
    }

    /// Lets `future` take the place of the present code after this turn.
    pub fn replace(&self, future: ProcessFuture) {
        *self.process.replacement.borrow_mut() = Some(future);
    }

    /// Never returns: what code awaits after a successful [`exec`](Ctx::exec).
    pub async fn gone(&self) -> std::convert::Infallible {
        std::future::pending().await
    }

    /// `kill(2)`.
    ///
    /// # Errors
    /// `NoProcess`, `NotPermitted`.
    pub fn kill(&self, target: Target, signal: Option<Signal>) -> Result<(), Errno> {
        self.kernel.kill(Some(self.pid()), target, signal)
    }

    /// Sends itself a signal.
    pub fn raise(&self, signal: Signal) {
        self.kernel.deliver(&self.process, signal);
    }

    /// What a signal does to the process.
    pub fn disposition(&self, signal: Signal) -> Disposition {
        self.process.disposition(signal)
    }

    /// Changes what a signal does. KILL and STOP cannot be changed.
    pub fn set_disposition(&self, signal: Signal, disposition: Disposition) {
        self.process.set_disposition(signal, disposition);
    }

    /// A signal that waits to be taken, the lowest first.
    pub fn take_signal(&self) -> Option<Signal> {
        let pending = self.process.pending.get();
        let signal = pending.first()?;
        self.process.pending.set(pending.without(signal));
        Some(signal)
    }

    /// The signals that wait to be taken.
    pub fn pending_signals(&self) -> SignalSet {
        self.process.pending.get()
    }

    /// Whether a signal waits to be taken.
    #[inline]
    pub fn has_signal(&self) -> bool {
        !self.process.pending.get().is_empty()
    }

    /// Waits for a signal whose disposition is `Deliver`.
    pub async fn signal(&self) -> Signal {
        std::future::poll_fn(|_| self.take_signal().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// Asks the host for something.
    pub fn request(&self, request: Request) -> Requested {
        let id = self.kernel.requests.make(&self.process, request);
        Requested::new(self.clone(), id)
    }

    /// Standard input as a buffered stream.
    ///
    /// # Errors
    /// `BadDescriptor`: it is closed.
    pub fn stdin(&self) -> Result<crate::Input, Errno> {
        Ok(crate::Input::new(self.clone(), self.description(0)?))
    }

    /// Standard output as a buffered stream; when it is closed, writing to it ends with `BadDescriptor`.
    pub fn stdout(&self) -> crate::Output {
        crate::Output::new(self.clone(), self.description(1).ok())
    }

    /// Standard error as a stream.
    pub fn stderr(&self) -> crate::Output {
        crate::Output::new(self.clone(), self.description(2).ok())
    }

    /// Which of the host's outputs a descriptor leads to.
    pub fn host_output(&self, descriptor: u32) -> Option<OutputStream> {
        match &*self.description(descriptor).ok()? {
            Description::HostOutput(stream) => Some(*stream),
            _ => None,
        }
    }
}

/// A step of a long loop.
#[must_use = "a step counts when it is awaited"]
pub struct Tick<'a> {
    ctx: &'a Ctx,
    steps: u32,
}

impl Future for Tick<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let polled = self.ctx.poll_tick(self.steps);
        // However many steps were asked for, the next turn goes on.
        self.steps = 0;
        polled
    }
}

/// A time that passes.
pub struct Sleep {
    ctx: Ctx,
    deadline: u64,
    timer: Option<TimerId>,
}

impl Sleep {
    /// Whether it has passed; else the process is woken when it has.
    pub fn poll_elapsed(&mut self) -> Poll<()> {
        if self.ctx.is_killed() {
            return Poll::Pending;
        }
        if self.ctx.monotonic() >= self.deadline {
            return Poll::Ready(());
        }
        if self.timer.is_none() {
            self.timer = Some(self.ctx.kernel.add_timer(self.deadline, &self.ctx.process));
        }
        Poll::Pending
    }

    /// When it is over, by the monotonic clock.
    pub fn deadline(&self) -> u64 {
        self.deadline
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.poll_elapsed()
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(timer) = self.timer {
            self.ctx.kernel.remove_timer(timer);
        }
    }
}
