//! Python in a store of its own: its imports are forwarded to the core.
//!
//! Python runs on a fiber. A call that blocks asks the core without blocking and, when that ends with `again`,
//! gives the fiber up until the shell has had a turn. So the core is never on the stack when anything waits,
//! several Pythons run side by side, and one that computes gives way at every tick of the epoch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceAny, ResourceTable};

use crate::bindings::core::exports::wasmsh::fs::types::{
    AccessMode, Entry, ErrorCode, NewTime, OpenFlags, Position, Stat,
};
use crate::bindings::core::exports::wasmsh::session::processes as exported;
use crate::bindings::core::wasmsh::session::types::{Exit, HttpRequest, Signal, TerminalSize};
use crate::bindings::python::wasmsh::fs::files;
use crate::bindings::python::wasmsh::session::processes;
use crate::bindings::python::{Python, PythonPre};
use crate::core::{Core, CoreCell, CoreId, Trapped};
use crate::limits::Limit;
use crate::memory::Memory;
use crate::wasi::{self, Wasi};

/// A resource of the core's that is owned outside of it, and dropped in it.
pub(crate) struct Handle {
    resource: ResourceAny,
    core: Arc<CoreCell>,
    /// The core that it is of.
    of: CoreId,
    owned: bool,
}

impl Handle {
    pub(crate) fn new(resource: ResourceAny, core: &Arc<CoreCell>, of: CoreId) -> Self {
        Self { resource, core: Arc::clone(core), of, owned: true }
    }

    /// The core that it is of.
    pub(crate) fn of(&self) -> CoreId {
        self.of
    }

    /// The resource, to be given away.
    fn release(mut self) -> ResourceAny {
        self.owned = false;
        self.resource
    }

    pub(crate) fn resource(&self) -> ResourceAny {
        self.resource
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if !self.owned {
            return;
        }
        let mut core = self.core.lock();
        // When the core is dead, or another one by now, there is nothing to be dropped in.
        let _ = core.call_in(self.of, |_, store| self.resource.resource_drop(store));
        core.activity += 1;
    }
}

/// A `file` of the core's, as Python's component has it.
#[allow(unreachable_pub)]
pub struct File(Handle);

/// A `process` of the core's, as Python's component has it.
#[allow(unreachable_pub)]
pub struct Process(Handle);

/// What a Python store keeps.
pub(crate) struct PythonState {
    wasi: Wasi,
    forward: Forward,
    memory: Memory,
}

/// The way from Python's imports to the core's exports.
pub(crate) struct Forward {
    core: Arc<CoreCell>,
    /// The core that all of this is of.
    of: CoreId,
    table: ResourceTable,
    /// The process that Python runs as, once it has opened it.
    process: Option<ResourceAny>,
}

/// Adds what Python imports.
pub(crate) fn add_to_linker(linker: &mut Linker<PythonState>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker, |state| &mut state.wasi)?;
    files::add_to_linker::<PythonState, HasSelf<Forward>>(linker, |state| &mut state.forward)?;
    processes::add_to_linker::<PythonState, HasSelf<Forward>>(linker, |state| &mut state.forward)
}

/// One CPython. It runs one process after the other, and puts its memory back in between.
pub(crate) struct Instance {
    store: Store<PythonState>,
    world: Python,
    /// A run was not followed by a `reset` yet.
    used: bool,
}

