//! `wasi:random`: the host's randomness, or that of a seed.

use crate::bindings::exports::wasi::random::{insecure, insecure_seed, random};
use crate::{Component, state};

/// As many bytes as were asked for; none if there is no memory for them, since
/// the interface has no error and a shorter list could pass for the whole.
fn bytes(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(length) = usize::try_from(length)
        && bytes.try_reserve_exact(length).is_ok()
    {
        bytes.resize(length, 0);
        state::fill_random(&mut bytes);
    }
    bytes
}

impl random::Guest for Component {
    fn get_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_random_u64() -> u64 {
        state::random_u64()
    }
}

impl insecure::Guest for Component {
    fn get_insecure_random_bytes(len: u64) -> Vec<u8> {
        bytes(len)
    }

    fn get_insecure_random_u64() -> u64 {
        state::random_u64()
    }
}

impl insecure_seed::Guest for Component {
    fn insecure_seed() -> (u64, u64) {
        (state::random_u64(), state::random_u64())
    }
}
