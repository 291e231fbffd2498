//! The times of files as the index of git compares them, from `std` alone.
//!
//! It stands in for the crate `filetime`, which panics on WASI, and offers what gitoxide calls.

use std::fs::Metadata;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FileTime {
    seconds: i64,
    nanos: u32,
}

impl FileTime {
    /// The beginning of 1970.
    pub const fn zero() -> FileTime {
        FileTime { seconds: 0, nanos: 0 }
    }

    /// This moment.
    pub fn now() -> FileTime {
        FileTime::from_system_time(SystemTime::now())
    }

    /// From its parts.
    pub const fn from_unix_time(seconds: i64, nanos: u32) -> FileTime {
        FileTime { seconds, nanos }
    }

    /// From the standard library's form.
    pub fn from_system_time(time: SystemTime) -> FileTime {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => FileTime { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() },
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => FileTime { seconds: -whole, nanos: 0 },
                    nanos => FileTime { seconds: -whole - 1, nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }

    /// When a file was last written; the beginning of 1970 where the system does not tell.
    pub fn from_last_modification_time(meta: &Metadata) -> FileTime {
        meta.modified().map_or(FileTime::zero(), FileTime::from_system_time)
    }

    /// Whole seconds.
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// Whole seconds.
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }

    /// What is beyond them.
    pub const fn nanoseconds(&self) -> u32 {
        self.nanos
    }
}

impl From<SystemTime> for FileTime {
    fn from(time: SystemTime) -> FileTime {
        FileTime::from_system_time(time)
    }
}
