//! Another Python within this one, where one interpreter serves the whole session.
//!
//! A process that waits for another Python would wait for ever: that one needs the interpreter. So the process is put
//! aside (`image.c`), the other one runs from the pristine image to its end, and the process is brought back.

use core::cell::Cell;

use crate::bindings::wasmsh::fs::types::ErrorCode;
use crate::bindings::wasmsh::session::processes::Process;
use crate::bindings::wasmsh::session::types::Exit;
use crate::errno::Errno;
use crate::run;

unsafe extern "C" {
    /// `image.c`: puts the process aside; 0 if there is no memory for it.
    fn wasmsh_image_push() -> usize;
    /// `image.c`: brings it back.
    fn wasmsh_image_pop(aside: usize);
    /// `reactor.c`: how many levels of C recursion this process may still enter.
    fn wasmsh_recursion_left() -> i32;
}

/// How many may wait for one another. Each keeps what it has changed of the image, mostly some megabytes.
const DEEPEST: u32 = 16;

/// Levels of C recursion that a Python needs for itself. They are those of one native stack, which all share.
const LEAST_RECURSION: i32 = 600;

/// The status of a command that was found and cannot be executed (POSIX XCU 2.8.2).
const CANNOT_RUN: Exit = Exit::Code(126);

struct Depth(Cell<u32>);
// SAFETY: a wasm component without the threads proposal has one thread.
unsafe impl Sync for Depth {}

/// How many processes are put aside below this one.
static DEPTH: Depth = Depth(Cell::new(0));

/// A blocking call, repeated after every Python that had to run first.
///
/// # Errors
/// Those of the call; `EDEADLK`: it would wait for ever, for something that this process keeps from happening.
pub(crate) fn waiting<T>(
    process: &Process,
    mut call: impl FnMut() -> Result<T, ErrorCode>,
) -> Result<T, Errno> {
    loop {
        match call() {
            Err(ErrorCode::Again) => match process.next_command() {
                Some(pid) => run_within(pid),
                None => return Err(Errno::EDEADLK),
            },
            result => return result.map_err(Errno::from),
        }
    }
}

/// Runs the process `pid` to its end.
fn run_within(pid: u32) {
    let depth = DEPTH.0.get() + 1;
    // SAFETY: no run is over while one waits.
    let recursion = unsafe { wasmsh_recursion_left() };
    if depth > DEEPEST || recursion < LEAST_RECURSION {
        refuse(pid, b"python3: too many Pythons wait for one another\n");
        return;
    }
    // SAFETY: until it is popped, nothing of this process is used but what lies on the stack.
    let aside = unsafe { wasmsh_image_push() };
    if aside == 0 {
        refuse(pid, b"python3: Cannot allocate memory\n");
        return;
    }
    DEPTH.0.set(depth);
    if let Some(process) = Process::open(pid) {
        run::run(process, recursion, |process, exit| process.finish(exit));
    }
    // SAFETY: what ran since has given back all that it had.
    unsafe { wasmsh_image_pop(aside) };
}

fn refuse(pid: u32, message: &[u8]) {
    if let Some(process) = Process::open(pid) {
        // Without a standard error there is nobody to tell.
        let _ = process.write(2, message, false);
        process.finish(CANNOT_RUN);
    }
}
