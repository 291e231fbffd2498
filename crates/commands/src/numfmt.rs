//! `numfmt`: numbers to and from forms for people. Values are exact fractions (num-bigint).

use bstr::{BString, ByteSlice};
use num_bigint::BigInt;

use crate::choice::choose;
use crate::lines::{body, next_line};
use crate::{Command, Done, Fail, Opt, Tool, start};

mod format;
mod value;

use format::Format;
use value::{Problem, Rounding, Scale, Value};

pub(crate) static COMMAND: Command = Command {
    name: "numfmt",
    usage: &["[OPTION]... [NUMBER]..."],
    about: "Reformat NUMBER(s), or the numbers from standard input if none are specified.",
    options: &[
        Opt::flag("debug", "print warnings about invalid input"),
        Opt::value("d,delimiter", "X", "use X instead of whitespace for field delimiter"),
        Opt::value(
            "field",
            "FIELDS",
            "replace the numbers in these input fields (default=1);\nsee FIELDS below",
        ),
        Opt::value(
            "format",
            "FORMAT",
            "use printf style floating-point FORMAT;\nsee FORMAT below for details",
        ),
        Opt::value("from", "UNIT", "auto-scale input numbers to UNITs; default is 'none';\nsee UNIT below"),
        Opt::value("from-unit", "N", "specify the input unit size (instead of the default 1)"),
        Opt::flag(
            "grouping",
            "use locale-defined grouping of digits, e.g. 1,000,000\n(which means it has no effect in the C/POSIX locale)",
        ),
        Opt::optional(
            "header",
            "N",
            "print (without converting) the first N header lines;\nN defaults to 1 if not specified",
        ),
        Opt::value(
            "invalid",
            "MODE",
            "failure mode for invalid numbers: MODE can be:\nabort (default), fail, warn, ignore",
        ),
        Opt::value(
            "padding",
            "N",
            "pad the output to N characters; positive N will\nright-align; negative N will left-align;\npadding is ignored if the output is wider than N;\nthe default is to automatically pad if a whitespace\nis found",
        ),
        Opt::value(
            "round",
            "METHOD",
            "use METHOD for rounding when scaling; METHOD can be:\nup, down, from-zero (default), towards-zero, nearest",
        ),
        Opt::value(
            "suffix",
            "SUFFIX",
            "add SUFFIX to output numbers, and accept optional\nSUFFIX in input numbers",
        ),
        Opt::value("to", "UNIT", "auto-scale output numbers to UNITs; see UNIT below"),
        Opt::value("to-unit", "N", "the output unit size (instead of the default 1)"),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "UNIT options:\n\
           \x20 none       no auto-scaling is done; suffixes will trigger an error\n\
           \x20 auto       accept optional single/two letter suffix:\n\
           \x20              1K = 1000, 1Ki = 1024, 1M = 1000000, 1Mi = 1048576,\n\
           \x20 si         accept optional single letter suffix:\n\
           \x20              1K = 1000, 1M = 1000000, ...\n\
           \x20 iec        accept optional single letter suffix:\n\
           \x20              1K = 1024, 1M = 1048576, ...\n\
           \x20 iec-i      accept optional two-letter suffix:\n\
           \x20              1Ki = 1024, 1Mi = 1048576, ...\n\n\
           FIELDS supports cut(1) style field ranges:\n\
           \x20 N    N'th field, counted from 1\n\
           \x20 N-   from N'th field, to end of line\n\
           \x20 N-M  from N'th to M'th field (inclusive)\n\
           \x20 -M   from first to M'th field (inclusive)\n\
           \x20 -    all fields\n\
           Multiple fields/ranges can be separated with commas\n\n\
           FORMAT must be suitable for printing one floating-point argument '%f'.\n\
           Optional quote (%'f) will enable --grouping (if supported by current locale).\n\
           Optional width value (%10f) will pad output. Optional zero (%010f) width\n\
           will zero pad the number. Optional negative values (%-10f) will left align.\n\
           Optional precision (%.1f) will override the input determined precision.\n\n\
           Exit status is 0 if all input numbers were successfully converted.\n\
           By default, numfmt will stop at the first conversion error with exit status 2.\n\
           With --invalid='fail' a warning is printed for each conversion error\n\
           and the exit status is 2.  With --invalid='warn' each conversion error is\n\
           diagnosed, but the exit status is 0.  With --invalid='ignore' conversion\n\
           errors are not diagnosed and the exit status is 0.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// What becomes of something that is no number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Invalid {
    Abort,
    Fail,
    Warn,
    Ignore,
}

struct Plan {
    from: Scale,
    to: Scale,
    from_unit: u64,
    to_unit: u64,
    rounding: Rounding,
    suffix: Option<BString>,
    /// Columns; negative: left-aligned. `None`: those of the field, if there is a blank before it.
    padding: Option<i64>,
    format: Format,
    invalid: Invalid,
    fields: Vec<(u64, u64)>,
    delimiter: Option<u8>,
    end: u8,
}

const UNITS: &[(&str, &str)] =
    &[("none", "none"), ("auto", "auto"), ("si", "si"), ("iec", "iec"), ("iec-i", "iec-i")];

fn scale(name: &str) -> Scale {
    match name {
        "auto" => Scale::Auto,
        "si" => Scale::Si,
        "iec" => Scale::Iec,
        "iec-i" => Scale::IecI,
        _ => Scale::None,
    }
}

fn unit(t: &Tool, text: &[u8]) -> Result<u64, Fail> {
    // Here a lone letter is a multiple of 1000, and with an `i` one of 1024.
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, suffix) = text.split_at(digits);
    let wrong = || Fail::Message(format!("invalid unit size: {}", t.quote(text)), 1);
    // A letter without a number stands for one of it.
    let number: &[u8] = if number.is_empty() && !suffix.is_empty() { b"1" } else { number };
    let value: u64 = number.to_str().ok().and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    let base: u64 = match suffix {
        [] => return if value > 0 { Ok(value) } else { Err(wrong()) },
        [_] => 1000,
        [_, b'i'] => 1024,
        _ => return Err(wrong()),
    };
    let letter = suffix.first().copied().unwrap_or_default();
    let power = value::power_of(letter).ok_or_else(wrong)?;
    let unit = base.checked_pow(power).and_then(|unit| unit.checked_mul(value));
    unit.filter(|unit| *unit > 0).ok_or_else(wrong)
}