impl Instance {
    pub(crate) async fn new(
        pre: &PythonPre<PythonState>,
        core: Arc<CoreCell>,
        memory: usize,
    ) -> wasmtime::Result<Self> {
        let of = core.lock().id;
        let state = PythonState {
            wasi: Wasi::default(),
            forward: Forward { core, of, table: ResourceTable::new(), process: None },
            memory: Memory::new(memory),
        };
        let mut store = Store::new(pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        let world = pre.instantiate_async(&mut store).await?;
        Ok(Self { store, world, used: false })
    }

    /// Runs the interpreter as a process of the core's. After an error the instance is lost.
    pub(crate) async fn run(&mut self, pid: u32) -> wasmtime::Result<Exit> {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().forward.process = None;
        self.store.data_mut().memory.begin();
        self.used = true;
        self.world.wasmsh_python_interpreter().call_run(&mut self.store, pid).await
    }

    /// Puts the memory back, if that is owed. After an error the instance is lost.
    pub(crate) async fn reset(&mut self) -> wasmtime::Result<()> {
        if std::mem::take(&mut self.used) {
            self.store.set_epoch_deadline(1);
            self.world.wasmsh_python_interpreter().call_reset(&mut self.store).await?;
        }
        Ok(())
    }

    /// Writes a message to the standard error of the process, which Python cannot do itself any more.
    pub(crate) fn complain(&self, pid: u32, message: &str) {
        let forward = &self.store.data().forward;
        match forward.process {
            Some(process) => complain_as(&mut forward.core.lock(), forward.of, process, message),
            None => complain(&forward.core, pid, message),
        }
    }

    /// The limit of memory, when the last run has met it.
    pub(crate) fn memory_refused(&self) -> Option<Limit> {
        self.store.data().memory.refused()
    }

    pub(crate) fn used(&self) -> bool {
        self.used
    }
}

/// Gives way until the shell has had a turn, or until `deadline` at the latest.
pub(crate) async fn turn(core: &CoreCell, deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        let mut core = core.lock();
        core.wake_at = Some(core.wake_at.map_or(deadline, |wake_at| wake_at.min(deadline)));
    }
    let mut waited = false;
    std::future::poll_fn(|_| {
        if std::mem::replace(&mut waited, true) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

/// As [`turn`]. `first`: of this call, whose attempt may have told the shell what it waits for. Only a turn after that
/// tells the host, if it is standard input.
pub(crate) async fn wait_turn(core: &CoreCell, deadline: Option<Instant>, first: &mut bool) {
    core.lock().activity += u64::from(std::mem::take(first));
    turn(core, deadline).await;
}

fn after(timeout: Option<u64>) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_nanos(timeout?))
}

fn past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

fn lost(_: Trapped) -> wasmtime::Error {
    wasmtime::Error::msg("the core has trapped")
}

impl Forward {
    fn files<R>(
        &self,
        call: impl FnOnce(
            &crate::bindings::core::exports::wasmsh::fs::files::Guest,
            &mut Store<crate::core::CoreState>,
        ) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        self.core.lock().call_in(self.of, |world, store| call(world.wasmsh_fs_files(), store)).map_err(lost)
    }

    fn file(&self, file: &Resource<File>) -> wasmtime::Result<ResourceAny> {
        Ok(self.table.get(file)?.0.resource)
    }

    fn push_file(&mut self, resource: ResourceAny) -> wasmtime::Result<Resource<File>> {
        Ok(self.table.push(File(Handle::new(resource, &self.core, self.of)))?)
    }

    fn process(&self, process: &Resource<Process>) -> wasmtime::Result<ResourceAny> {
        Ok(self.table.get(process)?.0.resource)
    }

