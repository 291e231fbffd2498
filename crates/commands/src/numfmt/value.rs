//! The values of `numfmt`: exact, read with suffixes, shown rounded.

use num_bigint::{BigInt, Sign};

/// Whether suffixes scale a number, and by what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    None,
    Auto,
    Si,
    Iec,
    IecI,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// As `printf` rounds: a half to the even neighbour.
    HalfEven,
    Up,
    Down,
    FromZero,
    TowardsZero,
    Nearest,
}

/// Why a text is no number.
pub(crate) enum Problem {
    Number,
    Suffix,
    /// This stands behind the suffix.
    Trailing(Vec<u8>),
    Forbidden,
    MissingI,
    Large,
}

const SUFFIXES: &[u8] = b"KMGTPEZY";

/// Digits that are read; more are too many.
const MOST_DIGITS: usize = 27;
/// Digits that are counted.
const COUNTED_DIGITS: usize = 40;
/// A number of more digits is beyond the largest suffix; the first is not counted.
const MOST_SCALED_DIGITS: usize = 26;
/// Digits that are shown without a suffix.
const MOST_PLAIN_DIGITS: usize = 18;

/// The power that a suffix stands for.
pub(crate) fn power_of(letter: u8) -> Option<u32> {
    let index = SUFFIXES.iter().position(|suffix| *suffix == letter)?;
    u32::try_from(index + 1).ok()
}

/// A fraction.
pub(crate) struct Value {
    numerator: BigInt,
    denominator: BigInt,
}

impl Value {
    /// The number, and how many digits stand behind its point.
    pub(crate) fn parse(text: &[u8], scale: Scale) -> Result<(Value, usize), Problem> {
        let (negative, rest) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let whole = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = rest.split_at(whole);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => {
                let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if count == 0 {
                    return Err(Problem::Number);
                }
                rest.split_at(count)
            }
            _ => (&b""[..], rest),
        };
        if digits.is_empty() && fraction.is_empty() {
            return Err(Problem::Number);
        }
        let significant = digits.len() - digits.iter().take_while(|digit| **digit == b'0').count();
        if significant > MOST_DIGITS || fraction.len() > MOST_DIGITS {
            return Err(Problem::Large);
        }
        let all = [digits, fraction].concat();
        let sign = if negative { Sign::Minus } else { Sign::Plus };
        let numbers: Vec<u8> = all.iter().map(|digit| digit - b'0').collect();
        let numerator = BigInt::from_radix_be(sign, &numbers, 10).unwrap_or_default();
        let denominator = ten_to(fraction.len());
        let mut value = Value { numerator, denominator };
        // Blanks may stand before a suffix.
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = rest.get(blanks..).unwrap_or_default();
        let Some((&letter, rest)) = rest.split_first() else {
            let missing = scale == Scale::IecI;
            return if missing { Err(Problem::MissingI) } else { Ok((value, fraction.len())) };
        };
        let Some(power) = power_of(letter) else { return Err(Problem::Suffix) };
        if scale == Scale::None {
            return Err(Problem::Forbidden);
        }
        let (base, rest) = match (scale, rest) {
            (Scale::Auto, [b'i', rest @ ..]) => (1024, rest),
            (Scale::IecI, [b'i', rest @ ..]) => (1024, rest),
            (Scale::IecI, _) => return Err(Problem::MissingI),
            (Scale::Iec, rest) => (1024, rest),
            (Scale::None | Scale::Auto | Scale::Si, rest) => (1000, rest),
        };
        if !rest.is_empty() {
            return Err(Problem::Trailing(rest.into()));
        }
        value.multiply(&BigInt::from(base).pow(power));
        // What a suffix scales is shown as what it is worth.
        Ok((value, 0))
    }

    pub(crate) fn multiply(&mut self, by: &BigInt) {
        self.numerator *= by;
    }

    pub(crate) fn divide(&mut self, by: &BigInt) {
        self.denominator *= by;
    }

    /// Whether its absolute value is at least `bound`.
    fn reaches(&self, bound: &BigInt) -> bool {
        self.numerator.magnitude() >= (bound * &self.denominator).magnitude()
    }

    /// The value times ten to the `decimals`, as a whole number.
    fn rounded(&self, decimals: usize, rounding: Rounding) -> BigInt {
        let scaled = &self.numerator * ten_to(decimals);
        let quotient = &scaled / &self.denominator;
        let remainder = &scaled - &quotient * &self.denominator;
        if remainder.sign() == Sign::NoSign {
            return quotient;
        }
        let negative = scaled.sign() == Sign::Minus;
        let away = match rounding {
            Rounding::Up => !negative,
            Rounding::Down => negative,
            Rounding::FromZero => true,
            Rounding::TowardsZero => false,
            Rounding::HalfEven => {
                let twice = remainder * 2_u32;
                match twice.magnitude().cmp(self.denominator.magnitude()) {
                    std::cmp::Ordering::Equal => quotient.bit(0),
                    order => order.is_gt(),
                }
            }
            Rounding::Nearest => (remainder * 2_u32).magnitude() >= self.denominator.magnitude(),
        };
        if !away {
            quotient
        } else if negative {
            quotient - 1
        } else {
            quotient + 1
        }
    }

    /// As `%Lg` shows it.
    fn general(&self) -> String {
        let number = self.numerator.to_string().parse::<f64>().unwrap_or(f64::INFINITY)
            / self.denominator.to_string().parse::<f64>().unwrap_or(1.0);
        let text = format!("{number:.5e}");
        let Some((mantissa, exponent)) = text.split_once('e') else { return text };
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let trim = |text: &str| {
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text.to_owned()
            }
        };
        if (-4..6).contains(&exponent) {
            return trim(&format!("{number:.*}", usize::try_from(5 - exponent).unwrap_or(0)));
        }
        format!("{}e{}{:02}", trim(mantissa), if exponent < 0 { '-' } else { '+' }, exponent.abs())
    }

    /// The value in `scale`; `wanted` digits behind the point, or as many as it has (`own`). The error is a message.
    pub(crate) fn show(
        &mut self,
        scale: Scale,
        wanted: Option<usize>,
        own: usize,
        rounding: Rounding,
    ) -> Result<String, String> {
        let precision = wanted.unwrap_or(own);
        let mut digits = 0;
        while self.reaches(&ten_to(digits + 1)) && digits <= COUNTED_DIGITS {
            digits += 1;
        }
        if scale == Scale::None && digits + precision > MOST_PLAIN_DIGITS {
            return Err(if precision > 0 {
                format!(
                    "value/precision too large to be printed: '{}/{precision}' (consider using --to)",
                    self.general()
                )
            } else {
                format!("value too large to be printed: '{}' (consider using --to)", self.general())
            });
        }
        if digits > MOST_SCALED_DIGITS {
            return Err(format!(
                "value too large to be printed: '{}' (cannot handle values > 999Y)",
                self.general()
            ));
        }
        let base: u32 = match scale {
            Scale::None => return Ok(decimal(&self.rounded(precision, rounding), precision)),
            Scale::Iec | Scale::IecI => 1024,
            Scale::Auto | Scale::Si => 1000,
        };
        let base = BigInt::from(base);
        let mut power = 0_usize;
        while self.reaches(&base) && power < SUFFIXES.len() {
            self.divide(&base);
            power += 1;
        }
        // One digit behind the point as long as there is one before it.
        let decimals = match wanted {
            Some(wanted) => wanted.min(power * 3),
            None => usize::from(!self.reaches(&BigInt::from(10))),
        };
        let mut rounded = self.rounded(decimals, rounding);
        if rounded.magnitude() >= (&base * ten_to(decimals)).magnitude() && power < SUFFIXES.len() {
            // Rounding has made it one of the next unit.
            rounded /= &base;
            power += 1;
        }
        let one_digit = rounded.magnitude() < ten_to(decimals + 1).magnitude();
        let shown = match wanted {
            Some(wanted) => wanted,
            None => usize::from(rounded.sign() != Sign::NoSign && one_digit && power > 0),
        };
        let value = Value { numerator: rounded, denominator: ten_to(decimals) };
        let last = value.rounded(shown, Rounding::HalfEven);
        let mut text = decimal(&last, shown);
        if last.sign() == Sign::NoSign && value.numerator.sign() == Sign::Minus {
            text.insert(0, '-');
        }
        if let Some(index) = power.checked_sub(1)
            && let Some(suffix) = SUFFIXES.get(index)
        {
            text.push(char::from(*suffix));
            if scale == Scale::IecI {
                text.push('i');
            }
        }
        Ok(text)
    }
}

