//! `properties::parse` for any bytes.

#![no_main]

#[path = "../../crates/syntax/tests/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::parse(data));