    /// A call on a process that may let others go on.
    fn processes<R>(
        &self,
        call: impl FnOnce(exported::GuestProcess<'_>, &mut Store<crate::core::CoreState>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let mut core = self.core.lock();
        core.activity += 1;
        core.call_in(self.of, |world, store| call(world.wasmsh_session_processes().process(), store))
            .map_err(lost)
    }

    /// Whether a call that would block may: not when a signal waits for the process, or has ended it.
    fn undisturbed(&self, process: ResourceAny, descriptor: u32) -> wasmtime::Result<Outcome<()>> {
        let entries = [exported::PollEntry { descriptor, read: false, write: false }];
        let polled =
            self.attempt(|guest, store| guest.call_poll(store, process, &entries, Some(0)), Result::is_err)?;
        Ok(polled.map(drop))
    }

    /// A call on a process that is repeated while nothing comes of it.
    fn attempt<R>(
        &self,
        call: impl FnOnce(exported::GuestProcess<'_>, &mut Store<crate::core::CoreState>) -> wasmtime::Result<R>,
        came: impl FnOnce(&R) -> bool,
    ) -> wasmtime::Result<R> {
        let mut core = self.core.lock();
        let result = core
            .call_in(self.of, |world, store| call(world.wasmsh_session_processes().process(), store))
            .map_err(lost)?;
        core.activity += u64::from(came(&result));
        Ok(result)
    }
}

/// Functions of `files` that take and return plain values.
macro_rules! forward_files {
    ($($name:ident => $call:ident($($arg:ident: $ty:ty => $pass:expr),*) -> $ret:ty;)*) => {
        $(fn $name(&mut self, $($arg: $ty),*) -> wasmtime::Result<$ret> {
            self.files(|files, store| files.$call(store, $($pass),*))
        })*
    };
}

/// Methods of `file` that take and return plain values.
macro_rules! forward_file {
    ($($name:ident => $call:ident($($arg:ident: $ty:ty => $pass:expr),*) -> $ret:ty;)*) => {
        $(fn $name(&mut self, file: Resource<File>, $($arg: $ty),*) -> wasmtime::Result<$ret> {
            let file = self.file(&file)?;
            self.files(|files, store| files.file().$call(store, file, $($pass),*))
        })*
    };
}

/// Methods of `process` that never block and take and return plain values.
macro_rules! forward_process {
    ($($name:ident => $call:ident($($arg:ident: $ty:ty => $pass:expr),*) -> $ret:ty;)*) => {
        $(fn $name(&mut self, process: Resource<Process>, $($arg: $ty),*) -> wasmtime::Result<$ret> {
            let process = self.process(&process)?;
            self.processes(|guest, store| guest.$call(store, process, $($pass),*))
        })*
    };
}

type Outcome<T> = Result<T, ErrorCode>;

impl files::HostFile for Forward {
    forward_file! {
        read => call_read(max: u32 => max) -> Outcome<Vec<u8>>;
        write => call_write(bytes: Vec<u8> => &bytes) -> Outcome<()>;
        read_at => call_read_at(offset: u64 => offset, max: u32 => max) -> Outcome<Vec<u8>>;
        write_at => call_write_at(offset: u64 => offset, bytes: Vec<u8> => &bytes) -> Outcome<()>;
        seek => call_seek(to: Position => to) -> Outcome<u64>;
        stat => call_stat() -> Outcome<Stat>;
        set_size => call_set_size(size: u64 => size) -> Outcome<()>;
        set_mode => call_set_mode(mode: u32 => mode) -> Outcome<()>;
        set_owner => call_set_owner(uid: Option<u32> => uid, gid: Option<u32> => gid) -> Outcome<()>;
        set_times => call_set_times(accessed: NewTime => accessed, modified: NewTime => modified) -> Outcome<()>;
        get_flags => call_get_flags() -> OpenFlags;
        set_append => call_set_append(append: bool => append) -> ();
        path => call_path() -> Option<String>;
    }

    fn duplicate(&mut self, file: Resource<File>) -> wasmtime::Result<Resource<File>> {
        let file = self.file(&file)?;
        let duplicate = self.files(|files, store| files.file().call_duplicate(store, file))?;
        self.push_file(duplicate)
    }

    fn drop(&mut self, file: Resource<File>) -> wasmtime::Result<()> {
        self.table.delete(file)?;
        Ok(())
    }
}

impl files::Host for Forward {
    forward_files! {
        read_file => call_read_file(path: String => &path) -> Outcome<Vec<u8>>;
        write_file => call_write_file(path: String => &path, bytes: Vec<u8> => &bytes, mode: u32 => mode) -> Outcome<()>;
        append_file => call_append_file(path: String => &path, bytes: Vec<u8> => &bytes, mode: u32 => mode) -> Outcome<()>;
        copy_file => call_copy_file(source: String => &source, target: String => &target, mode: u32 => mode) -> Outcome<()>;
        stat_at => call_stat_at(path: String => &path, follow: bool => follow) -> Outcome<Stat>;
        access => call_access(path: String => &path, mode: AccessMode => mode) -> Outcome<()>;
        read_directory => call_read_directory(path: String => &path) -> Outcome<Vec<Entry>>;
        canonicalize => call_canonicalize(path: String => &path) -> Outcome<String>;
        read_link => call_read_link(path: String => &path) -> Outcome<String>;
        make_directory => call_make_directory(path: String => &path, mode: u32 => mode) -> Outcome<()>;
        make_fifo => call_make_fifo(path: String => &path, mode: u32 => mode) -> Outcome<()>;
        link => call_link(existing: String => &existing, new: String => &new, follow: bool => follow) -> Outcome<()>;
        link_all => call_link_all(
            existing: String => &existing, directory: String => &directory, names: Vec<String> => &names
        ) -> Outcome<()>;
        symlink => call_symlink(target: String => &target, new: String => &new) -> Outcome<()>;
        rename => call_rename(old: String => &old, new: String => &new) -> Outcome<()>;
        remove_file => call_remove_file(path: String => &path) -> Outcome<()>;
        remove_directory => call_remove_directory(path: String => &path) -> Outcome<()>;
        set_size_at => call_set_size_at(path: String => &path, size: u64 => size) -> Outcome<()>;
        set_mode_at => call_set_mode_at(path: String => &path, mode: u32 => mode, follow: bool => follow) -> Outcome<()>;
        set_owner_at => call_set_owner_at(
            path: String => &path, uid: Option<u32> => uid, gid: Option<u32> => gid, follow: bool => follow
        ) -> Outcome<()>;
        set_times_at => call_set_times_at(
            path: String => &path, accessed: NewTime => accessed, modified: NewTime => modified, follow: bool => follow
        ) -> Outcome<()>;
        get_user => call_get_user() -> (u32, u32);
        set_user => call_set_user(uid: u32 => uid, gid: u32 => gid) -> ();
    }

    fn open(&mut self, path: String, how: OpenFlags, mode: u32) -> wasmtime::Result<Outcome<Resource<File>>> {
        match self.files(|files, store| files.call_open(store, &path, how, mode))? {
            Ok(file) => Ok(Ok(self.push_file(file)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl processes::HostProcess for Forward {
    forward_process! {
        pid => call_pid() -> u32;
        parent => call_parent() -> u32;
        arguments => call_arguments() -> Vec<Vec<u8>>;
        environment => call_environment() -> Vec<(Vec<u8>, Vec<u8>)>;
        cwd => call_cwd() -> String;
        umask => call_umask() -> u32;
        descriptors => call_descriptors() -> Vec<u32>;
        seek => call_seek(descriptor: u32 => descriptor, to: Position => to) -> Outcome<u64>;
        stat => call_stat(descriptor: u32 => descriptor) -> Outcome<Stat>;
        set_size => call_set_size(descriptor: u32 => descriptor, size: u64 => size) -> Outcome<()>;
        terminal => call_terminal(descriptor: u32 => descriptor) -> Option<TerminalSize>;
        close => call_close(descriptor: u32 => descriptor) -> Outcome<()>;
        duplicate => call_duplicate(descriptor: u32 => descriptor, to: Option<u32> => to) -> Outcome<u32>;
        pipe => call_pipe() -> Outcome<(u32, u32)>;
        take_signal => call_take_signal() -> Option<Signal>;
        next_command => call_next_command() -> Option<u32>;
        finish => call_finish(how: Exit => how) -> ();
        fetch => call_fetch(what: HttpRequest => &what, to: u32 => to) -> Outcome<()>;
    }

    fn open(&mut self, pid: u32) -> wasmtime::Result<Option<Resource<Process>>> {
        match self.processes(|guest, store| guest.call_open(store, pid))? {
            Some(process) => {
                self.process = Some(process);
                Ok(Some(self.table.push(Process(Handle::new(process, &self.core, self.of)))?))
            }
            None => Ok(None),
        }
    }

    async fn read(
        &mut self,
        process: Resource<Process>,
        descriptor: u32,
        max: u32,
        blocking: bool,
    ) -> wasmtime::Result<Outcome<Vec<u8>>> {
        let process = self.process(&process)?;
        let mut first = true;
        loop {
            let read = self.attempt(
                |guest, store| guest.call_read(store, process, descriptor, max, false),
                |read| !matches!(read, Err(ErrorCode::Again)),
            )?;
            match read {
                Err(ErrorCode::Again) if blocking => {
                    if let Err(interrupted) = self.undisturbed(process, descriptor)? {
                        return Ok(Err(interrupted));
                    }
                    wait_turn(&self.core, None, &mut first).await;
                }
                read => return Ok(read),
            }
        }
    }

    async fn write(
        &mut self,
        process: Resource<Process>,
        descriptor: u32,
        bytes: Vec<u8>,
        blocking: bool,
    ) -> wasmtime::Result<Outcome<u32>> {
        let process = self.process(&process)?;
        let (mut written, mut first) = (0, true);
        loop {
            let rest = bytes.get(written..).unwrap_or_default();
            let wrote = self.attempt(
                |guest, store| guest.call_write(store, process, descriptor, rest, false),
                |wrote| !matches!(wrote, Ok(0) | Err(ErrorCode::Again)),
            )?;
            match wrote {
                Ok(count) => written += usize::try_from(count)?.min(rest.len()),
                Err(ErrorCode::Again) if blocking => {}
                // What went out before the error is told now, the error at the next call, as by `write(2)`.
                Err(_) if written > 0 => return Ok(Ok(u32::try_from(written)?)),
                Err(error) => return Ok(Err(error)),
            }
            if !blocking || written == bytes.len() {
                return Ok(Ok(u32::try_from(written)?));
            }
            match self.undisturbed(process, descriptor)? {
                Err(_) if written > 0 => return Ok(Ok(u32::try_from(written)?)),
                Err(interrupted) => return Ok(Err(interrupted)),
                Ok(()) => {}
            }
            wait_turn(&self.core, None, &mut first).await;
        }
    }

    async fn poll(
        &mut self,
        process: Resource<Process>,
        entries: Vec<processes::PollEntry>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Outcome<Vec<processes::Readiness>>> {
        let process = self.process(&process)?;
        let entries: Vec<_> = entries
            .into_iter()
            .map(|processes::PollEntry { descriptor, read, write }| exported::PollEntry {
                descriptor,
                read,
                write,
            })
            .collect();
        let deadline = after(timeout);
        let ready = |polled: &Outcome<Vec<exported::Readiness>>| match polled {
            Ok(ready) => ready.iter().any(|ready| *ready != exported::Readiness::empty()),
            Err(_) => true,
        };
        let mut first = true;
        loop {
            let polled =
                self.attempt(|guest, store| guest.call_poll(store, process, &entries, Some(0)), ready)?;
            if ready(&polled) || timeout == Some(0) || past(deadline) {
                return Ok(polled.map(|polled| polled.into_iter().map(readiness).collect()));
            }
            wait_turn(&self.core, deadline, &mut first).await;
        }
    }

    async fn wait(
        &mut self,
        process: Resource<Process>,
        child: Option<u32>,
        timeout: Option<u64>,
    ) -> wasmtime::Result<Outcome<Option<(u32, Exit)>>> {
        let process = self.process(&process)?;
        let (deadline, mut first) = (after(timeout), true);
        loop {
            let waited = self.attempt(
                |guest, store| guest.call_wait(store, process, child, Some(0)),
                |waited| !matches!(waited, Ok(None)),
            )?;
            if !matches!(waited, Ok(None)) || timeout == Some(0) || past(deadline) {
                return Ok(waited);
            }
            wait_turn(&self.core, deadline, &mut first).await;
        }
    }

    fn file(
        &mut self,
        process: Resource<Process>,
        descriptor: u32,
    ) -> wasmtime::Result<Option<Resource<File>>> {
        let process = self.process(&process)?;
        match self.processes(|guest, store| guest.call_file(store, process, descriptor))? {
            Some(file) => Ok(Some(self.push_file(file)?)),
            None => Ok(None),
        }
    }

    fn adopt(&mut self, process: Resource<Process>, file: Resource<File>) -> wasmtime::Result<Outcome<u32>> {
        let process = self.process(&process)?;
        let file = self.table.delete(file)?.0.release();
        self.processes(|guest, store| guest.call_adopt(store, process, file))
    }

    fn set_disposition(
        &mut self,
        process: Resource<Process>,
        what: Signal,
        disposition: processes::Disposition,
    ) -> wasmtime::Result<()> {
        let process = self.process(&process)?;
        let disposition = match disposition {
            processes::Disposition::Default => exported::Disposition::Default,
            processes::Disposition::Ignore => exported::Disposition::Ignore,
            processes::Disposition::Deliver => exported::Disposition::Deliver,
        };
        self.processes(|guest, store| guest.call_set_disposition(store, process, what, disposition))
    }

    fn get_disposition(
        &mut self,
        process: Resource<Process>,
        what: Signal,
    ) -> wasmtime::Result<processes::Disposition> {
        let process = self.process(&process)?;
        Ok(match self.processes(|guest, store| guest.call_get_disposition(store, process, what))? {
            exported::Disposition::Default => processes::Disposition::Default,
            exported::Disposition::Ignore => processes::Disposition::Ignore,
            exported::Disposition::Deliver => processes::Disposition::Deliver,
        })
    }

    fn send_signal(
        &mut self,
        process: Resource<Process>,
        to: processes::Target,
        what: Signal,
    ) -> wasmtime::Result<Outcome<()>> {
        let process = self.process(&process)?;
        let to = match to {
            processes::Target::Process(pid) => exported::Target::Process(pid),
            processes::Target::Group(group) => exported::Target::Group(group),
        };
        self.processes(|guest, store| guest.call_send_signal(store, process, to, what))
    }

    fn spawn(
        &mut self,
        process: Resource<Process>,
        what: processes::Spawn,
    ) -> wasmtime::Result<Outcome<u32>> {
        let process = self.process(&process)?;
        let processes::Spawn { program, arguments, environment, cwd, umask, descriptors, new_group } = what;
        let what = exported::Spawn { program, arguments, environment, cwd, umask, descriptors, new_group };
        self.processes(|guest, store| guest.call_spawn(store, process, &what))
    }

    fn drop(&mut self, process: Resource<Process>) -> wasmtime::Result<()> {
        let process = self.table.delete(process)?;
        if self.process == Some(process.0.resource) {
            self.process = None;
        }
        Ok(())
    }
}

impl processes::Host for Forward {}

fn readiness(ready: exported::Readiness) -> processes::Readiness {
    let mut result = processes::Readiness::empty();
    for (from, to) in [
        (exported::Readiness::READ, processes::Readiness::READ),
        (exported::Readiness::WRITE, processes::Readiness::WRITE),
        (exported::Readiness::HANG_UP, processes::Readiness::HANG_UP),
        (exported::Readiness::INVALID, processes::Readiness::INVALID),
    ] {
        if ready.contains(from) {
            result |= to;
        }
    }
    result
}

/// Writes a message to the standard error of a process that nobody has opened yet.
pub(crate) fn complain(core: &Arc<CoreCell>, pid: u32, message: &str) {
    let mut locked = core.lock();
    let of = locked.id;
    let opened = locked.call(|world, store| world.wasmsh_session_processes().process().call_open(store, pid));
    if let Ok(Some(process)) = opened {
        complain_as(&mut locked, of, process, message);
        drop(locked);
        drop(Handle::new(process, core, of));
    }
}

fn complain_as(core: &mut Core, of: CoreId, process: ResourceAny, message: &str) {
    // A pipe that is full, or closed, has no room for a message.
    let _ = core.call_in(of, |world, store| {
        let guest = world.wasmsh_session_processes().process();
        guest.call_write(store, process, 2, message.as_bytes(), false)
    });
}

/// Lets the compiler check that a core can be moved between threads.
const _: fn() = || {
    fn send<T: Send>() {}
    send::<Core>();
    send::<Instance>();
};
