//! The few interfaces of WASI that a component needs from the host: clocks, sleeping, randomness.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::bindings::core::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::core::wasi::io::poll;
use crate::bindings::core::wasi::random::random;

/// What a store keeps for these interfaces.
#[derive(Default)]
pub(crate) struct Wasi {
    table: ResourceTable,
}

/// A point in time that can be waited for. There is nothing else to wait for: files and streams are the
/// components' own.
#[allow(unreachable_pub)]
pub struct Pollable {
    at: Instant,
}

/// The instant that the monotonic clock counts from: one for all stores, so that they agree.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Far enough to be never, near enough to be added to any instant.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// More random bytes than this at once are the sign of a mistake, and would be memory of the host's.
const MOST_RANDOM_BYTES: u64 = 1 << 24;

/// What the monotonic clock shows.
pub(crate) fn monotonic() -> u64 {
    u64::try_from(origin().elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// When the monotonic clock shows this.
pub(crate) fn instant(nanoseconds: u64) -> Instant {
    after(origin(), nanoseconds)
}

/// What the wall clock shows, since 1970.
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Random bytes of the host's.
pub(crate) fn random_bytes(length: u64) -> wasmtime::Result<Vec<u8>> {
    if length > MOST_RANDOM_BYTES {
        return Err(wasmtime::Error::msg("get-random-bytes: too many at once"));
    }
    let mut bytes = vec![0; usize::try_from(length)?];
    getrandom::fill(&mut bytes).map_err(|error| wasmtime::Error::msg(error.to_string()))?;
    Ok(bytes)
}

/// A random number of the host's.
pub(crate) fn random_number() -> wasmtime::Result<u64> {
    getrandom::u64().map_err(|error| wasmtime::Error::msg(error.to_string()))
}

fn after(start: Instant, nanoseconds: u64) -> Instant {
    let duration = Duration::from_nanos(nanoseconds).min(NEVER);
    start.checked_add(duration).unwrap_or(start)
}

/// Adds the interfaces to a linker for stores that keep a [`Wasi`].
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> &mut Wasi,
) -> wasmtime::Result<()> {
    poll::add_to_linker::<T, HasSelf<Wasi>>(linker, get)?;
    monotonic_clock::add_to_linker::<T, HasSelf<Wasi>>(linker, get)?;
    wall_clock::add_to_linker::<T, HasSelf<Wasi>>(linker, get)?;
    random::add_to_linker::<T, HasSelf<Wasi>>(linker, get)
}

impl poll::HostPollable for Wasi {
    fn ready(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&pollable)?.at <= Instant::now())
    }

    fn block(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        let at = self.table.get(&pollable)?.at;
        std::thread::sleep(at.saturating_duration_since(Instant::now()));
        Ok(())
    }

    fn drop(&mut self, pollable: Resource<Pollable>) -> wasmtime::Result<()> {
        self.table.delete(pollable)?;
        Ok(())
    }
}

impl poll::Host for Wasi {
    fn poll(&mut self, pollables: Vec<Resource<Pollable>>) -> wasmtime::Result<Vec<u32>> {
        let mut instants = Vec::with_capacity(pollables.len());
        for pollable in &pollables {
            instants.push(self.table.get(pollable)?.at);
        }
        let Some(first) = instants.iter().min() else {
            return Err(wasmtime::Error::msg("poll: the list is empty"));
        };
        std::thread::sleep(first.saturating_duration_since(Instant::now()));
        let now = Instant::now();
        Ok((0..).zip(&instants).filter(|(_, at)| **at <= now).map(|(index, _)| index).collect())
    }
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(monotonic())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<Pollable>> {
        Ok(self.table.push(Pollable { at: instant(when) })?)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<Pollable>> {
        Ok(self.table.push(Pollable { at: after(Instant::now(), duration) })?)
    }
}

impl wall_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let now = wall();
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1 })
    }
}

impl random::Host for Wasi {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        random_bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        random_number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use monotonic_clock::Host as _;
    use poll::Host as _;

    #[test]
    fn poll_returns_what_is_ready_and_only_that() {
        let mut wasi = Wasi::default();
        let late = wasi.subscribe_duration(u64::MAX).unwrap();
        let soon = wasi.subscribe_duration(1_000_000).unwrap();
        let borrowed = |r: &Resource<Pollable>| Resource::new_borrow(r.rep());
        assert_eq!(wasi.poll(vec![borrowed(&late), borrowed(&soon)]).unwrap(), [1]);
        assert!(wasi.poll(vec![]).is_err());
    }

    #[test]
    fn the_monotonic_clock_moves_and_is_shared() {
        let (mut one, mut two) = (Wasi::default(), Wasi::default());
        let a = one.now().unwrap();
        let b = two.now().unwrap();
        assert!(a <= b);
    }
}
