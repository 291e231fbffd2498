//! Numbers in the x87 extended format, C's `long double`: GNU tools and bash compute and print with it, so its 64 bits of
//! precision show in their output. Conversions from and to decimal are exact, on `num-bigint`.

use num_bigint::BigUint;

/// A floating-point number with 64 bits of precision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extended {
    negative: bool,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Zero,
    /// `mantissa * 2^exponent`, the highest bit of the mantissa set.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
    Nan,
}

/// The largest exponent of a finite number: 2^16383 * 1.11…
const LARGEST: i32 = 16383 - 63;

/// Behind so many digits all are zeros: 2^-16508 has that many behind the point.
const MOST_DIGITS: usize = 16_508;
/// Below this a number is zero; denormal numbers keep their full precision here.
const SMALLEST: i32 = -16445 - 63;

/// Flags of a conversion of `printf(3)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-`
    pub left: bool,
    /// `+`
    pub plus: bool,
    /// a space
    pub space: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
}

impl Extended {
    /// Nothing.
    pub const ZERO: Extended = Extended { negative: false, value: Value::Zero };

    /// Whether it is less than zero.
    pub fn is_negative(self) -> bool {
        self.negative && self.value != Value::Zero
    }

    /// Whether it is zero, of either sign.
    pub fn is_zero(self) -> bool {
        self.value == Value::Zero
    }

    /// Whether it is no number.
    pub fn is_nan(self) -> bool {
        self.value == Value::Nan
    }

    /// Whether it is a number, and not infinite.
    pub fn is_finite(self) -> bool {
        matches!(self.value, Value::Zero | Value::Finite { .. })
    }

    /// The number with the other sign.
    pub(crate) fn negate(self) -> Extended {
        Extended { negative: !self.negative, ..self }
    }

    /// An integer, which it holds exactly.
    pub fn from_u64(value: u64) -> Extended {
        Extended::round(false, u128::from(value), 0, false)
    }

    /// Rounds `bits * 2^exponent` to nearest, ties to even; `sticky`: a little more than that.
    fn round(negative: bool, bits: u128, exponent: i32, sticky: bool) -> Extended {
        if bits == 0 {
            return Extended { negative, value: Value::Zero };
        }
        let shift = 64 - bits.leading_zeros() as i32;
        let (mut mantissa, mut exponent) = if shift <= 0 {
            ((bits << -shift) as u64, exponent + shift)
        } else {
            let kept = (bits >> shift) as u64;
            let lost = bits & ((1 << shift) - 1);
            let half = 1_u128 << (shift - 1);
            let up = lost > half || (lost == half && (sticky || kept & 1 == 1));
            match kept.checked_add(u64::from(up)) {
                Some(mantissa) => (mantissa, exponent + shift),
                None => (1 << 63, exponent + shift + 1),
            }
        };
        let value = if exponent > LARGEST {
            Value::Infinite
        } else if exponent < SMALLEST {
            mantissa = 0;
            exponent = 0;
            let _ = (mantissa, exponent);
            Value::Zero
        } else {
            Value::Finite { mantissa, exponent }
        };
        Extended { negative, value }
    }

    /// Rounds a quotient of two large numbers.
    fn ratio(negative: bool, mut numerator: BigUint, mut denominator: BigUint) -> Extended {
        if numerator == BigUint::ZERO {
            return Extended { negative, value: Value::Zero };
        }
        // A quotient of 66 bits or more has all that rounding needs, with the rest as the sticky bit.
        let shift = 67 - (numerator.bits() as i64 - denominator.bits() as i64);
        if shift > 0 {
            numerator <<= shift as u64;
        } else {
            denominator <<= (-shift) as u64;
        }
        let quotient = &numerator / &denominator;
        let rest = numerator - &quotient * denominator;
        let bits = u128::try_from(&quotient).unwrap_or(u128::MAX);
        Extended::round(negative, bits, -(shift as i32), rest != BigUint::ZERO)
    }

