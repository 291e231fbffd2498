//! The keys of `sort`: where they stand in a line, and how they are compared.

use std::cmp::Ordering;
use std::ops::Range;

use bstr::BString;

use crate::extended::Extended;
use crate::{Fail, Tool};

/// How keys are compared: the ordering options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) blanks: bool,
    dictionary: bool,
    fold: bool,
    printing: bool,
    general: bool,
    human: bool,
    month: bool,
    numeric: bool,
    random: bool,
    version: bool,
    pub(crate) reverse: bool,
    /// For the random order.
    pub(crate) seed: u64,
}

impl Order {
    /// Sets the option with this letter. False: there is none.
    pub(crate) fn set(&mut self, letter: u8) -> bool {
        let option = match letter {
            b'b' => &mut self.blanks,
            b'd' => &mut self.dictionary,
            b'f' => &mut self.fold,
            b'i' => &mut self.printing,
            b'g' => &mut self.general,
            b'h' => &mut self.human,
            b'M' => &mut self.month,
            b'n' => &mut self.numeric,
            b'R' => &mut self.random,
            b'V' => &mut self.version,
            b'r' => &mut self.reverse,
            _ => return false,
        };
        *option = true;
        true
    }

    /// The letters of the options that are set, as messages list them. `-d` takes the place of `-i`.
    pub(crate) fn letters(&self) -> String {
        let all = [
            (self.blanks, 'b'),
            (self.dictionary, 'd'),
            (self.fold, 'f'),
            (self.general, 'g'),
            (self.human, 'h'),
            (self.printing && !self.dictionary, 'i'),
            (self.month, 'M'),
            (self.numeric, 'n'),
            (self.random, 'R'),
            (self.reverse, 'r'),
            (self.version, 'V'),
        ];
        all.iter().filter(|(set, _)| *set).map(|(_, letter)| letter).collect()
    }

    fn is_default(&self) -> bool {
        *self == Order { seed: self.seed, ..Order::default() }
    }

    /// The letters of options that cannot go together.
    pub(crate) fn conflict(&self) -> Option<String> {
        let kinds = [
            (self.general, 'g'),
            (self.human, 'h'),
            (self.month, 'M'),
            (self.numeric, 'n'),
            (self.random, 'R'),
            (self.version, 'V'),
        ];
        let given = kinds.iter().filter(|(set, _)| *set).count();
        // -R and -V are orders of text, and can be confined to some of its characters.
        let numbers = self.general || self.human || self.month || self.numeric;
        let text = self.dictionary || self.printing;
        if given <= 1 && !(numbers && text) {
            return None;
        }
        Some(self.letters().chars().filter(|letter| !matches!(letter, 'b' | 'f' | 'r')).collect())
    }

    fn translates(&self) -> bool {
        self.dictionary || self.fold || self.printing
    }

    fn keeps(&self, byte: u8) -> bool {
        (!self.dictionary || byte.is_ascii_alphanumeric() || is_blank(byte))
            && (!self.printing || (32..127).contains(&byte))
    }

    fn translated<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = u8> + 'a {
        text.iter()
            .filter(|byte| self.keeps(**byte))
            .map(|byte| if self.fold { byte.to_ascii_uppercase() } else { *byte })
    }
}

/// A part of the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Fields and characters to skip.
    start: (usize, usize),
    /// The field in which it ends, and how many characters of that; 0: all. `None`: the end of the line.
    end: Option<(usize, usize)>,
    start_blanks: bool,
    end_blanks: bool,
    pub(crate) order: Order,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

impl Key {
    pub(crate) fn whole_line(order: &Order) -> Key {
        Key { start: (0, 0), end: None, start_blanks: order.blanks, end_blanks: false, order: *order }
    }

    /// Takes the global options if it has none of its own.
    pub(crate) fn inherit(&mut self, global: &Order) {
        if self.order.is_default() && !self.start_blanks && !self.end_blanks {
            self.order = *global;
            self.start_blanks = global.blanks;
            self.end_blanks = global.blanks;
        }
    }

