//! The state of the process: its descriptors, directory and mask.

use alloc::borrow::ToOwned;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, Ref, RefCell, RefMut};

use crate::bindings::wasmsh::fs::files::File;
use crate::bindings::wasmsh::session::processes::Process;
use crate::errno::Errno;
use crate::rom::Node;

/// How many descriptors a process may have (`OPEN_MAX`).
pub(crate) const DESCRIPTORS: usize = 1024;

/// What an open file description leads to.
pub(crate) enum Object {
    /// Nothing: reads end, writes vanish. The standard descriptors while the image is made.
    Nothing,
    /// A descriptor of the process in the shell's table: a pipe, a terminal, the host's stream.
    Process(u32),
    /// A file of the filesystem. `inherited` is its number in the shell's table, if it came from there.
    File { file: File, inherited: Option<u32> },
    /// A directory, by its absolute path.
    Directory(String),
    /// A file or directory of the standard library, with the position.
    Rom { node: Node, position: Cell<u64> },
}

/// An open file description (POSIX XBD 3.258): duplicates of a descriptor share it.
pub(crate) struct Description {
    pub(crate) object: Object,
    /// The `O_*` flags it was opened with, those of `F_SETFL` as they are now.
    pub(crate) flags: Cell<i32>,
}

impl Drop for Description {
    fn drop(&mut self) {
        // The handle of a file goes by itself; a number in the shell's table does not.
        let number = match &self.object {
            Object::Process(number) => Some(*number),
            Object::File { inherited, .. } => *inherited,
            _ => None,
        };
        if let (Some(number), Some(process)) = (number, process()) {
            // A descriptor that the shell has closed already is as closed as it can be.
            let _ = process.close(number);
        }
    }
}

/// An entry of the descriptor table.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) description: Rc<Description>,
    pub(crate) close_on_exec: bool,
}

/// What belongs to the process that runs.
pub(crate) struct Layer {
    pub(crate) table: Vec<Option<Slot>>,
    pub(crate) cwd: String,
    pub(crate) umask: u32,
}

/// One thread: a wasm component without the threads proposal has no other.
struct Single<T>(T);
// SAFETY: see above.
unsafe impl<T> Sync for Single<T> {}

static LAYER: Single<RefCell<Layer>> =
    Single(RefCell::new(Layer { table: Vec::new(), cwd: String::new(), umask: 0o022 }));
static PROCESS: Single<RefCell<Option<Rc<Process>>>> = Single(RefCell::new(None));
/// Set by `os._exit` and by signals that kill: from then on the process does nothing that can be seen.
static DEAD: Single<Cell<bool>> = Single(Cell::new(false));

/// The state to read. No borrow is held across a call that could come back here.
pub(crate) fn layer() -> Ref<'static, Layer> {
    LAYER.0.borrow()
}

/// The state to change.
pub(crate) fn layer_mut() -> RefMut<'static, Layer> {
    LAYER.0.borrow_mut()
}

/// The process of this run; none while the image is made.
pub(crate) fn process() -> Option<Rc<Process>> {
    PROCESS.0.borrow().clone()
}

/// Whether there is a world outside: no call may leave before the first run.
pub(crate) fn is_live() -> bool {
    PROCESS.0.borrow().is_some()
}

pub(crate) fn set_process(process: Option<Rc<Process>>) {
    *PROCESS.0.borrow_mut() = process;
}

pub(crate) fn is_dead() -> bool {
    DEAD.0.get()
}

pub(crate) fn set_dead(dead: bool) {
    DEAD.0.set(dead);
}

impl Layer {
    /// Puts a description at the lowest free number that is not below `from`.
    pub(crate) fn install(&mut self, description: Rc<Description>, from: usize) -> Result<i32, Errno> {
        let slot = Some(Slot { description, close_on_exec: false });
        let mut number = from;
        while let Some(Some(_)) = self.table.get(number) {
            number += 1;
        }
        if number >= DESCRIPTORS {
            return Err(Errno::EMFILE);
        }
        if self.table.len() <= number {
            self.table.resize(number + 1, None);
        }
        if let Some(place) = self.table.get_mut(number) {
            *place = slot;
        }
        i32::try_from(number).map_err(|_| Errno::EMFILE)
    }

    /// Puts a description at a number of its own; what was there is returned, to be dropped outside.
    pub(crate) fn replace(&mut self, number: usize, slot: Slot) -> Result<Option<Slot>, Errno> {
        if number >= DESCRIPTORS {
            return Err(Errno::EBADF);
        }
        if self.table.len() <= number {
            self.table.resize(number + 1, None);
        }
        match self.table.get_mut(number) {
            Some(place) => Ok(place.replace(slot)),
            None => Err(Errno::EBADF),
        }
    }

    fn slot(&self, number: i32) -> Result<&Slot, Errno> {
        let number = usize::try_from(number).map_err(|_| Errno::EBADF)?;
        self.table.get(number).and_then(Option::as_ref).ok_or(Errno::EBADF)
    }
}

/// The description behind a descriptor.
pub(crate) fn description(number: i32) -> Result<Rc<Description>, Errno> {
    if is_dead() {
        return Err(Errno::EIO);
    }
    let layer = layer();
    if layer.table.is_empty() && !is_live() && (0..=2).contains(&number) {
        return Ok(Rc::new(Description { object: Object::Nothing, flags: Cell::new(0) }));
    }
    Ok(layer.slot(number)?.description.clone())
}

/// The table entry of a descriptor.
pub(crate) fn slot(number: i32) -> Result<Slot, Errno> {
    layer().slot(number).cloned()
}

/// Opens a new description at the lowest free number.
pub(crate) fn install(object: Object, flags: i32) -> Result<i32, Errno> {
    let description = Rc::new(Description { object, flags: Cell::new(flags) });
    layer_mut().install(description, 0)
}

/// Closes everything, in the order of the numbers.
pub(crate) fn close_all() {
    let table = core::mem::take(&mut layer_mut().table);
    drop(table);
}

/// The working directory; the root while the image is made.
pub(crate) fn cwd() -> String {
    let layer = layer();
    if layer.cwd.is_empty() { "/".to_owned() } else { layer.cwd.clone() }
}