    /// Reads the number at the beginning of `text`, as `strtold(3)`, but for leading white space. How many bytes it has.
    pub fn parse(text: &[u8]) -> Option<(Extended, usize)> {
        let (negative, sign) = match text.first()? {
            b'-' => (true, 1),
            b'+' => (false, 1),
            _ => (false, 0),
        };
        let rest = text.get(sign..)?;
        let word = |word: &[u8]| rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if word(b"inf") {
            let length = if word(b"infinity") { 8 } else { 3 };
            return Some((Extended { negative, value: Value::Infinite }, sign + length));
        }
        if word(b"nan") {
            return Some((Extended { negative, value: Value::Nan }, sign + 3));
        }
        let hexadecimal = word(b"0x")
            && rest.get(2..).is_some_and(|digits| {
                digits.first().is_some_and(u8::is_ascii_hexdigit)
                    || (digits.first() == Some(&b'.') && digits.get(1).is_some_and(u8::is_ascii_hexdigit))
            });
        let (number, length) = if hexadecimal {
            let (number, length) = digits_of(rest.get(2..)?, 16, b'p')?;
            (number, length + 2)
        } else {
            digits_of(rest, 10, b'e')?
        };
        let value = if hexadecimal {
            let shift = number.exponent.saturating_sub(4 * number.fraction as i64).clamp(-40_000, 40_000);
            if shift >= 0 {
                Extended::ratio(negative, number.digits << shift as u64, BigUint::from(1_u8))
            } else {
                Extended::ratio(negative, number.digits, BigUint::from(1_u8) << (-shift) as u64)
            }
        } else {
            let power = number.exponent.saturating_sub(number.fraction as i64);
            // Beyond these the result is infinite or zero whatever the digits.
            let power = power.clamp(-10_000 - number.fraction as i64, 10_000);
            let ten = BigUint::from(10_u8);
            if power >= 0 {
                Extended::ratio(negative, number.digits * ten.pow(power as u32), BigUint::from(1_u8))
            } else {
                Extended::ratio(negative, number.digits, ten.pow((-power) as u32))
            }
        };
        Some((value, sign + length))
    }

    /// The product.
    pub(crate) fn multiply(self, other: Extended) -> Extended {
        let negative = self.negative != other.negative;
        match (self.value, other.value) {
            (Value::Nan, _) | (_, Value::Nan) => Extended { negative, value: Value::Nan },
            (Value::Infinite, Value::Zero) | (Value::Zero, Value::Infinite) => {
                Extended { negative, value: Value::Nan }
            }
            (Value::Infinite, _) | (_, Value::Infinite) => Extended { negative, value: Value::Infinite },
            (Value::Zero, _) | (_, Value::Zero) => Extended { negative, value: Value::Zero },
            (Value::Finite { mantissa: a, exponent: x }, Value::Finite { mantissa: b, exponent: y }) => {
                Extended::round(negative, u128::from(a) * u128::from(b), x + y, false)
            }
        }
    }

    /// The sum.
    pub(crate) fn add(self, other: Extended) -> Extended {
        let (a, x, b, y) = match (self.value, other.value) {
            (Value::Nan, _) | (_, Value::Nan) => return Extended { negative: false, value: Value::Nan },
            (Value::Infinite, Value::Infinite) if self.negative != other.negative => {
                return Extended { negative: true, value: Value::Nan };
            }
            (Value::Infinite, _) => return self,
            (_, Value::Infinite) => return other,
            (Value::Zero, Value::Zero) => {
                return Extended { negative: self.negative && other.negative, ..self };
            }
            (Value::Zero, _) => return other,
            (_, Value::Zero) => return self,
            (Value::Finite { mantissa: a, exponent: x }, Value::Finite { mantissa: b, exponent: y }) => {
                (a, x, b, y)
            }
        };
        // The one with the larger exponent first.
        let ((a, x, a_negative), (b, y, b_negative)) = if (x, a) >= (y, b) {
            ((a, x, self.negative), (b, y, other.negative))
        } else {
            ((b, y, other.negative), (a, x, self.negative))
        };
        // 62 bits of room below; what is shifted out beyond is the sticky bit.
        let room = 62_i32;
        let wide_a = u128::from(a) << room;
        let distance = x - y;
        let (wide_b, sticky) = if distance <= room {
            (u128::from(b) << (room - distance), false)
        } else if distance - room < 64 {
            let shift = distance - room;
            (u128::from(b >> shift), b & ((1 << shift) - 1) != 0)
        } else {
            (0, true)
        };
        if a_negative == b_negative {
            Extended::round(a_negative, wide_a + wide_b, x - room, sticky)
        } else {
            let difference = wide_a - wide_b - u128::from(sticky);
            let zero = difference == 0;
            Extended::round(a_negative && !zero, difference, x - room, sticky)
        }
    }

    /// Whether it is less than another; never, if one of them is no number.
    pub(crate) fn less_than(self, other: Extended) -> bool {
        let difference = self.add(other.negate());
        difference.is_negative() && difference.value != Value::Nan
    }