    /// Whether it is the whole line, as bytes.
    pub(crate) fn is_plain_line(&self) -> bool {
        let order = Order { reverse: false, seed: 0, ..self.order };
        self.start == (0, 0) && self.end.is_none() && !self.start_blanks && order == Order::default()
    }

    pub(crate) fn extract<'a>(&self, line: &'a [u8], separator: Option<u8>) -> &'a [u8] {
        if self.start == (0, 0) && self.end.is_none() && !self.start_blanks {
            return line;
        }
        line.get(self.range(line, separator)).unwrap_or_default()
    }

    /// Where it stands in a line.
    pub(crate) fn range(&self, line: &[u8], separator: Option<u8>) -> Range<usize> {
        let begin = self.begin(line, separator);
        let end = match self.end {
            None => line.len(),
            Some((field, characters)) => self.limit(line, separator, field, characters),
        };
        begin..end.max(begin)
    }

    /// It ends before it begins.
    pub(crate) fn is_empty(&self) -> bool {
        self.end.is_some_and(|(field, _)| field < self.start.0)
    }

    /// Whether the blanks before it are compared.
    pub(crate) fn has_leading_blanks(&self) -> bool {
        !self.start_blanks && !self.is_numeric() && !self.order.month
    }

    pub(crate) fn is_numeric(&self) -> bool {
        self.order.numeric || self.order.general || self.order.human
    }

    pub(crate) fn spans_fields(&self) -> bool {
        !self.is_empty() && self.end.is_none_or(|(field, _)| field > self.start.0)
    }

    /// The letters of its options.
    pub(crate) fn letters(&self) -> String {
        let blanks = self.start_blanks || self.end_blanks || self.order.blanks;
        Order { blanks, ..self.order }.letters()
    }

    /// Written as `+F -F`, and as `-k F,F`.
    pub(crate) fn forms(&self) -> (String, String) {
        let (mut old, mut new) = (format!("+{}", self.start.0), format!("-k {}", self.start.0 + 1));
        if let Some((field, _)) = self.end {
            old.push_str(&format!(" -{}", field + 1));
            new.push_str(&format!(",{}", field + 1));
        }
        (old, new)
    }

    fn begin(&self, line: &[u8], separator: Option<u8>) -> usize {
        let mut at = 0;
        for _ in 0..self.start.0 {
            if at >= line.len() {
                break;
            }
            match separator {
                Some(separator) => {
                    at += line
                        .get(at..)
                        .and_then(|rest| memchr::memchr(separator, rest))
                        .unwrap_or(line.len() - at);
                    at += usize::from(at < line.len());
                }
                None => at = skip_field(line, at),
            }
        }
        if self.start_blanks {
            at = skip_blanks(line, at);
        }
        at.saturating_add(self.start.1).min(line.len())
    }

    fn limit(&self, line: &[u8], separator: Option<u8>, field: usize, characters: usize) -> usize {
        let mut at = 0;
        let fields = if characters == 0 { field + 1 } else { field };
        for left in (0..fields).rev() {
            if at >= line.len() {
                break;
            }
            match separator {
                Some(separator) => {
                    at += line
                        .get(at..)
                        .and_then(|rest| memchr::memchr(separator, rest))
                        .unwrap_or(line.len() - at);
                    at += usize::from(at < line.len() && (left > 0 || characters > 0));
                }
                None => at = skip_field(line, at),
            }
        }
        if characters > 0 {
            if self.end_blanks {
                at = skip_blanks(line, at);
            }
            at = at.saturating_add(characters).min(line.len());
        }
        at
    }

    /// A number that orders keys as [`Key::compare`] does without `-r`, as far as it goes: equal numbers decide nothing.
    pub(crate) fn prefix(&self, key: &[u8]) -> u64 {
        let order = &self.order;
        if order.numeric {
            return whole_part(key);
        }
        if order.general || order.human || order.month || order.random || order.version {
            return 0;
        }
        let mut bytes = [0; 8];
        if order.translates() {
            for (place, byte) in bytes.iter_mut().zip(order.translated(key)) {
                *place = byte;
            }
        } else {
            for (place, byte) in bytes.iter_mut().zip(key) {
                *place = *byte;
            }
        }
        u64::from_be_bytes(bytes)
    }

    pub(crate) fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        let order = &self.order;
        let result = if order.random {
            compare_random(order, a, b)
        } else if order.numeric {
            compare_numbers(a, b)
        } else if order.general {
            compare_general(a, b)
        } else if order.human {
            compare_human(a, b)
        } else if order.month {
            month(a).cmp(&month(b))
        } else if order.translates() {
            if order.version {
                let (a, b): (Vec<u8>, Vec<u8>) =
                    (order.translated(a).collect(), order.translated(b).collect());
                crate::version_order::compare(&a, &b)
            } else {
                order.translated(a).cmp(order.translated(b))
            }
        } else if order.version {
            crate::version_order::compare(a, b)
        } else {
            a.cmp(b)
        };
        if order.reverse { result.reverse() } else { result }
    }
}

