//! Signals by their numbers, and how they reach a process that nothing can interrupt: it asks.

use crate::bindings::wasmsh::session::processes::Disposition;
use crate::bindings::wasmsh::session::types::Signal;
use crate::errno::{Errno, done};
use crate::layer;

/// Numbers as Linux and wasi-libc have them.
const NUMBERS: [(Signal, i32); 31] = [
    (Signal::Hup, 1),
    (Signal::Int, 2),
    (Signal::Quit, 3),
    (Signal::Ill, 4),
    (Signal::Trap, 5),
    (Signal::Abrt, 6),
    (Signal::Bus, 7),
    (Signal::Fpe, 8),
    (Signal::Kill, 9),
    (Signal::Usr1, 10),
    (Signal::Segv, 11),
    (Signal::Usr2, 12),
    (Signal::Pipe, 13),
    (Signal::Alrm, 14),
    (Signal::Term, 15),
    (Signal::Stkflt, 16),
    (Signal::Chld, 17),
    (Signal::Cont, 18),
    (Signal::Stop, 19),
    (Signal::Tstp, 20),
    (Signal::Ttin, 21),
    (Signal::Ttou, 22),
    (Signal::Urg, 23),
    (Signal::Xcpu, 24),
    (Signal::Xfsz, 25),
    (Signal::Vtalrm, 26),
    (Signal::Prof, 27),
    (Signal::Winch, 28),
    (Signal::Io, 29),
    (Signal::Pwr, 30),
    (Signal::Sys, 31),
];

pub(crate) fn number(signal: Signal) -> i32 {
    NUMBERS.iter().find(|(known, _)| *known == signal).map_or(0, |(_, number)| *number)
}

pub(crate) fn signal(number: i32) -> Option<Signal> {
    NUMBERS.iter().find(|(_, known)| *known == number).map(|(signal, _)| *signal)
}

/// The next signal that waits, or 0.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_take_signal() -> i32 {
    layer::process().and_then(|process| process.take_signal()).map_or(0, number)
}

/// What a signal does from now on: 0 its default, 1 nothing, 2 it waits for `wasmsh_take_signal`.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_set_disposition(what: i32, disposition: i32) -> i32 {
    let disposition = match disposition {
        0 => Disposition::Default,
        1 => Disposition::Ignore,
        _ => Disposition::Deliver,
    };
    let Some(signal) = signal(what) else {
        return Errno::EINVAL.negative();
    };
    if let Some(process) = layer::process() {
        process.set_disposition(signal, disposition);
    }
    done(Ok(()))
}

/// Whether a signal is ignored since before the process began.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_is_ignored(what: i32) -> bool {
    match (layer::process(), signal(what)) {
        (Some(process), Some(signal)) => process.get_disposition(signal) == Disposition::Ignore,
        _ => false,
    }
}
