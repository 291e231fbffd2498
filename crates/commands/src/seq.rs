//! `seq`: writes a sequence of numbers.

use bstr::{BString, ByteSlice};

use crate::extended::{Extended, Flags};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "seq",
    usage: &["[OPTION]... LAST", "[OPTION]... FIRST LAST", "[OPTION]... FIRST INCREMENT LAST"],
    about: "Print numbers from FIRST to LAST, in steps of INCREMENT.",
    options: &[
        Opt::value("f,format", "FORMAT", "use printf style floating-point FORMAT"),
        Opt::value("s,separator", "STRING", "use STRING to separate numbers (default: \\n)"),
        Opt::flag("w,equal-width", "equalize width by padding with leading zeroes"),
    ],
    more: "If FIRST or INCREMENT is omitted, it defaults to 1.  That is, an\n\
           omitted INCREMENT defaults to 1 even when LAST is smaller than FIRST.\n\
           The sequence of numbers ends when the sum of the current number and\n\
           INCREMENT would become greater than LAST.\n\
           FIRST, INCREMENT, and LAST are interpreted as floating point values.\n\
           INCREMENT is usually positive if FIRST is smaller than LAST, and\n\
           INCREMENT is usually negative if FIRST is greater than LAST.\n\
           INCREMENT must not be 0; none of FIRST, INCREMENT and LAST may be NaN.\n\
           FORMAT must be suitable for printing one argument of type 'double';\n\
           it defaults to %.PRECf if FIRST, INCREMENT, and LAST are all fixed point\n\
           decimal numbers with maximum precision PREC, and to %g otherwise.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// An operand, and how it was written.
#[derive(Clone)]
struct Operand {
    value: Extended,
    /// Characters that it takes, written without an exponent.
    width: usize,
    /// Digits behind the point; `None`: not a plain decimal number.
    precision: Option<usize>,
}

/// A format with one conversion in it.
struct Format {
    before: Vec<u8>,
    after: Vec<u8>,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    conversion: u8,
}

async fn run(t: &mut Tool) -> Done {
    let (mut format, mut separator, mut equal) = (None, BString::from("\n"), false);
    // A negative number is an operand, not an option.
    let arguments = t.arguments();
    let is_number = |word: &BString| matches!(&word[..], [b'-', b'0'..=b'9' | b'.', ..]);
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        if is_number(word) || !word.starts_with(b"-") || word == "-" || word == "--" {
            break;
        }
        // The argument of an option may look like a number.
        let takes_next = match word.strip_prefix(b"--") {
            Some(long) => {
                !long.contains(&b'=') && (b"separator".starts_with(long) || b"format".starts_with(long))
            }
            None => word.find_byteset(b"sf").is_some_and(|at| at + 1 == word.len()),
        };
        at += 1 + usize::from(takes_next);
    }
    let (first, rest) = arguments.split_at(at.min(arguments.len()));
    let mut options = crate::opts::Options::new(COMMAND.options, first.to_vec(), true);
    while let Some((name, value)) = options.next()? {
        match name {
            "f" => format = value,
            "s" => separator = value.unwrap_or_default(),
            _ => equal = true,
        }
    }
    let mut operands = options.operands();
    let rest =
        if rest.first().is_some_and(|word| word == "--") { rest.get(1..).unwrap_or_default() } else { rest };
    operands.extend_from_slice(rest);
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    if let Some(extra) = operands.get(3) {
        return Err(t.extra_operand(extra.as_bstr()));
    }
    let format = match format {
        Some(text) => Some(parse_format(t, &text)?),
        None => None,
    };
    if format.is_some() && equal {
        return Err(Fail::Usage(
            "format string may not be specified when printing equal width strings".into(),
        ));
    }
    let one: BString = "1".into();
    let (first, step, last) = match &operands[..] {
        [last] => (&one, &one, last),
        [first, last] => (first, &one, last),
        [first, step, last, ..] => (first, step, last),
        [] => return Err(t.missing_operand()),
    };
    if format.is_none()
        && is_natural(first)
        && is_natural(last)
        && let Some(by) = increment(step)
    {
        return naturals(t, first, by, last, &separator, equal).await;
    }
    let [first, step, last] = [first, step, last].map(|text| operand(t, text));
    let (first, step, last) = (first?, step?, last?);
    if step.value.is_zero() {
        let text = operands.get(1).map_or(&one, |text| text);
        return Err(Fail::Usage(format!("invalid Zero increment value: {}", t.quote(text))));
    }
    // Whole numbers, however they are written, are counted in digits too.
    let all = [&first, &step, &last];
    if format.is_none()
        && !equal
        && separator.len() == 1
        && all.iter().all(|number| {
            number.precision == Some(0) && number.value.is_finite() && !number.value.is_negative()
        })
    {
        let [first, step, last] = all.map(|number| number.value.format(b'f', Flags::default(), 0, Some(0)));
        if let Some(by) = increment(step.as_bytes()).filter(|by| *by <= LARGEST_COUNTED_STEP)
            && is_natural(first.as_bytes())
        {
            return naturals(t, first.as_bytes(), by, last.as_bytes(), &separator, false).await;
        }
    }
    let format = match format {
        Some(format) => format,
        None => default_format(&first, &step, &last, equal),
    };
    floats(t, first.value, step.value, last.value, &format, &separator).await
}

