//! Associative arrays, whose elements come in the order that GNU awk gives them.
//!
//! That order is nowhere specified, but programs show it: an array that begins with an index of 0 or above keeps such
//! indices in ascending order; one that begins with a negative number keeps integers in a table of their own; all
//! other indices are in a chained table with the hash function of sdbm.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::value::{Text, Value};

/// An index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'a> {
    /// An integer in its usual form, however it was written.
    Integer(i64),
    Text(&'a [u8]),
}

/// An index that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Index {
    Integer(i64),
    Text(Text),
}

impl Index {
    pub(super) fn key(&self) -> Key<'_> {
        match self {
            Index::Integer(number) => Key::Integer(*number),
            Index::Text(text) => Key::Text(text),
        }
    }

    pub(super) fn text(&self) -> Text {
        match self {
            Index::Integer(number) => number.to_string().into_bytes().into(),
            Index::Text(text) => text.clone(),
        }
    }
}

impl<'a> Key<'a> {
    /// The index that a string is.
    pub(super) fn of(text: &'a [u8]) -> Key<'a> {
        match integer(text) {
            Some(number) => Key::Integer(number),
            None => Key::Text(text),
        }
    }

    /// The index that a number is, if it is an integer.
    pub(super) fn of_number(number: f64) -> Option<Key<'static>> {
        let whole = number as i64;
        (whole as f64 == number && whole.unsigned_abs() < 1 << 53).then_some(Key::Integer(whole))
    }
}

/// The integer that a text is the usual form of.
fn integer(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text {
        [b'-', rest @ ..] => (rest, true),
        _ => (text, false),
    };
    match digits {
        [] => return None,
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 15 => {}
        _ => return None,
    }
    let mut value = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if negative { -value } else { value })
}

/// How large tables grow, step by step.
const SIZES: [u32; 24] = [
    13,
    127,
    1021,
    8191,
    16381,
    32749,
    65497,
    131_101,
    262_147,
    524_309,
    1_048_583,
    2_097_169,
    4_194_319,
    8_388_617,
    16_777_259,
    33_554_467,
    67_108_879,
    134_217_757,
    268_435_459,
    536_870_923,
    1_073_741_827,
    2_147_483_659,
    3_000_000_019,
    4_294_967_291,
];

/// The size that follows.
fn next_size(size: u32) -> Option<u32> {
    SIZES.iter().copied().find(|next| *next > size)
}

/// No entry.
const NONE: u32 = u32::MAX;

struct Entry {
    key: Text,
    hash: u32,
    next: u32,
    value: Value,
}

/// The chained table of all indices that are no integers.
#[derive(Default)]
struct Table {
    heads: Vec<u32>,
    entries: Vec<Entry>,
    /// Where entries were removed.
    free: u32,
    length: usize,
}

fn hash(key: &[u8]) -> u32 {
    key.iter().fold(0_u32, |hash, byte| {
        // The bytes are signed.
        (*byte as i8 as u32).wrapping_add(hash.wrapping_mul(65_599))
    })
}

impl Table {
    fn bucket(&self, hash: u32) -> usize {
        (hash % (self.heads.len() as u32).max(1)) as usize
    }

    fn find(&self, key: &[u8], hash: u32) -> Option<usize> {
        let mut at = *self.heads.get(self.bucket(hash))?;
        while let Some(entry) = self.entries.get(at as usize) {
            if entry.hash == hash && *entry.key == *key {
                return Some(at as usize);
            }
            at = entry.next;
        }
        None
    }

