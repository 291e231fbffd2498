//! The order of names with numbers in them (gnulib's `filevercmp`): `sort -V`, `ls -v`.

use std::cmp::Ordering;

/// Compares two names; those that differ only in leading zeros of numbers are equal.
pub(crate) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let special = |name: &[u8]| match name {
        b"" => 0,
        b"." => 1,
        b".." => 2,
        [b'.', ..] => 3,
        _ => 4,
    };
    match special(a).cmp(&special(b)) {
        Ordering::Equal => {}
        other => return other,
    }
    let (prefix_a, prefix_b) = (without_suffix(a), without_suffix(b));
    // Equal without their suffixes: those decide.
    match parts(prefix_a, prefix_b) {
        Ordering::Equal if prefix_a.len() == a.len() && prefix_b.len() == b.len() => Ordering::Equal,
        Ordering::Equal => parts(a, b),
        other => other,
    }
}

/// The name without a suffix that matches `(\.[A-Za-z~][A-Za-z0-9~]*)*$`.
fn without_suffix(name: &[u8]) -> &[u8] {
    let mut end = name.len();
    // A name never loses its first character.
    let mut at = name.len();
    while at > 1 {
        at -= 1;
        let byte = name.get(at).copied().unwrap_or_default();
        if byte == b'.' {
            match name.get(at + 1) {
                Some(first) if at + 1 < end && (first.is_ascii_alphabetic() || *first == b'~') => end = at,
                _ => break,
            }
        } else if !byte.is_ascii_alphanumeric() && byte != b'~' {
            break;
        }
    }
    name.get(..end).unwrap_or(name)
}

fn rank(byte: Option<u8>) -> i32 {
    match byte {
        Some(b'~') => -2,
        None => -1,
        Some(digit) if digit.is_ascii_digit() => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(letter),
        Some(other) => i32::from(other) + 256,
    }
}

/// Parts without digits by character, parts of digits by value.
fn parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    let is_text = |text: &[u8]| text.first().is_some_and(|byte| !byte.is_ascii_digit());
    while !a.is_empty() || !b.is_empty() {
        while is_text(a) || is_text(b) {
            match rank(a.first().copied()).cmp(&rank(b.first().copied())) {
                Ordering::Equal => {}
                other => return other,
            }
            a = a.get(1..).unwrap_or_default();
            b = b.get(1..).unwrap_or_default();
        }
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let zeros = |text: &[u8]| text.iter().take_while(|byte| **byte == b'0').count();
        a = a.get(zeros(a)..).unwrap_or_default();
        b = b.get(zeros(b)..).unwrap_or_default();
        let (head_a, rest_a) = a.split_at(digits(a));
        let (head_b, rest_b) = b.split_at(digits(b));
        match head_a.len().cmp(&head_b.len()).then_with(|| head_a.cmp(head_b)) {
            Ordering::Equal => {}
            other => return other,
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn numbers_count_as_numbers() {
        let ordered = ["", ".", "..", ".a", "a1", "a2", "a10", "a10.b", "b-1.2.tar.gz", "b-1.10.tar.gz", "c"];
        for pair in ordered.windows(2) {
            assert!(compare(pair[0].as_bytes(), pair[1].as_bytes()).is_lt(), "{pair:?}");
        }
        assert!(compare(b"1.0~rc1", b"1.0").is_lt());
    }
}
