//! What the component imports: clocks, randomness and waiting, with a count of
//! the waits, so that a test can tell a wait from a return.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wasmtime::component::{Resource, ResourceTable};

use crate::bindings::wasi::{clocks, io, random};
use crate::bindings::wasmsh;

/// The monotonic time that a pollable waits for.
pub struct Deadline(u64);

/// The state of the store.
pub struct Host {
    table: ResourceTable,
    start: Instant,
    /// How often the component has waited.
    pub waits: u32,
    random: u64,
    /// What the component has given away, by number.
    blobs: BTreeMap<u64, Vec<u8>>,
    kept: u64,
}

impl Default for Host {
    fn default() -> Host {
        Host {
            table: ResourceTable::new(),
            start: Instant::now(),
            waits: 0,
            random: 1,
            blobs: BTreeMap::new(),
            kept: 0,
        }
    }
}

impl Host {
    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn wait_until(&mut self, deadline: u64) {
        self.waits += 1;
        std::thread::sleep(Duration::from_nanos(deadline.saturating_sub(self.now())));
    }
}

impl io::poll::HostPollable for Host {
    fn ready(&mut self, this: Resource<Deadline>) -> bool {
        self.table.get(&this).is_ok_and(|deadline| deadline.0 <= self.now())
    }

    fn block(&mut self, this: Resource<Deadline>) {
        let deadline = self.table.get(&this).unwrap().0;
        self.wait_until(deadline);
    }

    fn drop(&mut self, this: Resource<Deadline>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl io::poll::Host for Host {
    fn poll(&mut self, list: Vec<Resource<Deadline>>) -> Vec<u32> {
        let deadlines: Vec<u64> = list.iter().map(|this| self.table.get(this).unwrap().0).collect();
        self.wait_until(*deadlines.iter().min().unwrap());
        let now = self.now();
        (0..).zip(deadlines).filter(|(_, at)| *at <= now).map(|(index, _)| index).collect()
    }
}

impl clocks::monotonic_clock::Host for Host {
    fn now(&mut self) -> u64 {
        Host::now(self)
    }

    fn resolution(&mut self) -> u64 {
        1
    }

    fn subscribe_instant(&mut self, when: u64) -> Resource<Deadline> {
        self.table.push(Deadline(when)).unwrap()
    }

    fn subscribe_duration(&mut self, when: u64) -> Resource<Deadline> {
        let now = Host::now(self);
        self.table.push(Deadline(now + when)).unwrap()
    }
}

impl clocks::wall_clock::Host for Host {
    fn now(&mut self) -> clocks::wall_clock::Datetime {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        clocks::wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() }
    }

    fn resolution(&mut self) -> clocks::wall_clock::Datetime {
        clocks::wall_clock::Datetime { seconds: 0, nanoseconds: 1 }
    }
}

impl random::random::Host for Host {
    fn get_random_bytes(&mut self, len: u64) -> Vec<u8> {
        (0..len).map(|_| self.get_random_u64() as u8).collect()
    }

    fn get_random_u64(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.random.rotate_left(29)
    }
}

impl wasmsh::fs::blobs::Host for Host {
    fn keep(&mut self, bytes: Vec<u8>) -> Option<u64> {
        self.kept += 1;
        self.blobs.insert(self.kept, bytes);
        Some(self.kept)
    }

    fn read(&mut self, number: u64, offset: u64, length: u32) -> Option<Vec<u8>> {
        let start = usize::try_from(offset).unwrap();
        Some(self.blobs.get(&number)?.get(start..start + length as usize)?.to_vec())
    }

    fn release(&mut self, number: u64) {
        assert!(self.blobs.remove(&number).is_some(), "{number} was released twice");
    }
}
