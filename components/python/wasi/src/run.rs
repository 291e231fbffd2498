//! A run: the process begins, CPython runs in it, everything it had is given back.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::c_char;

use crate::bindings::export;
use crate::bindings::exports::wasmsh::python::interpreter::Guest;
use crate::bindings::wasmsh::fs::types::OpenFlags;
use crate::bindings::wasmsh::session::processes::Process;
use crate::bindings::wasmsh::session::types::{Exit, Signal};
use crate::descriptors::flags;
use crate::layer::{self, Description, Object, Slot};
use crate::{clocks, signals};

unsafe extern "C" {
    /// `image.c`: takes the image before the first run, puts the memory back before any later one.
    fn wasmsh_image_begin();
    /// `image.c`: puts the memory back if there was a run since it was put back last.
    fn wasmsh_image_reset();
    /// `locks.c`: gives up what the process has locked.
    fn wasmsh_locks_end();
    /// `reactor.c`: the exit status, or 256 and the number of the signal that ended it. `recursion`: how many levels
    /// of C recursion it may enter at most.
    fn wasmsh_python_main(
        arguments: i32,
        argv: *mut *mut c_char,
        environment: *mut *mut c_char,
        recursion: i32,
    ) -> i32;
}

struct Component;

impl Guest for Component {
    fn run(pid: u32) -> Exit {
        // SAFETY: nothing of an earlier run is on the stack, and nothing of it is used afterwards.
        unsafe { wasmsh_image_begin() };
        let Some(process) = Process::open(pid) else {
            return Exit::Code(127);
        };
        run(process, i32::MAX, |_, exit| exit)
    }

    fn reset() {
        // SAFETY: as in `run`.
        unsafe { wasmsh_image_reset() };
    }
}

export!(Component with_types_in crate::bindings);

/// A list of C strings that ends with a null pointer. It stays for the run: CPython keeps pointers into it.
fn c_strings(list: impl Iterator<Item = Vec<u8>>) -> Vec<*mut c_char> {
    let mut pointers: Vec<*mut c_char> = list
        .map(|mut bytes| {
            bytes.push(0);
            bytes.leak().as_mut_ptr().cast()
        })
        .collect();
    pointers.push(core::ptr::null_mut());
    pointers
}

/// The `O_*` flags of an inherited file.
fn open_flags(how: OpenFlags) -> i32 {
    [(OpenFlags::READ, flags::RDONLY), (OpenFlags::WRITE, flags::WRONLY), (OpenFlags::APPEND, flags::APPEND)]
        .into_iter()
        .filter(|(flag, _)| how.contains(*flag))
        .fold(0, |all, (_, bit)| all | bit)
}

/// Runs the interpreter as `process`. `ended` is told how that ended, when nothing is open any more.
pub(crate) fn run<T>(process: Process, recursion: i32, ended: impl FnOnce(&Process, Exit) -> T) -> T {
    let process = begin(process);
    let exit = interpret(&process, recursion);
    layer::set_dead(false);
    // SAFETY: nothing of the process runs any more.
    unsafe { wasmsh_locks_end() };
    layer::close_all();
    let result = ended(&process, exit);
    layer::set_process(None);
    result
}

/// Makes this layer that of `process`.
fn begin(process: Process) -> Rc<Process> {
    let descriptors: Vec<(u32, Object)> = process
        .descriptors()
        .into_iter()
        .map(|number| match process.file(number) {
            Some(file) => (number, Object::File { file, inherited: Some(number) }),
            None => (number, Object::Process(number)),
        })
        .collect();
    {
        let mut layer = layer::layer_mut();
        layer.cwd = process.cwd();
        layer.umask = process.umask();
        for (number, object) in descriptors {
            let flags = match &object {
                Object::File { file, .. } => open_flags(file.get_flags()),
                _ => flags::RDONLY | flags::WRONLY,
            };
            let description = Rc::new(Description { object, flags: Cell::new(flags) });
            // A number beyond what a process may have is left with the shell.
            let _ = layer.replace(number as usize, Slot { description, close_on_exec: false });
        }
    }
    let process = Rc::new(process);
    layer::set_process(Some(process.clone()));
    clocks::begin();
    process
}

fn interpret(process: &Process, recursion: i32) -> Exit {
    let arguments = c_strings(process.arguments().into_iter());
    let environment = c_strings(process.environment().into_iter().map(|(mut name, value)| {
        name.push(b'=');
        name.extend_from_slice(&value);
        name
    }));
    let count = i32::try_from(arguments.len() - 1).unwrap_or(i32::MAX);
    // SAFETY: the lists live as long as the run: they are leaked.
    let status = unsafe {
        let (argv, environment) = (arguments.leak().as_mut_ptr(), environment.leak().as_mut_ptr());
        wasmsh_python_main(count, argv, environment, recursion)
    };
    match u8::try_from(status) {
        Ok(code) => Exit::Code(code),
        Err(_) => Exit::Signalled(signals::signal(status - 256).unwrap_or(Signal::Kill)),
    }
}

/// From now on the process does nothing that anybody can see: `os._exit`, and signals that kill.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_die() {
    layer::set_dead(true);
}
