//! Decimal numbers of arbitrary precision with a number of digits behind the point (their scale), for `bc` and `dc`. They
//! stand on `num-bigint`; the scales of results are those of GNU's library (POSIX `bc`).

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

/// Digits that a number may have: what is longer cannot be computed in a reasonable time.
const LONGEST: u64 = 4_000_000;

/// A number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Number {
    /// All its digits, without the point.
    digits: BigInt,
    scale: usize,
}

/// It would have too many digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Ten to a power.
fn ten(power: usize) -> BigInt {
    BigInt::from(10).pow(power as u32)
}

impl Number {
    pub(crate) fn zero() -> Number {
        Number::default()
    }

    pub(crate) fn from(value: i64) -> Number {
        Number { digits: BigInt::from(value), scale: 0 }
    }

    /// Digits (`0`–`9`, `A`–`Z`) with at most one point, in a base. A digit beyond the base counts as its largest, unless
    /// it is the only one.
    pub(crate) fn parse(text: &[u8], base: u32) -> Number {
        let value = |byte: u8| match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'A'..=b'Z' => u32::from(byte - b'A') + 10,
            _ => 0,
        };
        if let [one] = text
            && *one != b'.'
        {
            return Number::from(i64::from(value(*one)));
        }
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let whole = parts.next().unwrap_or_default();
        let fraction = parts.next().unwrap_or_default();
        if base == 10 && !text.iter().any(u8::is_ascii_uppercase) {
            let all = [whole, fraction].concat();
            return Number {
                digits: BigInt::parse_bytes(&all, 10).unwrap_or_default(),
                scale: fraction.len(),
            };
        }
        let number = |digits: &[u8]| {
            digits.iter().fold(BigInt::default(), |sum, digit| sum * base + value(*digit).min(base - 1))
        };
        let whole = Number { digits: number(whole), scale: 0 };
        let divisor = Number { digits: BigInt::from(base).pow(fraction.len() as u32), scale: 0 };
        let part = Number { digits: number(fraction), scale: 0 }.divide(&divisor, fraction.len());
        whole.add(&part.unwrap_or_default())
    }

    /// As [`Number::parse`], but a digit beyond the base counts for what it is.
    pub(crate) fn parse_as_is(text: &[u8], base: u32) -> Number {
        let value = |byte: u8| {
            u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A' - 10) })
        };
        let mut sum = BigInt::default();
        let mut places = None;
        for byte in text {
            if *byte == b'.' {
                places = Some(0);
                continue;
            }
            sum = sum * base + value(*byte);
            places = places.map(|places| places + 1);
        }
        let whole = Number { digits: sum, scale: 0 };
        match places {
            None | Some(0) => whole,
            Some(places) => {
                let divisor = Number { digits: BigInt::from(base).pow(places), scale: 0 };
                whole.divide(&divisor, places as usize).unwrap_or_default()
            }
        }
    }

    /// All its digits as an integer: without the point and zeros before it.
    pub(crate) fn significant(&self) -> usize {
        self.digits.magnitude().to_string().len()
    }

    /// Digits behind the point.
    pub(crate) fn scale(&self) -> usize {
        self.scale
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.digits.sign() == Sign::Minus
    }

    /// Significant digits: those behind the point count all.
    pub(crate) fn length(&self) -> usize {
        let count = self.digits.magnitude().to_string().len();
        if self.is_zero() { self.scale.max(1) } else { count.max(self.scale) }
    }

    /// With so many digits behind the point, those beyond cut off.
    pub(crate) fn with_scale(&self, scale: usize) -> Number {
        let digits = match scale.cmp(&self.scale) {
            Ordering::Equal => self.digits.clone(),
            Ordering::Greater => &self.digits * ten(scale - self.scale),
            Ordering::Less => &self.digits / ten(self.scale - scale),
        };
        Number { digits, scale }
    }

    /// With at most so many digits behind the point.
    fn cut(self, scale: usize) -> Number {
        if self.scale > scale { self.with_scale(scale) } else { self }
    }

    /// The integer it is cut to, if that is small enough.
    pub(crate) fn to_integer(&self) -> Option<i64> {
        let whole = &self.digits / ten(self.scale);
        i64::try_from(whole).ok()
    }

    pub(crate) fn negate(&self) -> Number {
        Number { digits: -&self.digits, scale: self.scale }
    }

    fn aligned(&self, other: &Number) -> (BigInt, BigInt, usize) {
        let scale = self.scale.max(other.scale);
        (self.with_scale(scale).digits, other.with_scale(scale).digits, scale)
    }

    pub(crate) fn add(&self, other: &Number) -> Number {
        let (a, b, scale) = self.aligned(other);
        Number { digits: a + b, scale }
    }

    pub(crate) fn subtract(&self, other: &Number) -> Number {
        let (a, b, scale) = self.aligned(other);
        Number { digits: a - b, scale }
    }

    pub(crate) fn compare(&self, other: &Number) -> Ordering {
        let (a, b, _) = self.aligned(other);
        a.cmp(&b)
    }

    /// The product; its scale is that of the exact one, but no more than the largest of `scale` and those of the two.
    pub(crate) fn multiply(&self, other: &Number, scale: usize) -> Number {
        let exact = Number { digits: &self.digits * &other.digits, scale: self.scale + other.scale };
        exact.cut(scale.max(self.scale).max(other.scale))
    }

    /// The quotient with this scale, cut off. `None`: by zero.
    pub(crate) fn divide(&self, other: &Number, scale: usize) -> Option<Number> {
        if other.is_zero() {
            return None;
        }
        let wanted = scale + other.scale;
        let digits = if wanted >= self.scale {
            &self.digits * ten(wanted - self.scale) / &other.digits
        } else {
            &self.digits / (&other.digits * ten(self.scale - wanted))
        };
        Some(Number { digits, scale })
    }

    /// Quotient and remainder: the quotient with this scale, and what is left.
    pub(crate) fn divide_with_rest(&self, other: &Number, scale: usize) -> Option<(Number, Number)> {
        let quotient = self.divide(other, scale)?;
        let least = self.scale.max(other.scale + scale);
        let product =
            Number { digits: &quotient.digits * &other.digits, scale: quotient.scale + other.scale };
        let rest = self.subtract(&product.cut(least));
        let rest = if rest.scale < least { rest.with_scale(least) } else { rest };
        Some((quotient, rest))
    }

    /// The power by an integer. `None`: zero to a negative power.
    pub(crate) fn raise(&self, exponent: i64, scale: usize) -> Result<Option<Number>, TooLarge> {
        if exponent == 0 {
            return Ok(Some(Number::from(1)));
        }
        let count = exponent.unsigned_abs();
        if self.digits.bits().saturating_mul(count) / 3 > LONGEST && self.digits.bits() > 1 {
            return Err(TooLarge);
        }
        let power_scale = (self.scale as u64).saturating_mul(count);
        if power_scale > LONGEST {
            return Err(TooLarge);
        }
        let power = u32::try_from(count).map_err(|_| TooLarge).or_else(|error| {
            // One and zero are what they are.
            if self.digits.bits() <= 1 { Ok((count % 2) as u32 + 2) } else { Err(error) }
        })?;
        let exact = Number { digits: self.digits.pow(power), scale: power_scale as usize };
        if exponent < 0 {
            return Ok(Number::from(1).divide(&exact, scale));
        }
        Ok(Some(exact.cut(scale.max(self.scale))))
    }

    /// The square root, cut off. `None`: of a negative number.
    pub(crate) fn root(&self, scale: usize) -> Option<Number> {
        if self.is_negative() {
            return None;
        }
        if self.is_zero() {
            return Some(Number::zero());
        }
        if self.compare(&Number::from(1)).is_eq() {
            return Some(Number::from(1));
        }
        let scale = scale.max(self.scale);
        let digits = (&self.digits * ten(2 * scale - self.scale)).sqrt();
        Some(Number { digits, scale })
    }

    /// Appends the number in a base, as GNU's library writes it: without a zero before the point.
    pub(crate) fn write(&self, base: u32, out: &mut Vec<u8>) {
        if self.is_zero() {
            out.push(b'0');
            return;
        }
        if self.is_negative() {
            out.push(b'-');
        }
        if base == 10 {
            let text = self.digits.magnitude().to_string();
            let whole = text.len().saturating_sub(self.scale);
            out.extend_from_slice(text.as_bytes().get(..whole).unwrap_or_default());
            if self.scale > 0 {
                out.push(b'.');
                out.resize(out.len() + self.scale.saturating_sub(text.len()), b'0');
                out.extend_from_slice(text.as_bytes().get(whole..).unwrap_or_default());
            }
            return;
        }
        self.write_in(base, out);
    }

    fn write_in(&self, base: u32, out: &mut Vec<u8>) {
        let positive = BigInt::from(self.digits.magnitude().clone());
        let unit = ten(self.scale);
        let mut whole = &positive / &unit;
        let mut fraction = positive % &unit;
        // Digits of large bases are decimal numbers of one width.
        let width = (base - 1).to_string().len();
        let digit = |digit: u32, space: bool, out: &mut Vec<u8>| {
            if base <= 16 {
                out.push(*b"0123456789ABCDEF".get(digit as usize).unwrap_or(&b'?'));
            } else {
                if space {
                    out.push(b' ');
                }
                out.extend_from_slice(format!("{digit:0width$}").as_bytes());
            }
        };
        let mut digits = Vec::new();
        if base <= 16 {
            if whole.sign() != Sign::NoSign {
                out.extend_from_slice(whole.to_str_radix(base).to_ascii_uppercase().as_bytes());
            }
        } else {
            while whole.sign() != Sign::NoSign {
                digits.push(u32::try_from(&whole % base).unwrap_or(0));
                whole /= base;
            }
            for value in digits.iter().rev() {
                digit(*value, true, out);
            }
        }
        if self.scale > 0 {
            out.push(b'.');
            // As many digits as the scale is worth.
            let mut worth = BigInt::from(1);
            let mut first = true;
            while worth < unit {
                fraction *= base;
                let value = &fraction / &unit;
                fraction %= &unit;
                digit(u32::try_from(value).unwrap_or(0), !first, out);
                first = false;
                worth *= base;
            }
        }
    }

    /// The bytes of its integer part, the most significant first.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let whole = &self.digits / ten(self.scale);
        if whole.sign() == Sign::NoSign { Vec::new() } else { whole.to_bytes_be().1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: &Number, base: u32) -> String {
        let mut out = Vec::new();
        number.write(base, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn number(text: &str) -> Number {
        let parsed = Number::parse(text.trim_start_matches('-').as_bytes(), 10);
        if text.starts_with('-') { parsed.negate() } else { parsed }
    }

    #[test]
    fn scales_are_those_of_bc() {
        assert_eq!(shown(&number("1.5").multiply(&number("1.5"), 0), 10), "2.2");
        assert_eq!(shown(&number("10").divide(&number("3"), 5).unwrap(), 10), "3.33333");
        assert_eq!(shown(&number("10").divide_with_rest(&number("3.3"), 5).unwrap().1, 10), ".000010");
        assert_eq!(shown(&number("1.5").raise(3, 0).unwrap().unwrap(), 10), "3.3");
        assert_eq!(shown(&number("2").raise(-2, 3).unwrap().unwrap(), 10), ".250");
        assert_eq!(shown(&number("2").root(10).unwrap(), 10), "1.4142135623");
        assert_eq!(number("0.05").length(), 2);
        assert!(number("9").raise(1 << 40, 0).is_err());
    }

    #[test]
    fn bases() {
        assert_eq!(shown(&number("255.5"), 16), "FF.8");
        assert_eq!(shown(&number("-12345.678"), 100), "- 01 23 45.67 80");
        assert_eq!(shown(&Number::parse(b"111.101", 2), 10), "7.625");
        assert_eq!(shown(&Number::parse(b"1F", 10), 10), "19");
        assert_eq!(shown(&Number::parse(b"ZZ", 36), 10), "1295");
    }
}