/// Larger steps between numbers that are not plain digits are added up as floating-point values.
const LARGEST_COUNTED_STEP: u64 = 200;

fn is_natural(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// A positive step of few enough digits that a sum of digits with it does not overflow.
fn increment(text: &[u8]) -> Option<u64> {
    if !is_natural(text) || text.len() > 18 {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|step| *step > 0)
}

fn operand(t: &Tool, text: &[u8]) -> Result<Operand, Fail> {
    let invalid = || Fail::Usage(format!("invalid floating point argument: {}", t.quote(text)));
    let trimmed = text.trim_ascii_start();
    let (value, used) = Extended::parse(trimmed).ok_or_else(invalid)?;
    if used != trimmed.len() {
        return Err(invalid());
    }
    if value.is_nan() {
        return Err(Fail::Usage(format!("invalid {} argument: {}", t.quote(b"not-a-number"), t.quote(text))));
    }
    let digits = trimmed.strip_prefix(b"+").unwrap_or(trimmed);
    // Too large for the type; the word for it is meant.
    if !value.is_finite() && digits.find_byteset(b"iI").is_none() {
        return Err(invalid());
    }
    let point = digits.find_byte(b'.');
    let hexadecimal = digits.find_byteset(b"xX").is_some();
    if hexadecimal || !value.is_finite() {
        let fixed = point.is_none() && digits.find_byteset(b"pP").is_none();
        return Ok(Operand { value, width: 0, precision: fixed.then_some(0) });
    }
    let (mantissa, exponent) = match digits.find_byteset(b"eE") {
        Some(at) => {
            let text = digits.get(at + 1..).and_then(|text| text.to_str().ok()).unwrap_or_default();
            // What does not fit is beyond the numbers, or nothing.
            let limit = if text.starts_with('-') { -LARGEST_EXPONENT } else { LARGEST_EXPONENT };
            let exponent = text.parse().unwrap_or(limit).clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
            (digits.get(..at).unwrap_or_default(), Some(exponent))
        }
        None => (digits, None),
    };
    let fraction = point.map_or(0, |at| mantissa.len().saturating_sub(at + 1)) as i64;
    let mut precision = fraction;
    let mut width = mantissa.len() as i64;
    if let Some(at) = point {
        if fraction == 0 {
            width -= 1;
        } else if !at.checked_sub(1).and_then(|at| mantissa.get(at)).is_some_and(u8::is_ascii_digit) {
            // The zero before the point that is not written.
            width += 1;
        }
    }
    match exponent {
        Some(exponent) if exponent < 0 => {
            precision -= exponent;
            // The point takes a place, unless one was counted.
            width += i64::from(fraction == 0) - exponent;
        }
        Some(exponent) => {
            precision -= precision.min(exponent);
            width -= i64::from(precision == 0 && fraction > 0);
            width += exponent - fraction.min(exponent);
        }
        None => {}
    }
    let unsigned = |value: i64| usize::try_from(value).unwrap_or(0);
    let precision = Some(precision).filter(|precision| *precision <= LARGEST_PRECISION);
    Ok(Operand { value, width: unsigned(width), precision: precision.map(unsigned) })
}

/// With more digits behind the point a number is not shown as a fixed-point one; it is zero anyhow.
const LARGEST_PRECISION: i64 = 1 << 24;

/// An exponent beyond all numbers, small enough that sums with it do not overflow.
const LARGEST_EXPONENT: i64 = 1 << 40;

fn default_format(first: &Operand, step: &Operand, last: &Operand, equal: bool) -> Format {
    let plain = Format {
        before: Vec::new(),
        after: Vec::new(),
        flags: Flags::default(),
        width: 0,
        precision: None,
        conversion: b'g',
    };
    let (Some(a), Some(b), Some(c)) = (first.precision, step.precision, last.precision) else { return plain };
    // The last operand decides on the width, not on the precision.
    let precision = a.max(b);
    let mut width = 0;
    if equal {
        let point = usize::from(precision > 0);
        let of_first = first.width + (precision - a) + if a == 0 { point } else { 0 };
        let of_last = match c {
            0 => last.width + precision + point,
            // Its fraction is not shown, and then its point neither.
            c => (last.width + precision).saturating_sub(c + 1 - point),
        };
        width = of_first.max(of_last);
    }
    Format {
        flags: Flags { zero: equal, ..Flags::default() },
        width,
        precision: Some(precision),
        conversion: b'f',
        ..plain
    }
}

fn parse_format(t: &Tool, text: &[u8]) -> Result<Format, Fail> {
    let quoted = t.quote(text);
    let fail = |what: &str| Err(Fail::Message(format!("format {quoted} {what}"), 1));
    let mut before = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [] => return fail("has no % directive"),
            [b'%', b'%', behind @ ..] => {
                before.push(b'%');
                rest = behind;
            }
            [b'%', behind @ ..] => {
                rest = behind;
                break;
            }
            [byte, behind @ ..] => {
                before.push(*byte);
                rest = behind;
            }
        }
    }
    let mut flags = Flags::default();
    while let Some((flag, behind)) = rest.split_first() {
        match flag {
            b'-' => flags.left = true,
            b'+' => flags.plus = true,
            b'#' => flags.alternate = true,
            b'0' => flags.zero = true,
            b' ' => flags.space = true,
            b'\'' => {}
            _ => break,
        }
        rest = behind;
    }
    let number = |rest: &mut &[u8]| {
        let (value, count) = crate::escape::digits(rest, 10, 7);
        *rest = rest.get(count..).unwrap_or_default();
        value as usize
    };
    let width = number(&mut rest);
    let precision = match rest.strip_prefix(b".") {
        Some(behind) => {
            rest = behind;
            Some(number(&mut rest))
        }
        None => None,
    };
    rest = rest.strip_prefix(b"L").unwrap_or(rest);
    let Some((&conversion, behind)) = rest.split_first() else { return fail("ends in %") };
    if !b"efgaEFGA".contains(&conversion) {
        return fail(&format!("has unknown %{} directive", [conversion].as_bstr()));
    }
    let mut after = Vec::new();
    rest = behind;
    loop {
        match rest {
            [] => break,
            [b'%', b'%', behind @ ..] => {
                after.push(b'%');
                rest = behind;
            }
            [b'%', ..] => return fail("has too many % directives"),
            [byte, behind @ ..] => {
                after.push(*byte);
                rest = behind;
            }
        }
    }
    Ok(Format { before, after, flags, width, precision, conversion })
}

