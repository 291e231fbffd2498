//! Numbers in arguments: with the suffixes of sizes, as gnulib's `xstrtoumax` reads them.

/// Why an argument is no number that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is no number at all.
    Invalid,
    /// It is a number with something behind it.
    Suffix,
    /// It is too large; what is used is the largest number.
    Overflow,
}

/// A number of decimal digits with an optional suffix: `b` 512, `kB` `K` `KiB` `MB` `M` and so on, those of `suffixes`.
/// White space and `+` may stand before it.
pub(crate) fn parse_size(text: &[u8], suffixes: &[u8]) -> Result<u64, Trouble> {
    let (value, trouble) = parse_size_or_largest(text, suffixes);
    match trouble {
        None => Ok(value),
        Some(trouble) => Err(trouble),
    }
}

/// As [`parse_size`]; the number that is used where an overflow is no error.
pub(crate) fn parse_size_or_largest(text: &[u8], suffixes: &[u8]) -> (u64, Option<Trouble>) {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, suffix) = text.split_at(digits);
    let mut overflow = false;
    let mut value: u64 = 0;
    if number.is_empty() {
        // A lone suffix stands for one of it.
        if suffix.first().is_some_and(|letter| suffixes.contains(letter)) {
            value = 1;
        } else {
            return (0, Some(Trouble::Invalid));
        }
    }
    for digit in number {
        match value.checked_mul(10).and_then(|tens| tens.checked_add(u64::from(digit - b'0'))) {
            Some(next) => value = next,
            None => {
                overflow = true;
                value = u64::MAX;
                break;
            }
        }
    }
    let Some((&letter, rest)) = suffix.split_first() else {
        return (value, overflow.then_some(Trouble::Overflow));
    };
    if !suffixes.contains(&letter) {
        return (value, Some(Trouble::Suffix));
    }
    let (base, rest): (u64, &[u8]) = match rest {
        _ if matches!(letter, b'b' | b'c' | b'w' | b'B') => (1024, rest),
        b"iB" => (1024, b""),
        b"B" | b"D" if suffixes.contains(&b'0') => (1000, b""),
        _ => (1024, rest),
    };
    if !rest.is_empty() {
        return (value, Some(Trouble::Suffix));
    }
    let (unit, power) = match letter {
        b'b' => (512, 1),
        b'B' => (1024, 1),
        b'c' => (1, 1),
        b'w' => (2, 1),
        b'k' | b'K' => (base, 1),
        b'm' | b'M' => (base, 2),
        b'g' | b'G' => (base, 3),
        b't' | b'T' => (base, 4),
        b'P' => (base, 5),
        b'E' => (base, 6),
        b'Z' => (base, 7),
        b'Y' => (base, 8),
        b'R' => (base, 9),
        b'Q' => (base, 10),
        _ => return (value, Some(Trouble::Suffix)),
    };
    for _ in 0..power {
        match value.checked_mul(unit) {
            Some(next) => value = next,
            None => {
                overflow = true;
                value = u64::MAX;
            }
        }
    }
    (value, overflow.then_some(Trouble::Overflow))
}

/// The digits of `value`, written at the end of `buffer`.
pub(crate) fn decimal(mut value: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    loop {
        start -= 1;
        if let Some(place) = buffer.get_mut(start) {
            *place = b'0' + (value % 10) as u8;
        }
        value /= 10;
        if value == 0 || start == 0 {
            return buffer.get(start..).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_multiply() {
        let parse = |text: &[u8]| parse_size(text, b"bkKmMGTPEZYRQ0");
        assert_eq!(parse(b"10"), Ok(10));
        assert_eq!(parse(b" +2b"), Ok(1024));
        assert_eq!(parse(b"1kB"), Ok(1000));
        assert_eq!(parse(b"1K"), Ok(1024));
        assert_eq!(parse(b"3MiB"), Ok(3 << 20));
        assert_eq!(parse(b"K"), Ok(1024));
        assert_eq!(parse(b"x"), Err(Trouble::Invalid));
        assert_eq!(parse(b"1x"), Err(Trouble::Suffix));
        assert_eq!(parse(b"1KiC"), Err(Trouble::Suffix));
        assert_eq!(parse(b"1Y"), Err(Trouble::Overflow));
        assert_eq!(parse(b"18446744073709551616"), Err(Trouble::Overflow));
    }

    #[test]
    fn digits_are_decimal() {
        let mut buffer = [0; 20];
        assert_eq!(decimal(0, &mut buffer), b"0");
        assert_eq!(decimal(u64::MAX, &mut buffer), b"18446744073709551615");
    }
}