    /// The value of an index, which is made when there is none.
    fn place(&mut self, key: &[u8], owned: Option<&Text>) -> Option<&mut Value> {
        let hash = hash(key);
        if let Some(found) = self.find(key, hash) {
            return self.entries.get_mut(found).map(|entry| &mut entry.value);
        }
        if self.heads.is_empty() {
            self.heads.resize(SIZES[0] as usize, NONE);
            self.free = NONE;
        }
        self.length += 1;
        if self.length / self.heads.len() > 2 {
            self.grow();
        }
        let bucket = self.bucket(hash);
        let head = self.heads.get_mut(bucket)?;
        let key = owned.map_or_else(|| key.into(), Text::clone);
        let entry = Entry { key, hash, next: *head, value: Value::Unset };
        let at = match self.entries.get_mut(self.free as usize) {
            Some(free) => {
                let at = self.free;
                self.free = free.next;
                *free = entry;
                at
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        };
        *head = at;
        self.entries.get_mut(at as usize).map(|entry| &mut entry.value)
    }

    fn grow(&mut self) {
        let Some(size) = next_size(self.heads.len() as u32) else { return };
        let old = std::mem::replace(&mut self.heads, vec![NONE; size as usize]);
        for head in old {
            let mut at = head;
            while let Some(entry) = self.entries.get_mut(at as usize) {
                let next = entry.next;
                if let Some(head) = self.heads.get_mut((entry.hash % size) as usize) {
                    entry.next = *head;
                    *head = at;
                }
                at = next;
            }
        }
    }

    fn remove(&mut self, key: &[u8]) -> Option<Value> {
        let hash = hash(key);
        let found = self.find(key, hash)? as u32;
        let next = self.entries.get(found as usize)?.next;
        let bucket = self.bucket(hash);
        let head = self.heads.get_mut(bucket)?;
        if *head == found {
            *head = next;
        } else {
            let mut at = *head;
            while let Some(entry) = self.entries.get_mut(at as usize) {
                if entry.next == found {
                    entry.next = next;
                    break;
                }
                at = entry.next;
            }
        }
        self.length -= 1;
        let free = self.free;
        let entry = self.entries.get_mut(found as usize)?;
        entry.next = free;
        entry.key = super::value::empty();
        let value = std::mem::replace(&mut entry.value, Value::Unset);
        self.free = found;
        Some(value)
    }

    fn each(&self, mut visit: impl FnMut(&Text, &Value)) {
        for head in &self.heads {
            let mut at = *head;
            while let Some(entry) = self.entries.get(at as usize) {
                visit(&entry.key, &entry.value);
                at = entry.next;
            }
        }
    }
}

/// Hashes integers; the same in every run.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Integers = HashMap<i64, (u64, Value), BuildHasherDefault<Mix>>;

/// Which tables indices go to.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// The first index decides.
    #[default]
    Undecided,
    Integers,
    Strings,
}

#[derive(Default)]
struct Tables {
    /// The array began with an index of 0 or above: these have tables of their own.
    counted: bool,
    /// Where the other integers go.
    others: Kind,
    /// 0, 1, 2 …
    dense: Vec<Option<Value>>,
    /// How many of them there are.
    filled: usize,
    /// Counted indices too far away for that, and integers of `others`, with the time of their coming.
    integers: Integers,
    clock: u64,
    table: Table,
}

/// Where an index is kept.
enum Where<'a> {
    Dense(usize),
    Integer(i64),
    Text(&'a [u8]),
    /// The integer is one of the table of strings.
    Written(i64),
}

