//! `wasmsh:fs/determinism`: clocks and randomness that repeat themselves.

use crate::bindings::exports::wasmsh::fs::determinism;
use crate::{Component, convert, state};

impl determinism::Guest for Component {
    fn set_seed(seed: Option<u64>) {
        state::set_seed(seed);
    }

    fn set_clock(fixed: Option<determinism::FixedClock>) {
        state::set_fixed_clock(fixed.map(|fixed| (convert::timestamp_in(fixed.start), fixed.step)));
    }
}
