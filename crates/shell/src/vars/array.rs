//! Indexed and associative arrays.

use std::collections::BTreeMap;

use crate::hash::Map;
use crate::text::Str;

/// An indexed array. Most are dense from 0, and then a vector; the others are trees.
#[derive(Clone, Debug)]
pub(crate) enum Indexed {
    /// Elements 0, 1, 2 …
    Dense(Vec<Str>),
    /// Any others.
    Sparse(BTreeMap<i64, Str>),
}

impl Default for Indexed {
    fn default() -> Self {
        Indexed::Dense(Vec::new())
    }
}

impl Indexed {
    /// The element at `index`.
    pub(crate) fn get(&self, index: i64) -> Option<&Str> {
        match self {
            Indexed::Dense(items) => items.get(usize::try_from(index).ok()?),
            Indexed::Sparse(items) => items.get(&index),
        }
    }

    /// Sets the element at `index`, which is not negative.
    pub(crate) fn set(&mut self, index: i64, value: Str) {
        if let Indexed::Dense(items) = self {
            let position = index as usize;
            if position == items.len() {
                items.push(value);
                return;
            }
            if let Some(place) = items.get_mut(position) {
                *place = value;
                return;
            }
            let sparse = std::mem::take(items).into_iter().enumerate().map(|(i, v)| (i as i64, v)).collect();
            *self = Indexed::Sparse(sparse);
        }
        if let Indexed::Sparse(items) = self {
            items.insert(index, value);
        }
    }

    /// Appends to the element at `index`.
    pub(crate) fn append(&mut self, index: i64, value: &[u8]) {
        let place = match self {
            Indexed::Dense(items) => items.get_mut(index as usize),
            Indexed::Sparse(items) => items.get_mut(&index),
        };
        match place {
            Some(place) => place.push(value),
            None => self.set(index, Str::new(value)),
        }
    }

    /// Takes the element at `index` out.
    pub(crate) fn unset(&mut self, index: i64) {
        match self {
            Indexed::Dense(items) => {
                let position = index as usize;
                if position + 1 == items.len() {
                    items.pop();
                } else if position < items.len() {
                    let mut sparse: BTreeMap<i64, Str> =
                        std::mem::take(items).into_iter().enumerate().map(|(i, v)| (i as i64, v)).collect();
                    sparse.remove(&index);
                    *self = Indexed::Sparse(sparse);
                }
            }
            Indexed::Sparse(items) => {
                items.remove(&index);
            }
        }
    }

    /// How many elements are set.
    pub(crate) fn len(&self) -> usize {
        match self {
            Indexed::Dense(items) => items.len(),
            Indexed::Sparse(items) => items.len(),
        }
    }

    /// One past the largest index.
    pub(crate) fn end(&self) -> i64 {
        match self {
            Indexed::Dense(items) => items.len() as i64,
            Indexed::Sparse(items) => items.last_key_value().map_or(0, |(index, _)| index.saturating_add(1)),
        }
    }

    /// Index and value of each element, ascending.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = (i64, &Str)> + '_> {
        match self {
            Indexed::Dense(items) => Box::new(items.iter().enumerate().map(|(i, v)| (i as i64, v))),
            Indexed::Sparse(items) => Box::new(items.iter().map(|(i, v)| (*i, v))),
        }
    }

    /// An array of these elements.
    pub(crate) fn from_values(values: Vec<Str>) -> Indexed {
        Indexed::Dense(values)
    }
}

#[derive(Clone, Debug)]
struct Entry {
    /// When it was inserted; counts up.
    order: u64,
    value: Str,
}

/// An associative array. Its elements come in the order in which bash has them: that of its hash table of
/// 1,024 chains (FNV-1, newest first in a chain), which scripts should not depend on and do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assoc {
    entries: Map<Str, Entry>,
    next: u64,
}

/// Where bash's hash table of so many chains has a key: scripts see that order in `env` and `${!map[@]}`.
pub(crate) fn chain(key: &[u8], chains: u32) -> u32 {
    let mut hash: u32 = 2_166_136_261;
    for &byte in key {
        hash = hash.wrapping_mul(16_777_619) ^ u32::from(byte);
    }
    hash & (chains - 1)
}

impl Assoc {
    /// The element with this key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Str> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Sets an element.
    pub(crate) fn set(&mut self, key: Str, value: Str) {
        if let Some(entry) = self.entries.get_mut(key.as_bytes()) {
            entry.value = value;
        } else {
            self.next += 1;
            self.entries.insert(key, Entry { order: self.next, value });
        }
    }

    /// Appends to an element.
    pub(crate) fn append(&mut self, key: Str, value: &[u8]) {
        match self.entries.get_mut(key.as_bytes()) {
            Some(entry) => entry.value.push(value),
            None => self.set(key, Str::new(value)),
        }
    }

    /// Takes an element out.
    pub(crate) fn unset(&mut self, key: &[u8]) {
        self.entries.remove(key);
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Keys and values, in any order.
    pub(crate) fn unsorted(&self) -> impl Iterator<Item = (&Str, &Str)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Keys and values, in bash's order.
    pub(crate) fn sorted(&self) -> Vec<(&Str, &Str)> {
        let mut chains = 1024u32;
        while self.entries.len() >= chains as usize * 2 {
            chains *= 4;
        }
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, entry)| (chain(key, chains), entry.order, key, &entry.value))
            .collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        all.into_iter().map(|(_, _, key, value)| (key, value)).collect()
    }
}