impl Tables {
    fn find<'a>(&self, key: Key<'a>) -> Where<'a> {
        match key {
            Key::Integer(number) if self.counted && number >= 0 => {
                if (number as u64) < self.dense.len() as u64 {
                    Where::Dense(number as usize)
                } else {
                    Where::Integer(number)
                }
            }
            Key::Integer(number) if self.others == Kind::Strings => Where::Written(number),
            Key::Integer(number) => Where::Integer(number),
            Key::Text(text) => Where::Text(text),
        }
    }

    fn get(&self, key: Key<'_>) -> Option<&Value> {
        match self.find(key) {
            Where::Dense(at) => self.dense.get(at)?.as_ref(),
            Where::Integer(number) => self.integers.get(&number).map(|(_, value)| value),
            Where::Text(text) => {
                let at = self.table.find(text, hash(text))?;
                self.table.entries.get(at).map(|entry| &entry.value)
            }
            Where::Written(number) => {
                let text = number.to_string();
                let at = self.table.find(text.as_bytes(), hash(text.as_bytes()))?;
                self.table.entries.get(at).map(|entry| &entry.value)
            }
        }
    }

    fn len(&self) -> usize {
        self.filled + self.integers.len() + self.table.length
    }

    /// Before an index is added.
    fn decide(&mut self, key: Key<'_>) {
        let decided = self.counted || self.others != Kind::Undecided;
        match key {
            Key::Integer(number) if number >= 0 && !decided => self.counted = true,
            Key::Integer(number) if number >= 0 && self.counted => {}
            Key::Integer(_) if self.others == Kind::Undecided => self.others = Kind::Integers,
            Key::Text(_) if self.others == Kind::Undecided => self.others = Kind::Strings,
            _ => {}
        }
        if let Key::Integer(number) = key
            && self.counted
            && number >= self.dense.len() as i64
            && number <= (self.filled as i64 + 16) * 2
        {
            let room = (number as usize + 1).next_power_of_two().max(16);
            self.dense.resize_with(room, || None);
            if !self.integers.is_empty() {
                let near: Vec<i64> =
                    self.integers.keys().copied().filter(|far| (0..room as i64).contains(far)).collect();
                for number in near {
                    let value = self.integers.remove(&number);
                    if let (Some((_, value)), Some(place)) = (value, self.dense.get_mut(number as usize)) {
                        *place = Some(value);
                        self.filled += 1;
                    }
                }
            }
        }
    }

    /// The value of an index, which is made when there is none; the flag says whether it was.
    fn place(&mut self, key: Key<'_>, owned: Option<&Text>) -> Option<&mut Value> {
        if let Where::Dense(at) = self.find(key) {
            let place = self.dense.get_mut(at)?;
            if place.is_none() {
                self.filled += 1;
            }
            return Some(place.get_or_insert(Value::Unset));
        }
        self.decide(key);
        match self.find(key) {
            Where::Dense(at) => {
                let place = self.dense.get_mut(at)?;
                if place.is_none() {
                    self.filled += 1;
                }
                Some(place.get_or_insert(Value::Unset))
            }
            Where::Integer(number) => {
                let clock = &mut self.clock;
                let (_, value) = self.integers.entry(number).or_insert_with(|| {
                    *clock += 1;
                    (*clock, Value::Unset)
                });
                Some(value)
            }
            Where::Text(text) => self.table.place(text, owned),
            Where::Written(number) => self.table.place(number.to_string().as_bytes(), None),
        }
    }

    fn remove(&mut self, key: Key<'_>) -> Option<Value> {
        let removed = match self.find(key) {
            Where::Dense(at) => {
                let removed = self.dense.get_mut(at)?.take();
                if removed.is_some() {
                    self.filled -= 1;
                }
                removed
            }
            Where::Integer(number) => self.integers.remove(&number).map(|(_, value)| value),
            Where::Text(text) => self.table.remove(text),
            Where::Written(number) => self.table.remove(number.to_string().as_bytes()),
        };
        if removed.is_some() && self.len() == 0 {
            *self = Tables::default();
        }
        removed
    }

    fn each(&self, mut visit: impl FnMut(Key<'_>, Option<&Text>, &Value)) {
        self.table.each(|key, value| visit(Key::Text(key), Some(key), value));
        if !self.integers.is_empty() {
            let others = |number: &i64| !(self.counted && *number >= 0);
            let mut order: Vec<(u64, i64)> = self
                .integers
                .iter()
                .filter(|(number, _)| others(number))
                .map(|(number, (time, _))| (*time, *number))
                .collect();
            order.sort_unstable();
            for number in hashed(order.into_iter().map(|(_, number)| number)) {
                if let Some((_, value)) = self.integers.get(&number) {
                    visit(Key::Integer(number), None, value);
                }
            }
        }
        for (number, value) in (0..).zip(&self.dense) {
            if let Some(value) = value {
                visit(Key::Integer(number), None, value);
            }
        }
        if self.counted && !self.integers.is_empty() {
            let mut far: Vec<i64> = self.integers.keys().copied().filter(|number| *number >= 0).collect();
            far.sort_unstable();
            for number in far {
                if let Some((_, value)) = self.integers.get(&number) {
                    visit(Key::Integer(number), None, value);
                }
            }
        }
    }
}

/// The order that GNU awk's table of integers gives numbers that came in this order.
fn hashed(numbers: impl Iterator<Item = i64>) -> Vec<i64> {
    let place = |number: i64, size: u32| {
        let mut k = number as u32;
        k ^= k << 3;
        k = k.wrapping_add(k >> 5);
        k ^= k << 4;
        k = k.wrapping_add(k >> 17);
        k ^= k << 25;
        k = k.wrapping_add(k >> 6);
        (k % size) as usize
    };
    // A bucket is a chain of pairs, the newest first.
    type Buckets = Vec<Vec<Vec<i64>>>;
    let put = |buckets: &mut Buckets, size: u32, number: i64| {
        if let Some(bucket) = buckets.get_mut(place(number, size)) {
            match bucket.first_mut() {
                Some(pair) if pair.len() < 2 => pair.push(number),
                _ => bucket.insert(0, vec![number]),
            }
        }
    };
    let mut size = SIZES[0];
    let mut buckets: Buckets = vec![Vec::new(); size as usize];
    for (count, number) in (1..).zip(numbers) {
        if count / size > 2
            && let Some(next) = next_size(size)
        {
            size = next;
            let old = std::mem::replace(&mut buckets, vec![Vec::new(); size as usize]);
            for number in old.into_iter().flatten().flatten() {
                put(&mut buckets, size, number);
            }
        }
        put(&mut buckets, size, number);
    }
    buckets.into_iter().flatten().flatten().collect()
}

/// An associative array.
#[derive(Default)]
pub(super) struct Array {
    tables: RefCell<Tables>,
    /// Passed on as an unset variable, it has been used as an array.
    used: Cell<bool>,
}

impl Drop for Array {
    fn drop(&mut self) {
        // Arrays in arrays: without recursion, however deep they are.
        let mut inner = Vec::new();
        take_arrays(self.tables.get_mut(), &mut inner);
        while let Some(array) = inner.pop() {
            if let Some(mut array) = std::rc::Rc::into_inner(array) {
                take_arrays(array.tables.get_mut(), &mut inner);
            }
        }
    }
}