    /// `printf(3)` with the conversion `f F e E g G a A`, padded to `width`.
    pub fn format(self, conversion: u8, flags: Flags, width: usize, precision: Option<usize>) -> String {
        let upper = conversion.is_ascii_uppercase();
        let mut body = match (self.value, conversion.to_ascii_lowercase()) {
            (Value::Infinite, _) => "inf".to_owned(),
            (Value::Nan, _) => "nan".to_owned(),
            (_, b'f') => self.fixed(precision.unwrap_or(6), flags.alternate),
            (_, b'e') => self.scientific(precision.unwrap_or(6), flags.alternate),
            (_, b'g') => self.general(precision.unwrap_or(6), flags.alternate),
            _ => self.hexadecimal(precision, flags.alternate),
        };
        if upper {
            body.make_ascii_uppercase();
        }
        let sign = match (self.negative, flags) {
            (true, _) => "-",
            (false, Flags { plus: true, .. }) => "+",
            (false, Flags { space: true, .. }) => " ",
            _ => "",
        };
        let padding = width.saturating_sub(sign.len() + body.len());
        if flags.left {
            return format!("{sign}{body}{}", " ".repeat(padding));
        }
        if flags.zero && self.is_finite() {
            let (prefix, digits) = match body.get(..2) {
                Some("0x" | "0X") => body.split_at(2),
                _ => ("", &body[..]),
            };
            return format!("{sign}{prefix}{}{digits}", "0".repeat(padding));
        }
        format!("{}{sign}{body}", " ".repeat(padding))
    }

    /// The digits of `|self| * 10^power`, rounded to an integer, ties to even.
    fn scaled(self, power: i64) -> String {
        let Value::Finite { mantissa, exponent } = self.value else { return "0".into() };
        // Most numbers fit into 128 bits.
        if (0..=19).contains(&power) && (-127..=0).contains(&exponent) {
            let product = u128::from(mantissa) * 10_u128.pow(power as u32);
            let shift = -exponent as u32;
            if product.leading_zeros() > 0 {
                let kept = product.checked_shr(shift).unwrap_or(0);
                let lost = product & ((1_u128 << shift) - 1);
                let half = if shift == 0 { 0 } else { 1_u128 << (shift - 1) };
                let up = shift > 0 && (lost > half || (lost == half && kept & 1 == 1));
                return (kept + u128::from(up)).to_string();
            }
        }
        let ten = BigUint::from(10_u8);
        let mut numerator = BigUint::from(mantissa);
        let mut denominator = BigUint::from(1_u8);
        if power >= 0 {
            numerator *= ten.pow(power as u32);
        } else {
            denominator *= ten.pow(power.unsigned_abs() as u32);
        }
        if exponent >= 0 {
            numerator <<= exponent as u64;
        } else {
            denominator <<= u64::from(exponent.unsigned_abs());
        }
        let quotient = &numerator / &denominator;
        let rest = (numerator - &quotient * &denominator) * 2_u8;
        let odd = quotient.bit(0);
        let up = rest > denominator || (rest == denominator && odd);
        (quotient + u8::from(up)).to_string()
    }

    fn fixed(self, precision: usize, alternate: bool) -> String {
        let exact = precision.min(MOST_DIGITS);
        let mut digits = self.scaled(exact as i64);
        if digits.len() <= exact {
            digits.insert_str(0, &"0".repeat(exact + 1 - digits.len()));
        }
        if precision > 0 || alternate {
            digits.insert(digits.len() - exact, '.');
        }
        digits + &"0".repeat(precision - exact)
    }

    /// The first `count` digits, and the power of ten of the first one.
    fn leading(self, count: usize) -> (String, i64) {
        let Value::Finite { mantissa, exponent } = self.value else { return ("0".repeat(count), 0) };
        let (zeros, count) = (count.saturating_sub(MOST_DIGITS), count.min(MOST_DIGITS));
        let mut power =
            ((mantissa as f64).log10() + f64::from(exponent) * std::f64::consts::LOG10_2).floor() as i64;
        loop {
            let digits = self.scaled(count as i64 - 1 - power);
            match digits.len().cmp(&count) {
                std::cmp::Ordering::Equal => return (digits + &"0".repeat(zeros), power),
                std::cmp::Ordering::Greater => power += 1,
                std::cmp::Ordering::Less => power -= 1,
            }
        }
    }

    fn scientific(self, precision: usize, alternate: bool) -> String {
        let (mut digits, power) = self.leading(precision + 1);
        if precision > 0 || alternate {
            digits.insert(1, '.');
        }
        let sign = if power < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", power.unsigned_abs())
    }

    fn general(self, precision: usize, alternate: bool) -> String {
        let precision = precision.max(1);
        let (_, power) = self.leading(precision);
        let mut text = if power < -4 || power >= precision as i64 {
            self.scientific(precision - 1, alternate)
        } else {
            self.fixed((precision as i64 - 1 - power) as usize, alternate)
        };
        if !alternate {
            let (digits, exponent) = match text.find('e') {
                Some(at) => text.split_at(at),
                None => (&text[..], ""),
            };
            if digits.contains('.') {
                let short = digits.trim_end_matches('0').trim_end_matches('.');
                text = format!("{short}{exponent}");
            }
        }
        text
    }