/// Natural numbers of any length: the digits are counted up in place.
async fn naturals(t: &mut Tool, first: &[u8], step: u64, last: &[u8], separator: &[u8], equal: bool) -> Done {
    let bare = |text: &[u8]| {
        let zeros = text.iter().take_while(|digit| **digit == b'0').count().min(text.len() - 1);
        text.get(zeros..).unwrap_or_default().to_vec()
    };
    let width = if equal { first.len().max(last.len()) } else { 0 };
    let (mut digits, last) = (bare(first), bare(last));
    let beyond = |digits: &[u8]| (digits.len(), digits) > (last.len(), &last[..]);
    if beyond(&digits) {
        return Ok(());
    }
    loop {
        let out = t.out.buffer();
        out.resize(out.len() + width.saturating_sub(digits.len()), b'0');
        out.extend_from_slice(&digits);
        count_up(&mut digits, step);
        if beyond(&digits) {
            t.out.put_byte(b'\n');
            return Ok(());
        }
        t.out.put(separator);
        t.out.drain().await?;
    }
}

/// Adds `step` to a number in decimal digits.
fn count_up(digits: &mut Vec<u8>, step: u64) {
    let mut carry = step;
    for digit in digits.iter_mut().rev() {
        let sum = u64::from(*digit - b'0') + carry;
        *digit = b'0' + (sum % 10) as u8;
        carry = sum / 10;
        if carry == 0 {
            return;
        }
    }
    while carry > 0 {
        digits.insert(0, b'0' + (carry % 10) as u8);
        carry /= 10;
    }
}

async fn floats(
    t: &mut Tool,
    first: Extended,
    step: Extended,
    last: Extended,
    format: &Format,
    separator: &[u8],
) -> Done {
    let beyond =
        |value: Extended| if step.is_negative() { value.less_than(last) } else { last.less_than(value) };
    let show =
        |value: Extended| value.format(format.conversion, format.flags, format.width, format.precision);
    let mut value = first;
    let mut number = 0_u64;
    let mut previous = String::new();
    while !beyond(value) || (number > 0 && prints_as_last(&show, value, last, &previous)) {
        let text = show(value);
        if number > 0 {
            t.out.put(separator);
        }
        t.out.put(&format.before);
        t.out.put(text.as_bytes());
        t.out.put(&format.after);
        t.out.drain().await?;
        t.ctx.tick().await;
        let over = beyond(value);
        previous = text;
        number += 1;
        // One multiplication and one addition a number: errors do not add up.
        value = first.add(Extended::from_u64(number).multiply(step));
        if over {
            break;
        }
    }
    if number > 0 {
        t.out.put_byte(b'\n');
    }
    Ok(())
}

/// Whether a value that rounding has put beyond the end is the end as it is printed, and was not printed yet.
fn prints_as_last(
    show: &impl Fn(Extended) -> String,
    value: Extended,
    last: Extended,
    previous: &str,
) -> bool {
    let text = show(value);
    let Some((shown, _)) = Extended::parse(text.trim_start().as_bytes()) else { return false };
    shown == last && text != previous
}
