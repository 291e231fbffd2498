//! `wasi:clocks` and `wasi:io/poll`: time, and waiting for it.
//!
//! Everything but time is always ready here: files, and the standard streams of
//! a program, whose input is there from the beginning.

use crate::bindings::exports::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::exports::wasi::io::poll;
use crate::{Component, state};

/// What a program waits for.
pub(crate) enum Pollable {
    /// A stream: nothing to wait for.
    Ready,
    /// The monotonic clock shows this.
    Timer(u64),
}

impl Pollable {
    /// A pollable that is always ready.
    pub(crate) fn ready() -> poll::Pollable {
        poll::Pollable::new(Pollable::Ready)
    }
}

impl poll::GuestPollable for Pollable {
    fn ready(&self) -> bool {
        match self {
            Pollable::Ready => true,
            Pollable::Timer(deadline) => state::monotonic_clock() >= *deadline,
        }
    }

    fn block(&self) {
        if let Pollable::Timer(deadline) = self {
            state::sleep_until(*deadline);
        }
    }
}

impl poll::Guest for Component {
    type Pollable = Pollable;

    /// The indices of what is ready, and only of that. Only if nothing is does
    /// it wait, for the earliest timer. An empty list, for which WASI asks a
    /// trap, gives an empty list.
    fn poll(in_: Vec<poll::PollableBorrow<'_>>) -> Vec<u32> {
        let deadlines: Vec<Option<u64>> = in_
            .iter()
            .map(|pollable| match pollable.get::<Pollable>() {
                Pollable::Ready => None,
                Pollable::Timer(deadline) => Some(*deadline),
            })
            .collect();
        let ready_at = |now: u64| -> Vec<u32> {
            let ready = deadlines.iter().zip(0u32..);
            ready.filter(|(at, _)| at.is_none_or(|at| at <= now)).map(|(_, index)| index).collect()
        };
        let Some(earliest) = deadlines.iter().flatten().min() else { return ready_at(0) };
        let ready = ready_at(state::monotonic_clock());
        if !ready.is_empty() {
            return ready;
        }
        state::sleep_until(*earliest);
        // A clock that woke a moment too early does not matter: the time has come.
        ready_at(state::monotonic_clock().max(*earliest))
    }
}

impl monotonic_clock::Guest for Component {
    fn now() -> u64 {
        state::monotonic_clock()
    }

    fn resolution() -> u64 {
        state::monotonic_resolution()
    }

    fn subscribe_instant(when: u64) -> poll::Pollable {
        poll::Pollable::new(Pollable::Timer(when))
    }

    fn subscribe_duration(when: u64) -> poll::Pollable {
        let deadline = state::monotonic_clock().saturating_add(when);
        poll::Pollable::new(Pollable::Timer(deadline))
    }
}

impl wall_clock::Guest for Component {
    /// A time before the epoch, which WASI cannot say, reads as the epoch.
    fn now() -> wall_clock::Datetime {
        let now = state::wall_clock();
        match u64::try_from(now.seconds) {
            Ok(seconds) => wall_clock::Datetime { seconds, nanoseconds: now.nanoseconds },
            Err(_) => wall_clock::Datetime { seconds: 0, nanoseconds: 0 },
        }
    }

    fn resolution() -> wall_clock::Datetime {
        wall_clock::Datetime { seconds: 0, nanoseconds: 1 }
    }
}