fn take_arrays(tables: &mut Tables, found: &mut Vec<std::rc::Rc<Array>>) {
    let tables = std::mem::take(tables);
    let values = tables
        .dense
        .into_iter()
        .flatten()
        .chain(tables.integers.into_values().map(|(_, value)| value))
        .chain(tables.table.entries.into_iter().map(|entry| entry.value));
    for value in values {
        if let Value::Array(array) | Value::Maybe(array) = value {
            found.push(array);
        }
    }
}

impl Array {
    pub(super) fn len(&self) -> usize {
        self.tables.borrow().len()
    }

    /// Whether an unset variable that was passed on has become an array.
    pub(super) fn is_used(&self) -> bool {
        self.used.get()
    }

    pub(super) fn set_used(&self) {
        self.used.set(true);
    }

    pub(super) fn contains(&self, key: Key<'_>) -> bool {
        self.tables.borrow().get(key).is_some()
    }

    pub(super) fn get(&self, key: Key<'_>) -> Option<Value> {
        self.tables.borrow().get(key).cloned()
    }

    /// Calls `change` with the value in its place; it is unset when there was none.
    pub(super) fn update<T>(&self, key: Key<'_>, change: impl FnOnce(&mut Value) -> T) -> T {
        let mut tables = self.tables.borrow_mut();
        match tables.place(key, None) {
            Some(place) => change(place),
            // There is one.
            None => change(&mut Value::Unset),
        }
    }

    pub(super) fn set(&self, key: Key<'_>, value: Value) {
        // What was there is dropped when nothing is borrowed any more.
        let old = self.update(key, |place| std::mem::replace(place, value));
        drop(old);
    }

    /// Sets the element whose index is a name.
    pub(super) fn set_name(&self, name: &[u8], value: Value) {
        self.set(Key::of(name), value);
    }

    pub(super) fn remove(&self, key: Key<'_>) {
        let removed = self.tables.borrow_mut().remove(key);
        drop(removed);
    }

    pub(super) fn clear(&self) {
        let old = std::mem::take(&mut *self.tables.borrow_mut());
        drop(old);
    }

    /// Indices and values, in order.
    pub(super) fn pairs(&self) -> Vec<(Index, Value)> {
        let tables = self.tables.borrow();
        let mut pairs = Vec::with_capacity(tables.len());
        tables.each(|key, text, value| pairs.push((owned(key, text), value.clone())));
        pairs
    }

    /// The indices, in order.
    pub(super) fn indices(&self) -> Vec<Index> {
        let tables = self.tables.borrow();
        let mut indices = Vec::with_capacity(tables.len());
        tables.each(|key, text, _| indices.push(owned(key, text)));
        indices
    }
}

fn owned(key: Key<'_>, text: Option<&Text>) -> Index {
    match (key, text) {
        (Key::Integer(number), _) => Index::Integer(number),
        (Key::Text(_), Some(text)) => Index::Text(text.clone()),
        (Key::Text(text), None) => Index::Text(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(keys: &[&str]) -> String {
        let array = Array::default();
        for key in keys {
            array.set(Key::of(key.as_bytes()), Value::Unset);
        }
        let texts: Vec<String> =
            array.indices().iter().map(|index| String::from_utf8_lossy(&index.text()).into_owned()).collect();
        texts.join(" ")
    }

    #[test]
    fn the_order_is_that_of_gnu_awk() {
        assert_eq!(order(&["3", "1", "2"]), "1 2 3");
        assert_eq!(order(&["c", "a", "b", "foo", "bar"]), "foo a b c bar");
        assert_eq!(order(&["1", "x", "0", "y", "2", "-1"]), "-1 x y 0 1 2");
        assert_eq!(order(&["-1", "-2", "-3", "-4", "-5"]), "-4 -1 -3 -2 -5");
        assert_eq!(order(&["-1", "x", "-5", "3", "y", "0"]), "x y 0 -1 3 -5");
        assert_eq!(order(&["5", "100000", "3000", "1"]), "1 5 3000 100000");
    }

    #[test]
    fn what_was_removed_is_gone() {
        let array = Array::default();
        for number in 0..1000 {
            array.set(Key::Integer(number), Value::Number(number as f64));
            array.set(Key::of(format!("k{number}").as_bytes()), Value::Unset);
        }
        assert_eq!(array.len(), 2000);
        for number in 0..1000 {
            array.remove(Key::Integer(number));
            array.remove(Key::of(format!("k{number}").as_bytes()));
            assert!(!array.contains(Key::Integer(number)));
        }
        assert_eq!(array.len(), 0);
    }
}
