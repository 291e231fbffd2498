//! The one filesystem of this instance, and where its time and randomness come from.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use wasmsh_vfs::{Clock, Entropy, Errno, Keeper, Timestamp, Vfs};

use crate::bindings::wasi::{clocks, random};
use crate::bindings::wasmsh::fs::blobs;

thread_local! {
    static VFS: Result<Vfs, Errno> = Vfs::new(Rc::new(HostClock), Rc::new(HostEntropy))
        .inspect(|vfs| vfs.keep_with(Rc::new(HostKeeper::default())));
    static FIXED: Cell<Option<Fixed>> = const { Cell::new(None) };
    static SEEDED: RefCell<Option<ChaCha12Rng>> = const { RefCell::new(None) };
}

/// The filesystem. An error only if there was no memory for an empty one.
pub(crate) fn vfs() -> Result<Vfs, Errno> {
    VFS.with(Clone::clone)
}

/// A clock that goes on by a step at each reading.
#[derive(Clone, Copy)]
struct Fixed {
    start: i128,
    now: i128,
    step: u64,
}

struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        wall_clock()
    }
}

struct HostEntropy;

impl Entropy for HostEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        fill_random(bytes);
    }
}

/// The host, as far as it keeps contents.
#[derive(Default)]
struct HostKeeper {
    /// How many times it is not asked, after it has not kept something.
    pause: Cell<u32>,
}

/// Handing bytes over costs something where nobody takes them.
const PAUSE: u32 = 1000;

impl Keeper for HostKeeper {
    fn keep(&self, bytes: &[u8]) -> Option<u64> {
        if let Some(left) = self.pause.get().checked_sub(1) {
            self.pause.set(left);
            return None;
        }
        let number = blobs::keep(bytes);
        if number.is_none() {
            self.pause.set(PAUSE);
        }
        number
    }

    fn read(&self, number: u64, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), Errno> {
        let length = u32::try_from(length).map_err(|_| Errno::NoMemory)?;
        buffer.extend_from_slice(&blobs::read(number, offset, length).ok_or(Errno::Io)?);
        Ok(())
    }

    fn release(&self, number: u64) {
        blobs::release(number);
    }
}

/// Puts a fixed clock in the place of the host's, or takes it away.
pub(crate) fn set_fixed_clock(fixed: Option<(Timestamp, u64)>) {
    FIXED.set(fixed.map(|(start, step)| Fixed { start: start.as_nanos(), now: start.as_nanos(), step }));
}

/// Reads the fixed clock, if there is one.
fn read_fixed() -> Option<Fixed> {
    let fixed = FIXED.get()?;
    FIXED.set(Some(Fixed { now: fixed.now.saturating_add(i128::from(fixed.step)), ..fixed }));
    Some(fixed)
}

/// The time of day.
pub(crate) fn wall_clock() -> Timestamp {
    match read_fixed() {
        Some(fixed) => Timestamp::from_nanos(fixed.now),
        None => {
            let now = clocks::wall_clock::now();
            Timestamp {
                seconds: i64::try_from(now.seconds).unwrap_or(i64::MAX),
                nanoseconds: now.nanoseconds.min(Timestamp::NANOS - 1),
            }
        }
    }
}

/// The monotonic clock, in nanoseconds. A fixed one begins at 0.
pub(crate) fn monotonic_clock() -> u64 {
    match read_fixed() {
        Some(fixed) => u64::try_from(fixed.now.saturating_sub(fixed.start)).unwrap_or(u64::MAX),
        None => clocks::monotonic_clock::now(),
    }
}

/// Nanoseconds between two different readings of the monotonic clock.
pub(crate) fn monotonic_resolution() -> u64 {
    match FIXED.get() {
        Some(fixed) => fixed.step.max(1),
        None => clocks::monotonic_clock::resolution(),
    }
}

/// Returns not before the monotonic clock shows `deadline`: a fixed clock is
/// put forward, otherwise the host waits.
pub(crate) fn sleep_until(deadline: u64) {
    if let Some(fixed) = FIXED.get() {
        let target = fixed.start.saturating_add(i128::from(deadline));
        FIXED.set(Some(Fixed { now: fixed.now.max(target), ..fixed }));
        return;
    }
    clocks::monotonic_clock::subscribe_instant(deadline).block();
}

/// Makes randomness from a seed, or from the host again.
pub(crate) fn set_seed(seed: Option<u64>) {
    SEEDED.with_borrow_mut(|seeded| *seeded = seed.map(ChaCha12Rng::seed_from_u64));
}

/// Random bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    let seeded = SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(generator) => {
            generator.fill_bytes(bytes);
            true
        }
        None => false,
    });
    if seeded {
        return;
    }
    // In pieces, so that the host's copies stay small.
    for piece in bytes.chunks_mut(64 * 1024) {
        let from_host = random::random::get_random_bytes(piece.len() as u64);
        for (byte, random) in piece.iter_mut().zip(from_host) {
            *byte = random;
        }
    }
}

/// A random number.
pub(crate) fn random_u64() -> u64 {
    let seeded = SEEDED.with_borrow_mut(|seeded| seeded.as_mut().map(RngCore::next_u64));
    seeded.unwrap_or_else(random::random::get_random_u64)
}
