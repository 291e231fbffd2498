//! Byte strings as the shell keeps them: short ones inline, long ones shared, appended to in place.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

/// Bytes that are kept without an allocation: the string then is as large as a `Vec`.
const INLINE: usize = 22;

#[derive(Clone)]
enum Repr {
    Inline(u8, [u8; INLINE]),
    Shared(Rc<Vec<u8>>),
}

/// A byte string. A clone costs no more than a reference count; appending to one that nobody shares is
/// amortised as for a `Vec`.
#[derive(Clone)]
pub(crate) struct Str(Repr);

impl Str {
    /// The empty string.
    pub(crate) const EMPTY: Str = Str(Repr::Inline(0, [0; INLINE]));

    /// A copy of `bytes`.
    pub(crate) fn new(bytes: &[u8]) -> Str {
        if bytes.len() <= INLINE {
            let mut buffer = [0; INLINE];
            if let Some(place) = buffer.get_mut(..bytes.len()) {
                place.copy_from_slice(bytes);
            }
            Str(Repr::Inline(bytes.len() as u8, buffer))
        } else {
            Str(Repr::Shared(Rc::new(bytes.to_vec())))
        }
    }

    /// The decimal representation of `value`.
    pub(crate) fn from_int(value: i64) -> Str {
        let mut buffer = [0u8; INLINE];
        let mut digits = [0u8; 20];
        let mut count = 0;
        let mut rest = value.unsigned_abs();
        loop {
            if let Some(place) = digits.get_mut(count) {
                *place = b'0' + (rest % 10) as u8;
            }
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let mut at = 0;
        if value < 0 {
            buffer[0] = b'-';
            at = 1;
        }
        for digit in digits.iter().take(count).rev() {
            if let Some(place) = buffer.get_mut(at) {
                *place = *digit;
            }
            at += 1;
        }
        Str(Repr::Inline(at as u8, buffer))
    }

    /// The bytes.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(len, buffer) => buffer.get(..*len as usize).unwrap_or_default(),
            Repr::Shared(bytes) => bytes,
        }
    }

    /// Appends `bytes`.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Repr::Inline(len, buffer) => {
                let old = *len as usize;
                if let Some(place) = buffer.get_mut(old..old + bytes.len()) {
                    place.copy_from_slice(bytes);
                    *len += bytes.len() as u8;
                } else {
                    let mut long = Vec::with_capacity((old + bytes.len()).max(64));
                    long.extend_from_slice(buffer.get(..old).unwrap_or_default());
                    long.extend_from_slice(bytes);
                    self.0 = Repr::Shared(Rc::new(long));
                }
            }
            Repr::Shared(old) => Rc::make_mut(old).extend_from_slice(bytes),
        }
    }

    /// Where its bytes are and how many there is room for, unless they are in itself.
    pub(crate) fn allocation(&self) -> Option<(usize, usize)> {
        match &self.0 {
            Repr::Inline(..) => None,
            Repr::Shared(bytes) => Some((Rc::as_ptr(bytes) as usize, bytes.capacity())),
        }
    }

    /// The bytes as a `Vec` of their own.
    pub(crate) fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Repr::Shared(bytes) => Rc::try_unwrap(bytes).unwrap_or_else(|bytes| (*bytes).clone()),
            Repr::Inline(..) => self.as_bytes().to_vec(),
        }
    }

    /// The text, with U+FFFD for what is no UTF-8.
    pub(crate) fn to_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }
}

impl Default for Str {
    fn default() -> Self {
        Str::EMPTY
    }
}

impl Deref for Str {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        Str::new(bytes)
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Str::new(text.as_bytes())
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() <= INLINE { Str::new(&bytes) } else { Str(Repr::Shared(Rc::new(bytes))) }
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Str {}
impl PartialEq<[u8]> for Str {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_bytes() == other
    }
}
impl PartialEq<&[u8]> for Str {
    fn eq(&self, other: &&[u8]) -> bool {
        self.as_bytes() == *other
    }
}
impl<const N: usize> PartialEq<&[u8; N]> for Str {
    fn eq(&self, other: &&[u8; N]) -> bool {
        self.as_bytes() == *other
    }
}
impl<const N: usize> PartialEq<[u8; N]> for Str {
    fn eq(&self, other: &[u8; N]) -> bool {
        self.as_bytes() == other
    }
}
impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}
impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}
impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(bstr::BStr::new(self.as_bytes()), f)
    }
}

/// A plain decimal integer as arithmetic has it: digits without a leading zero, with an optional minus sign.
/// `None`: something else, or too large.
#[inline]
pub(crate) fn plain_int(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, bytes),
    };
    match digits {
        [] => return None,
        [b'0'] if negative => return None,
        [b'0', _, ..] => return None,
        _ => {}
    }
    if digits.len() > 18 {
        return None;
    }
    let mut value: i64 = 0;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_across_the_inline_limit() {
        let mut text = Str::new(b"0123456789");
        for _ in 0..3 {
            text.push(b"0123456789");
        }
        assert_eq!(text.len(), 40);
        let other = text.clone();
        text.push(b"x");
        assert_eq!(other.len(), 40);
        assert_eq!(text.last(), Some(&b'x'));
    }

    #[test]
    fn integers() {
        for value in [0, 7, -7, 1234567890, i64::MAX, i64::MIN] {
            assert_eq!(Str::from_int(value).as_bytes(), value.to_string().as_bytes());
        }
        assert_eq!(plain_int(b"-12"), Some(-12));
        assert_eq!(plain_int(b"012"), None);
        assert_eq!(plain_int(b""), None);
        assert_eq!(plain_int(b"-0"), None);
    }
}