fn fields(t: &Tool, text: &[u8]) -> Result<Vec<(u64, u64)>, Fail> {
    let wrong = |what: String| Fail::Usage(what);
    let mut ranges = Vec::new();
    let number = |text: &[u8]| -> Result<u64, Fail> {
        let value = text.to_str().ok().and_then(|text| text.parse::<u64>().ok());
        match value {
            Some(0) => Err(wrong("fields are numbered from 1".into())),
            Some(u64::MAX) => Err(wrong(format!("field number {} is too large", t.quote(text)))),
            None if !text.is_empty() && text.iter().all(u8::is_ascii_digit) => {
                Err(wrong(format!("field number {} is too large", t.quote(text))))
            }
            Some(value) => Ok(value),
            None => Err(wrong(format!("invalid field value {}", t.quote(text)))),
        }
    };
    for word in text.split(|byte| matches!(byte, b',' | b' ' | b'\t')) {
        if word == b"-" {
            ranges.push((1, u64::MAX));
            continue;
        }
        let range = match word.split_once_str("-") {
            None => {
                let one = number(word)?;
                (one, one)
            }
            Some((first, last)) => {
                let first = if first.is_empty() { 1 } else { number(first)? };
                let last = if last.is_empty() { u64::MAX } else { number(last)? };
                (first, last)
            }
        };
        if range.0 > range.1 {
            return Err(wrong("invalid decreasing range".into()));
        }
        ranges.push(range);
    }
    Ok(ranges)
}

