//! Where the kernel gets time and randomness from.

use std::cell::Cell;

use wasmsh_vfs::Timestamp;

/// The clocks of a session.
pub trait Clock {
    /// The time of day.
    fn wall(&self) -> Timestamp;
    /// Nanoseconds since some fixed moment; never goes back.
    fn monotonic(&self) -> u64;
}

/// A source of random bytes.
pub trait Entropy {
    /// Fills `buffer`.
    fn fill(&self, buffer: &mut [u8]);
}

/// A clock that stands still until it is moved: for tests, and for sessions that repeat themselves.
#[derive(Debug, Default)]
pub struct ManualClock {
    monotonic: Cell<u64>,
    start: Timestamp,
}

impl ManualClock {
    /// A clock whose time of day is `start`, and whose monotonic clock is at 0.
    pub fn new(start: Timestamp) -> ManualClock {
        ManualClock { monotonic: Cell::new(0), start }
    }

    /// Moves both clocks on.
    pub fn advance(&self, nanoseconds: u64) {
        self.monotonic.set(self.monotonic.get().saturating_add(nanoseconds));
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_nanos(self.start.as_nanos() + i128::from(self.monotonic.get()))
    }

    fn monotonic(&self) -> u64 {
        self.monotonic.get()
    }
}

/// Numbers that are the same in every run (splitmix64, Steele et al. 2014).
#[derive(Debug)]
pub struct SeededEntropy(Cell<u64>);

impl SeededEntropy {
    /// The sequence that belongs to this seed.
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(Cell::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.0.set(state);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            for (to, from) in part.iter_mut().zip(z.to_le_bytes()) {
                *to = from;
            }
        }
    }
}
