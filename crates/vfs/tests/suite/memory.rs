//! A fresh in-memory filesystem with a clock that counts and randomness that repeats.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, reason = "test code")]

use std::cell::Cell;
use std::rc::Rc;

use wasmsh_vfs::{Entropy, Timestamp, Vfs};

struct Counter;

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = i as u8 + 1;
        }
    }
}

/// Each reading of the clock is a nanosecond later.
pub fn fresh() -> Vfs {
    let now = Cell::new(1_700_000_000_000_000_000);
    let clock = move || {
        now.set(now.get() + 1);
        Timestamp::from_nanos(now.get())
    };
    Vfs::new(Rc::new(clock), Rc::new(Counter)).unwrap()
}