async fn run(t: &mut Tool) -> Done {
    let mut plan = Plan {
        from: Scale::None,
        to: Scale::None,
        from_unit: 1,
        to_unit: 1,
        rounding: Rounding::FromZero,
        suffix: None,
        padding: None,
        format: Format::default(),
        invalid: Invalid::Abort,
        fields: vec![(1, 1)],
        delimiter: None,
        end: b'\n',
    };
    let (mut grouping, mut header, mut debug) = (false, 0, false);
    let mut given_fields = false;
    let mut format: Option<BString> = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let given = value.is_some();
        let value = value.unwrap_or_default();
        match name {
            "debug" => debug = true,
            "d" => match value[..] {
                [] => plan.delimiter = Some(0),
                [byte] => plan.delimiter = Some(byte),
                _ => return Err(Fail::Message("the delimiter must be a single character".into(), 1)),
            },
            "field" => {
                if given_fields {
                    return Err(Fail::Message("multiple field specifications".into(), 1));
                }
                given_fields = true;
                plan.fields = fields(t, &value)?;
            }
            "format" => format = Some(value),
            "from" => plan.from = scale(choose(t, "--from", &value, UNITS)?),
            "to" => {
                let units: Vec<_> = UNITS.iter().copied().filter(|(name, _)| *name != "auto").collect();
                plan.to = scale(choose(t, "--to", &value, &units)?);
            }
            "from-unit" => plan.from_unit = unit(t, &value)?,
            "to-unit" => plan.to_unit = unit(t, &value)?,
            "grouping" => grouping = true,
            "header" => {
                header = 1;
                if given {
                    let number = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
                    header = number.filter(|number| *number > 0).ok_or_else(|| {
                        Fail::Message(format!("invalid header value {}", t.quote(&value)), 1)
                    })?;
                }
            }
            "invalid" => {
                let words = [("abort", "abort"), ("fail", "fail"), ("warn", "warn"), ("ignore", "ignore")];
                plan.invalid = match choose(t, "--invalid", &value, &words)? {
                    "fail" => Invalid::Fail,
                    "warn" => Invalid::Warn,
                    "ignore" => Invalid::Ignore,
                    _ => Invalid::Abort,
                };
            }
            "padding" => {
                let number = value.to_str().ok().and_then(|text| text.trim_start().parse::<i64>().ok());
                plan.padding =
                    Some(number.filter(|number| !matches!(*number, 0 | i64::MIN)).ok_or_else(|| {
                        Fail::Message(format!("invalid padding value {}", t.quote(&value)), 1)
                    })?);
            }
            "round" => {
                let words = [
                    ("up", "up"),
                    ("down", "down"),
                    ("from-zero", "from-zero"),
                    ("towards-zero", "towards-zero"),
                    ("nearest", "nearest"),
                ];
                plan.rounding = match choose(t, "--round", &value, &words)? {
                    "up" => Rounding::Up,
                    "down" => Rounding::Down,
                    "towards-zero" => Rounding::TowardsZero,
                    "nearest" => Rounding::Nearest,
                    _ => Rounding::FromZero,
                };
            }
            "suffix" => plan.suffix = Some(value),
            _ => plan.end = 0,
        }
    }
    if let Some(text) = &format {
        if grouping {
            return Err(Fail::Message("--grouping cannot be combined with --format".into(), 1));
        }
        plan.format = Format::parse(t, text)?;
        // A width with zeros is the number's own, and `--padding` is for what comes of it.
        if let Some(width) = plan.format.padding.filter(|_| !plan.format.zeros) {
            plan.padding = Some(width);
        }
    }
    if (grouping || plan.format.grouping) && plan.to != Scale::None {
        return Err(Fail::Message("grouping cannot be combined with --to".into(), 1));
    }
    let operands = options.operands();
    if debug {
        if plan.from == Scale::None
            && plan.to == Scale::None
            && plan.padding.is_none()
            && !grouping
            && format.is_none()
        {
            t.warn("no conversion option specified").await?;
        }
        if grouping || plan.format.grouping {
            t.warn("grouping has no effect in this locale").await?;
        }
        if header > 0 && !operands.is_empty() {
            t.warn("--header ignored with command-line input").await?;
        }
    }
    let mut all_valid = true;
    if operands.is_empty() {
        let Some(mut input) = t.open_or_tell(b"-").await? else { return Ok(()) };
        while let Some(line) = next_line(t, &mut input, b"-", plan.end).await? {
            if header > 0 {
                header -= 1;
                t.out.put(line);
            } else {
                let whole = line.len() > body(line, plan.end).len();
                let text = body(line, plan.end).to_vec();
                all_valid &= process(t, &plan, &text).await?;
                if whole {
                    t.out.put_byte(plan.end);
                }
            }
            t.out.drain().await?;
        }
    } else {
        for operand in &operands {
            all_valid &= process(t, &plan, operand).await?;
            t.out.put_byte(plan.end);
        }
    }
    if !all_valid {
        if debug {
            t.warn("failed to convert some of the input numbers").await?;
        }
        if plan.invalid == Invalid::Fail {
            return Err(Fail::Status(2));
        }
    }
    Ok(())
}