fn skip_blanks(line: &[u8], at: usize) -> usize {
    at + line.get(at..).unwrap_or_default().iter().take_while(|byte| is_blank(**byte)).count()
}

fn skip_field(line: &[u8], at: usize) -> usize {
    let at = skip_blanks(line, at);
    at + line.get(at..).unwrap_or_default().iter().take_while(|byte| !is_blank(**byte)).count()
}

/// A decimal number at the beginning: sign, whole part without leading zeros, fraction.
fn number(text: &[u8]) -> (bool, &[u8], &[u8]) {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let rest = text.get(blanks..).unwrap_or_default();
    let negative = rest.first() == Some(&b'-');
    let rest = rest.get(usize::from(negative)..).unwrap_or_default();
    let zeros = rest.iter().take_while(|byte| **byte == b'0').count();
    let rest = rest.get(zeros..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = rest.split_at(digits);
    let fraction = match rest.split_first() {
        Some((b'.', rest)) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let digits = rest.get(..digits).unwrap_or_default();
            let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
            digits.get(..end).unwrap_or_default()
        }
        _ => &[],
    };
    (negative, whole, fraction)
}

/// The length of a number without blanks: sign, digits, one point, digits. The suffix stands behind it.
fn decimal(text: &[u8]) -> usize {
    let sign = usize::from(text.first() == Some(&b'-'));
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let whole = sign + digits(sign);
    if text.get(whole) == Some(&b'.') { whole + 1 + digits(whole + 1) } else { whole }
}

fn whole_part(text: &[u8]) -> u64 {
    let (negative, whole, _) = number(text);
    let mut value = 0_u64;
    for digit in whole {
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    }
    let value = value.min(1 << 62);
    if negative { (1 << 63) - value } else { (1 << 63) + value }
}

fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a_negative, a_whole, a_fraction) = number(a);
    let (b_negative, b_whole, b_fraction) = number(b);
    let a_zero = a_whole.is_empty() && a_fraction.is_empty();
    let b_zero = b_whole.is_empty() && b_fraction.is_empty();
    match (a_negative && !a_zero, b_negative && !b_zero) {
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        _ => {}
    }
    let magnitude = a_whole
        .len()
        .cmp(&b_whole.len())
        .then_with(|| a_whole.cmp(b_whole))
        .then_with(|| a_fraction.cmp(b_fraction));
    if a_negative && !a_zero { magnitude.reverse() } else { magnitude }
}

