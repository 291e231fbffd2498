//! Clocks, sleeping and randomness.

use core::cell::Cell;
use core::ffi::c_void;

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::random::random;
use crate::errno::{Errno, done};
use crate::layer;
use crate::processes::wait_ready;

/// What the clock shows while the image is made: 2025-01-01T00:00:00Z.
const STILL: u64 = 1_735_689_600 * 1_000_000_000;

struct Start(Cell<u64>);
// SAFETY: a wasm component without the threads proposal has one thread.
unsafe impl Sync for Start {}

static START: Start = Start(Cell::new(0));

/// The process begins now: its clock of time used starts at zero.
pub(crate) fn begin() {
    START.0.set(monotonic_clock::now());
}

/// Nanoseconds of a clock of WASI preview 1: 0 real time, 1 monotonic, otherwise since the process began.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_clock(which: u32) -> u64 {
    if !layer::is_live() {
        return STILL;
    }
    match which {
        0 => {
            let now = wall_clock::now();
            now.seconds.saturating_mul(1_000_000_000).saturating_add(u64::from(now.nanoseconds))
        }
        1 => monotonic_clock::now(),
        _ => monotonic_clock::now().saturating_sub(START.0.get()),
    }
}

/// Sleeps for so many nanoseconds; the shell's other processes go on meanwhile.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_sleep(duration: u64) -> i32 {
    let Some(process) = layer::process() else {
        return Errno::ENOSYS.negative();
    };
    // CPython begins an interrupted sleep anew, and a process that has ended is interrupted for ever.
    if layer::is_dead() {
        return 0;
    }
    done(wait_ready(&process, &[], Some(duration)).map(drop))
}

/// Fills a buffer with bytes nobody can foretell; while the image is made, with zeros.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_random(to: *mut c_void, length: usize) {
    if to.is_null() || length == 0 {
        return;
    }
    // SAFETY: the contract of getentropy.
    let to = unsafe { core::slice::from_raw_parts_mut(to.cast::<u8>(), length) };
    if !layer::is_live() {
        to.fill(0);
        return;
    }
    for piece in to.chunks_mut(1 << 16) {
        let got = random::get_random_bytes(piece.len() as u64);
        for (to, from) in piece.iter_mut().zip(got) {
            *to = from;
        }
    }
}