/// Converts the fields of a line that are to be. Whether all of them were numbers.
async fn process(t: &mut Tool, plan: &Plan, line: &[u8]) -> Result<bool, Fail> {
    let mut valid = true;
    // As for the tool, a text ends at a NUL.
    let mut rest = line.split(|byte| *byte == 0).next().unwrap_or_default();
    for number in 1.. {
        let length = match plan.delimiter {
            Some(delimiter) => memchr::memchr(delimiter, rest),
            None => {
                // The blanks before a field belong to it.
                let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n');
                let blanks = rest.iter().take_while(|byte| is_blank(byte)).count();
                let word = rest.iter().skip(blanks).position(is_blank);
                word.map(|word| blanks + word)
            }
        };
        let field = length.and_then(|length| rest.get(..length)).unwrap_or(rest);
        if plan.fields.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
            valid &= convert(t, plan, field, number).await?;
        } else {
            t.out.put(field);
        }
        match length {
            Some(length) => {
                t.out.put_byte(plan.delimiter.unwrap_or(b' '));
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            None => break,
        }
    }
    Ok(valid)
}

async fn convert(t: &mut Tool, plan: &Plan, field: &[u8], number: u64) -> Result<bool, Fail> {
    let mut text = field;
    if let Some(suffix) = &plan.suffix
        && text.len() > suffix.len()
        && let Some(rest) = text.strip_suffix(&suffix[..])
    {
        text = rest;
    }
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let padding = match plan.padding {
        Some(padding) => padding,
        // Only where the input is in columns.
        None if plan.delimiter.is_none() && (blanks > 0 || number > 1) => {
            i64::try_from(field.len()).unwrap_or(0)
        }
        None => 0,
    };
    let digits = text.get(blanks..).unwrap_or_default();
    let shown = Value::parse(digits, plan.from).map_err(|problem| problem.message(t, digits)).and_then(
        |(mut value, precision)| {
            value.multiply(&BigInt::from(plan.from_unit));
            value.divide(&BigInt::from(plan.to_unit));
            value.show(plan.to, plan.format.precision, precision, plan.rounding)
        },
    );
    let number = match shown {
        Ok(number) => number,
        Err(message) => {
            match plan.invalid {
                Invalid::Abort => return Err(Fail::Message(message, 2)),
                Invalid::Fail | Invalid::Warn => t.warn(message).await?,
                Invalid::Ignore => {}
            }
            t.out.put(field);
            return Ok(false);
        }
    };
    // Zeros stand behind the sign.
    let sign = usize::from(number.starts_with('-'));
    let (sign, number) = number.split_at_checked(sign).unwrap_or(("", &number));
    let zeros = plan.format.padding.filter(|_| plan.format.zeros).unwrap_or(0);
    let zeros = usize::try_from(zeros)
        .unwrap_or(0)
        .saturating_sub(sign.len() + number.trim_end_matches(char::is_alphabetic).len());
    let mut number = BString::from(number);
    if let Some(suffix) = &plan.suffix {
        number.extend_from_slice(suffix);
    }
    t.out.put(&plan.format.before);
    let width = usize::try_from(padding.unsigned_abs()).unwrap_or(usize::MAX);
    let missing = width.saturating_sub(sign.len().saturating_add(zeros).saturating_add(number.len()));
    if padding >= 0 {
        t.pad(missing as u64, b' ').await?;
    }
    t.out.put(sign.as_bytes());
    t.pad(zeros as u64, b'0').await?;
    t.out.put(&number);
    if padding < 0 {
        t.pad(missing as u64, b' ').await?;
    }
    t.out.put(&plan.format.after);
    Ok(true)
}

impl Problem {
    fn message(self, t: &Tool, text: &[u8]) -> String {
        let text = t.quote(text);
        match self {
            Problem::Number => format!("invalid number: {text}"),
            Problem::Trailing(rest) => {
                format!("invalid suffix in input {text}: {}", t.quote(&rest))
            }
            Problem::Suffix => format!("invalid suffix in input: {text}"),
            Problem::Forbidden => format!("rejecting suffix in input: {text} (consider using --from)"),
            Problem::MissingI => format!("missing 'i' suffix in input: {text} (e.g Ki/Mi/Gi)"),
            Problem::Large => format!("value too large to be converted: {text}"),
        }
    }
}
