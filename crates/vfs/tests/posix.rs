//! The suite of semantics, on the crate and on the real Linux filesystem.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "test code")]

#[cfg(target_os = "linux")]
#[path = "suite/linux.rs"]
mod linux;
#[path = "suite/posix.rs"]
mod posix;

use std::rc::Rc;

use posix::TESTS;
use wasmsh_vfs::{Entropy, Timestamp, Vfs};

/// Counts up, so that the tests see that it is asked.
struct Counter;

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = i as u8 + 1;
        }
    }
}

fn fresh() -> Vfs {
    let clock = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_nanos(now.as_nanos() as i128)
    };
    Vfs::new(Rc::new(clock), Rc::new(Counter)).unwrap()
}

#[test]
fn in_memory() {
    for test in TESTS {
        println!("{}", test.name);
        (test.run)(&fresh());
    }
}

/// So that the suite says what Linux does, and not what we think it does.
#[cfg(target_os = "linux")]
#[test]
fn on_linux() {
    use wasmsh_vfs::FileSystem;
    for test in TESTS {
        let fs = linux::Linux::new(test.name);
        let root = fs.get_user().0 == 0;
        if test.needs_root && !root {
            continue;
        }
        fs.make_directory("/workspace", 0o755).unwrap();
        if root {
            fs.set_owner_at("/workspace", Some(1000), Some(1000), true).unwrap();
            fs.set_user(1000, 1000);
        }
        println!("{}", test.name);
        (test.run)(&fs);
    }
}