fn compare_general(a: &[u8], b: &[u8]) -> Ordering {
    let value = |text: &[u8]| {
        let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Extended::parse(text.get(blanks..).unwrap_or_default()).map(|(value, _)| value)
    };
    match (value(a), value(b)) {
        (None, None) => Ordering::Equal,
        // What is no number comes first, then what is "not a number".
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => match (a.is_nan(), b.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            _ if a == b => Ordering::Equal,
            _ if a.less_than(b) => Ordering::Less,
            _ if b.less_than(a) => Ordering::Greater,
            _ => Ordering::Equal,
        },
    }
}

fn compare_human(a: &[u8], b: &[u8]) -> Ordering {
    let power = |text: &[u8]| {
        let (negative, whole, fraction) = number(text);
        if whole.is_empty() && fraction.is_empty() {
            return 0;
        }
        let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
        let order = match text.get(blanks + decimal(text.get(blanks..).unwrap_or_default())) {
            Some(b'K' | b'k') => 1,
            Some(b'M') => 2,
            Some(b'G') => 3,
            Some(b'T') => 4,
            Some(b'P') => 5,
            Some(b'E') => 6,
            Some(b'Z') => 7,
            Some(b'Y') => 8,
            Some(b'R') => 9,
            Some(b'Q') => 10,
            _ => 0,
        };
        if negative { -order } else { order }
    };
    let sign = |text: &[u8]| {
        let (negative, whole, fraction) = number(text);
        match (whole.is_empty() && fraction.is_empty(), negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    };
    sign(a).cmp(&sign(b)).then_with(|| power(a).cmp(&power(b))).then_with(|| compare_numbers(a, b))
}

/// Of a key that is read as a number or a month: the blanks before that, and where it ends.
pub(crate) fn number_end(key: &Key, text: &[u8]) -> Option<(usize, usize)> {
    if !key.is_numeric() && !key.order.month {
        return None;
    }
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let rest = text.get(blanks..).unwrap_or_default();
    let length = if key.order.month {
        if month(rest) > 0 { 3 } else { 0 }
    } else if key.order.general {
        Extended::parse(rest).map_or(0, |(_, length)| length)
    } else {
        let minus = usize::from(rest.first() == Some(&b'-'));
        let digits = |from: usize| {
            rest.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = digits(minus);
        let point = rest.get(minus + whole) == Some(&b'.');
        let fraction = if point { digits(minus + whole + 1) } else { 0 };
        let end = minus + whole + usize::from(point) + fraction;
        match whole + fraction {
            0 => 0,
            _ if key.order.human && rest.get(end).is_some_and(|byte| b"KkMGTPEZYRQ".contains(byte)) => {
                end + 1
            }
            _ => end,
        }
    };
    Some((blanks, blanks + length))
}

fn month(text: &[u8]) -> usize {
    const NAMES: [&[u8]; 12] =
        [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    let Some(start) = text.get(blanks..blanks + 3) else { return 0 };
    NAMES.iter().position(|name| name.eq_ignore_ascii_case(start)).map_or(0, |index| index + 1)
}

/// An order by a keyed hash, so that equal keys stay together.
fn compare_random(order: &Order, a: &[u8], b: &[u8]) -> Ordering {
    let hash = |text: &[u8]| {
        let mut state = order.seed ^ 0xcbf2_9ce4_8422_2325;
        for byte in order.translated(text) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            state ^= state >> 29;
        }
        state = (state ^ (state >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state ^ (state >> 29)
    };
    hash(a).cmp(&hash(b)).then_with(|| order.translated(a).cmp(order.translated(b)))
}

fn invalid(t: &Tool, what: &str, text: &[u8]) -> Fail {
    Fail::Message(format!("{what}: invalid field specification {}", t.quote(text)), 2)
}

fn count<'a>(t: &Tool, text: &'a [u8], what: &str) -> Result<(usize, &'a [u8]), Fail> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return Err(Fail::Message(format!("{what}: invalid count at start of {}", t.quote(text)), 2));
    }
    let (number, rest) = text.split_at(digits);
    let mut value = 0_usize;
    for digit in number {
        value = value.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
    }
    Ok((value, rest))
}

/// `F[.C][OPTS][,F[.C][OPTS]]`.
pub(crate) fn parse_key(t: &Tool, text: &[u8]) -> Result<Key, Fail> {
    let mut key =
        Key { start: (0, 0), end: None, start_blanks: false, end_blanks: false, order: Order::default() };
    let (field, mut rest) = count(t, text, "invalid number at field start")?;
    if field == 0 {
        return Err(invalid(t, "field number is zero", text));
    }
    key.start.0 = field - 1;
    if let Some(behind) = rest.strip_prefix(b".") {
        let (character, behind) = count(t, behind, "invalid number after '.'")?;
        if character == 0 {
            return Err(invalid(t, "character offset is zero", text));
        }
        key.start.1 = character - 1;
        rest = behind;
    }
    rest = letters(&mut key, rest, true);
    if let Some(behind) = rest.strip_prefix(b",") {
        let (field, behind) = count(t, behind, "invalid number after ','")?;
        if field == 0 {
            return Err(invalid(t, "field number is zero", text));
        }
        rest = behind;
        let mut characters = 0;
        if let Some(behind) = rest.strip_prefix(b".") {
            (characters, rest) = count(t, behind, "invalid number after '.'")?;
        }
        key.end = Some((field - 1, characters));
        rest = letters(&mut key, rest, false);
    }
    if !rest.is_empty() {
        return Err(invalid(t, "stray character in field spec", text));
    }
    Ok(key)
}

fn letters<'a>(key: &mut Key, text: &'a [u8], start: bool) -> &'a [u8] {
    let mut rest = text;
    while let Some((letter, behind)) = rest.split_first() {
        if *letter == b'b' {
            if start {
                key.start_blanks = true;
            } else {
                key.end_blanks = true;
            }
        } else if !key.order.set(*letter) {
            break;
        }
        rest = behind;
    }
    rest
}