    fn hexadecimal(self, precision: Option<usize>, alternate: bool) -> String {
        let (mut mantissa, mut exponent) = match self.value {
            Value::Finite { mantissa, exponent } => (u128::from(mantissa), exponent + 60),
            _ => (0, 0),
        };
        let mut digits = 15;
        match precision {
            Some(precision) if precision < 15 => {
                let shift = 4 * (15 - precision) as u32;
                let lost = mantissa & ((1 << shift) - 1);
                mantissa >>= shift;
                let half = 1_u128 << (shift - 1);
                if lost > half || (lost == half && mantissa & 1 == 1) {
                    mantissa += 1;
                }
                digits = precision;
                if mantissa >> (4 * digits) > 15 {
                    mantissa >>= 4;
                    exponent += 4;
                }
            }
            Some(_) => {}
            None => {
                while digits > 0 && mantissa & 15 == 0 {
                    mantissa >>= 4;
                    digits -= 1;
                }
            }
        }
        let mut text = format!("{mantissa:0width$x}", width = digits + 1);
        if let Some(precision) = precision.filter(|precision| *precision > digits) {
            text.push_str(&"0".repeat(precision - digits));
        }
        if text.len() > 1 || alternate {
            text.insert(1, '.');
        }
        format!("0x{text}p{exponent:+}")
    }
}

struct Number {
    digits: BigUint,
    /// How many of them stand behind the point.
    fraction: usize,
    exponent: i64,
}

/// Digits with a point and an exponent. How many bytes they have.
fn digits_of(text: &[u8], radix: u32, mark: u8) -> Option<(Number, usize)> {
    let mut digits = Vec::new();
    let mut fraction = 0;
    let mut point = false;
    let mut length = 0;
    for byte in text {
        if *byte == b'.' && !point {
            point = true;
        } else if let Some(digit) = char::from(*byte).to_digit(radix) {
            digits.push(digit as u8);
            fraction += usize::from(point);
        } else {
            break;
        }
        length += 1;
    }
    if digits.is_empty() {
        return None;
    }
    let mut exponent = 0_i64;
    if text.get(length).is_some_and(|byte| byte.eq_ignore_ascii_case(&mark)) {
        let mut rest = text.get(length + 1..).unwrap_or_default();
        let negative = rest.first() == Some(&b'-');
        let signed = usize::from(matches!(rest.first(), Some(b'-' | b'+')));
        rest = rest.get(signed..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > 0 {
            for digit in rest.iter().take(count) {
                exponent = exponent.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            }
            if negative {
                exponent = -exponent;
            }
            length += 1 + signed + count;
        }
    }
    let digits = BigUint::from_radix_be(&digits, radix)?;
    Some((Number { digits, fraction, exponent }, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, conversion: u8, precision: Option<usize>) -> String {
        let (number, length) = Extended::parse(text.as_bytes()).unwrap();
        assert_eq!(length, text.len(), "{text}");
        number.format(conversion, Flags::default(), 0, precision)
    }

    #[test]
    fn conversions_are_exact() {
        assert_eq!(show("0.1", b'f', Some(20)), "0.10000000000000000000");
        assert_eq!(show("0.1", b'f', Some(30)), "0.100000000000000000001355252716");
        assert_eq!(show("1e30", b'f', Some(0)), "1000000000000000000024696061952");
        assert_eq!(show("2.5", b'f', Some(0)), "2");
        assert_eq!(show("3.5", b'f', Some(0)), "4");
        assert_eq!(show("-0", b'f', None), "-0.000000");
        assert_eq!(show("123456789", b'e', Some(3)), "1.235e+08");
        assert_eq!(show("9.9999", b'e', Some(2)), "1.00e+01");
        assert_eq!(show("0.0001", b'g', None), "0.0001");
        assert_eq!(show("0.00001", b'g', None), "1e-05");
        assert_eq!(show("1000000", b'g', None), "1e+06");
        assert_eq!(show("100000", b'G', None), "100000");
        assert_eq!(show("1", b'a', None), "0x8p-3");
        assert_eq!(show("0x1.8p1", b'f', None), "3.000000");
        assert_eq!(show("1e5000", b'f', None), "inf");
        assert_eq!(show("-nan", b'F', None), "-NAN");
        assert_eq!(show("0", b'e', None), "0.000000e+00");
    }

    #[test]
    fn arithmetic_rounds_once() {
        let number = |text: &str| Extended::parse(text.as_bytes()).unwrap().0;
        let sum = number("0.1").add(number("0.2"));
        assert_eq!(sum.format(b'f', Flags::default(), 0, Some(20)), "0.30000000000000000001");
        assert!(number("-1").less_than(number("1")));
        assert!(number("1").add(number("-1")).is_zero());
        assert_eq!(number("1e18").multiply(number("3")), number("3e18"));
    }
}
