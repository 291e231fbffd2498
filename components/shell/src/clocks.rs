//! Time and randomness for the kernel, from WASI.

use wasmsh_os::{Clock, Entropy, Timestamp};

use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::random::random;

/// The clocks that the filesystem component exports, so that all of a session share them.
pub(crate) struct WasiClock;

impl Clock for WasiClock {
    fn wall(&self) -> Timestamp {
        let now = wall_clock::now();
        let seconds = i64::try_from(now.seconds).unwrap_or(i64::MAX);
        Timestamp { seconds, nanoseconds: now.nanoseconds }
    }

    fn monotonic(&self) -> u64 {
        monotonic_clock::now()
    }
}

/// Randomness from the same place.
pub(crate) struct WasiEntropy;

impl Entropy for WasiEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let bytes = random::get_random_bytes(buffer.len() as u64);
        for (to, from) in buffer.iter_mut().zip(bytes) {
            *to = from;
        }
    }
}
