//! What a filesystem needs from whoever embeds it: the time and randomness.

use crate::Timestamp;

/// The clock that stamps files. Called before the tree is looked at, never
/// while it is borrowed, so an implementation may call anything.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Where `/dev/random` and `/dev/urandom` come from.
pub trait Entropy {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl<F: Fn() -> Timestamp> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}