/// `+F[.C][OPTS] [-F[.C][OPTS]]`, counted from 0; taken off the arguments.
pub(crate) fn parse_obsolete(t: &Tool, arguments: &mut Vec<BString>) -> Result<Vec<Key>, Fail> {
    let mut keys = Vec::new();
    let mut index = 0;
    while let Some(argument) = arguments.get(index) {
        if argument == "--" {
            break;
        }
        let Some(start) =
            argument.strip_prefix(b"+").filter(|rest| rest.first().is_some_and(u8::is_ascii_digit))
        else {
            index += 1;
            continue;
        };
        let start = start.to_vec();
        let Some(mut key) = position(t, &start, true, None) else {
            index += 1;
            continue;
        };
        arguments.remove(index);
        let end = arguments
            .get(index)
            .and_then(|next| next.strip_prefix(b"-"))
            .filter(|rest| rest.first().is_some_and(u8::is_ascii_digit))
            .map(<[u8]>::to_vec);
        if let Some(end) = end
            && let Some(ended) = position(t, &end, false, Some(key))
        {
            key = ended;
            arguments.remove(index);
        }
        keys.push(key);
    }
    Ok(keys)
}

fn position(t: &Tool, text: &[u8], start: bool, key: Option<Key>) -> Option<Key> {
    let mut key = key.unwrap_or(Key {
        start: (0, 0),
        end: None,
        start_blanks: false,
        end_blanks: false,
        order: Order::default(),
    });
    let (field, mut rest) = count(t, text, "").ok()?;
    let mut characters = 0;
    if let Some(behind) = rest.strip_prefix(b".") {
        (characters, rest) = count(t, behind, "").ok()?;
    }
    if start {
        key.start = (field, characters);
    } else {
        // `-F` ends before the field that it names.
        key.end = match (field, characters) {
            (0, 0) => return None,
            (field, 0) => Some((field - 1, 0)),
            (field, characters) => Some((field, characters)),
        };
    }
    let rest = letters(&mut key, rest, start);
    rest.is_empty().then_some(key)
}
