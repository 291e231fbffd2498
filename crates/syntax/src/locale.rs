//! What a character is: UTF-8, or a byte where the locale is `C`.
//!
//! Shells with different locales take turns on one thread, and the functions that look at characters lie at the bottom
//! of everything. So a shell says before each turn which of both holds for it, instead of handing it down every path.

use std::cell::Cell;

thread_local! {
    static BYTES: Cell<bool> = const { Cell::new(false) };
}

/// From now on characters are bytes, or UTF-8.
pub fn set_bytes(on: bool) {
    BYTES.set(on);
}

/// Whether characters are bytes.
#[inline]
pub fn is_bytes() -> bool {
    BYTES.get()
}
