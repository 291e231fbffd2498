//! The zone of local time: files of the time zone database (RFC 9636), and rules as POSIX writes them.

use core::cell::RefCell;
use core::ffi::{CStr, c_char};
use core::slice;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bytes of a name that are told, with the NUL (`layer.h`).
const NAME: usize = 16;

struct Zone(RefCell<Option<TimeZone>>);
// SAFETY: a wasm component without the threads proposal has one thread.
unsafe impl Sync for Zone {}

/// `None`: universal time.
static ZONE: Zone = Zone(RefCell::new(None));

/// Takes the zone from a file of the database. Whether it is one.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_zone_file(data: *const u8, length: usize) -> bool {
    // SAFETY: zone.c has read so much.
    let data = unsafe { slice::from_raw_parts(data, length) };
    match TimeZone::tzif("", data) {
        Ok(zone) => {
            ZONE.0.replace(Some(zone));
            true
        }
        Err(_) => false,
    }
}

/// Takes the zone from a rule; universal time if it is none.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_zone_rule(rule: *const c_char) {
    // SAFETY: a string of C's.
    let rule = unsafe { CStr::from_ptr(rule) };
    ZONE.0.replace(rule.to_str().ok().and_then(|rule| TimeZone::posix(rule).ok()));
}

/// Seconds east of universal time at a time, whether they are those of summer, and what they are called.
#[unsafe(no_mangle)]
extern "C" fn wasmsh_zone_at(time: i64, is_dst: &mut i32, name: &mut [u8; NAME]) -> i32 {
    // Beyond these years the rules are those of the last.
    let time = time.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let zone = ZONE.0.borrow();
    let Some((zone, time)) = zone.as_ref().zip(Timestamp::from_second(time).ok()) else {
        *is_dst = 0;
        *name = *b"UTC\0\0\0\0\0\0\0\0\0\0\0\0\0";
        return 0;
    };
    let info = zone.to_offset_info(time);
    *is_dst = i32::from(info.dst().is_dst());
    *name = [0; NAME];
    for (to, from) in name.iter_mut().take(NAME - 1).zip(info.abbreviation().bytes()) {
        *to = from;
    }
    info.offset().seconds()
}
