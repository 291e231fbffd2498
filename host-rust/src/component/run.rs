//! One run of a command component, as a process of the session.
//!
//! It runs on a fiber, as Python does: a call that blocks asks the core without blocking and gives the fiber up until the
//! shell has had a turn; one that computes gives way at every tick of the epoch. Dropping the future ends it.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, ResourceAny, ResourceTable};
use wasmtime::{Store, Trap};

use super::CommandComponent;
use super::cli::Exited;
use crate::bindings::command::Command;
use crate::bindings::core::exports::wasmsh::fs::files::Guest as Files;
use crate::bindings::core::exports::wasmsh::session::processes::GuestProcess;
use crate::bindings::core::wasmsh::session::types::Exit;
use crate::core::{CoreCell, CoreState, Trapped};
use crate::engine::Engine;
use crate::memory::Memory;
use crate::python::Handle;
use crate::types::Signal;

/// The status of a command that was found and cannot be run (bash manual, 3.7.5).
const CANNOT_RUN: u8 = 126;

/// What the store of a run keeps.
pub(crate) struct State {
    pub(crate) core: Arc<CoreCell>,
    pub(super) process: Handle,
    pub(crate) table: ResourceTable,
    /// Entries in the lists of directories that are open.
    pub(crate) listed: usize,
    memory: Memory,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) cwd: String,
    /// It has asked for its working directory: its paths are absolute.
    pub(crate) knows_cwd: bool,
    pub(crate) umask: u32,
    /// What the pipes behind standard output and standard error had no room for.
    pub(crate) kept: [Vec<u8>; 2],
}

fn lost(_: Trapped) -> wasmtime::Error {
    wasmtime::Error::msg("the core has trapped")
}

impl State {
    /// A call on the session's files.
    pub(crate) fn files<R>(
        &self,
        call: impl FnOnce(&Files, &mut Store<CoreState>) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let of = self.process.of();
        self.core.lock().call_in(of, |world, store| call(world.wasmsh_fs_files(), store)).map_err(lost)
    }

    /// A call on the process; `came` tells whether it may let others go on.
    pub(crate) fn attempt<R>(
        &self,
        call: impl FnOnce(GuestProcess<'_>, &mut Store<CoreState>, ResourceAny) -> wasmtime::Result<R>,
        came: impl FnOnce(&R) -> bool,
    ) -> wasmtime::Result<R> {
        let mut core = self.core.lock();
        let process = self.process.resource();
        let result = core
            .call_in(self.process.of(), |world, store| {
                call(world.wasmsh_session_processes().process(), store, process)
            })
            .map_err(lost)?;
        core.activity += u64::from(came(&result));
        Ok(result)
    }
}

/// Adds what `State` answers.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    Command::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Room for what a component may have open at a time, which is memory of the host's.
fn table() -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(1 << 16);
    table
}

/// Text of the process's, as WASI has it.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Opens the process `pid`. `None`: it was killed before it began.
fn open(core: &Arc<CoreCell>, pid: u32, memory: usize) -> Result<Option<State>, Trapped> {
    let mut locked = core.lock();
    let of = locked.id;
    let opened = locked.call(|world, store| {
        let guest = world.wasmsh_session_processes().process();
        let Some(process) = guest.call_open(&mut *store, pid)? else { return Ok(None) };
        let arguments = guest.call_arguments(&mut *store, process)?;
        let environment = guest.call_environment(&mut *store, process)?;
        let cwd = guest.call_cwd(&mut *store, process)?;
        let umask = guest.call_umask(store, process)?;
        Ok(Some((process, arguments, environment, cwd, umask)))
    })?;
    Ok(opened.map(|(process, arguments, environment, cwd, umask)| State {
        core: Arc::clone(core),
        process: Handle::new(process, core, of),
        table: table(),
        listed: 0,
        memory: Memory::new(memory),
        arguments: arguments.into_iter().map(text).collect(),
        environment: environment.into_iter().map(|(name, value)| (text(name), text(value))).collect(),
        cwd,
        knows_cwd: false,
        umask,
        kept: Default::default(),
    }))
}

/// Runs a component as the process `pid`.
pub(crate) async fn run(
    engine: Engine,
    component: CommandComponent,
    core: Arc<CoreCell>,
    name: String,
    pid: u32,
    memory: usize,
) -> Exit {
    // A component that computes gives way at every tick.
    let _ticking = engine.0.tick();
    let state = match open(&core, pid, memory) {
        Ok(Some(state)) => state,
        // No core: nobody reads the status.
        Ok(None) | Err(_) => return Exit::Signalled(Signal::Kill.into()),
    };
    let mut store = Store::new(component.pre().engine(), state);
    store.limiter(|state| &mut state.memory);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    let (began, result) = match component.pre().instantiate_async(&mut store).await {
        Ok(world) => (true, world.wasi_cli_run().call_run(&mut store).await),
        Err(error) => (false, Err(error)),
    };
    let exit = match result {
        Ok(result) => Exit::Code(u8::from(result.is_err())),
        Err(error) => match error.downcast_ref::<Exited>() {
            Some(Exited(status)) => Exit::Code(*status),
            None => {
                let refused = store.data().memory.refused();
                if let Some(limit) = refused {
                    core.lock().io().collected.exceed(limit);
                }
                tracing::debug!(command = name, error = %format!("{error:#}"), "a command has trapped");
                let why = match (began, refused) {
                    (_, Some(limit)) => format!("{name}: out of memory: {limit}\n"),
                    (false, None) => format!("{name}: cannot start: {}\n", error.root_cause()),
                    (true, None) => format!("{name}: {}\n", error.root_cause()),
                };
                store.data_mut().kept[1].extend_from_slice(why.as_bytes());
                match (began, error.downcast_ref::<Trap>()) {
                    (false, _) => Exit::Code(CANNOT_RUN),
                    (true, Some(Trap::MemoryOutOfBounds | Trap::StackOverflow)) => {
                        Exit::Signalled(Signal::Segv.into())
                    }
                    (true, Some(Trap::IntegerDivisionByZero | Trap::IntegerOverflow)) => {
                        Exit::Signalled(Signal::Fpe.into())
                    }
                    (true, _) => Exit::Signalled(Signal::Abrt.into()),
                }
            }
        },
    };
    // A core that has trapped takes nothing any more.
    let _ = store.data_mut().write_rest().await;
    exit
}