fn ten_to(power: usize) -> BigInt {
    BigInt::from(10).pow(u32::try_from(power).unwrap_or(u32::MAX))
}

/// A whole number of the last of `decimals` digits behind a point.
fn decimal(number: &BigInt, decimals: usize) -> String {
    let sign = if number.sign() == Sign::Minus { "-" } else { "" };
    let digits = crate::pad::zeros(number.magnitude().to_string(), decimals + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - decimals).unwrap_or((&digits, ""));
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, from: Scale, to: Scale) -> String {
        let Ok((mut value, precision)) = Value::parse(text.as_bytes(), from) else { return "?".into() };
        value.show(to, None, precision, Rounding::FromZero).unwrap_or_else(|message| message)
    }

    #[test]
    fn values_are_scaled_and_rounded() {
        assert_eq!(show("1000", Scale::None, Scale::Si), "1.0K");
        assert_eq!(show("999999", Scale::None, Scale::Si), "1.0M");
        assert_eq!(show("1234", Scale::None, Scale::Iec), "1.3K");
        assert_eq!(show("9999", Scale::None, Scale::Si), "10K");
        assert_eq!(show("-1500", Scale::None, Scale::IecI), "-1.5Ki");
        assert_eq!(show("1.5Ki", Scale::Auto, Scale::None), "1536");
        assert_eq!(show("0", Scale::None, Scale::Si), "0");
        assert_eq!(show("1.50", Scale::None, Scale::None), "1.50");
        assert_eq!(show("1.5.", Scale::None, Scale::None), "?");
    }
}
