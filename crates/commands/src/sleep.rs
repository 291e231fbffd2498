//! `sleep`: lets time pass.

use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "sleep",
    usage: &["NUMBER[SUFFIX]...", "OPTION"],
    about: "Pause for NUMBER seconds.  SUFFIX may be 's' for seconds (the default),\n\
            'm' for minutes, 'h' for hours or 'd' for days.  NUMBER need not be an\n\
            integer.  Given two or more arguments, pause for the amount of time\n\
            specified by the sum of their values.",
    options: &[],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut options = t.options();
    while options.next()?.is_some() {}
    let operands = options.operands();
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    let mut total = 0.0;
    let mut wrong = false;
    for operand in &operands {
        match duration(operand) {
            Some(seconds) => total += seconds,
            None => {
                t.error(format!("invalid time interval {}", t.quote(operand))).await?;
                wrong = true;
            }
        }
    }
    if wrong {
        return Err(Fail::Usage(String::new()));
    }
    // A conversion from float saturates: an infinite sleep is one of 584 years.
    t.ctx.sleep((total * 1e9).ceil() as u64).await;
    Ok(())
}

/// Seconds, from a number with the suffix `s`, `m`, `h` or `d`.
pub(crate) fn duration(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim_start();
    let (number, unit) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1.0),
        b'm' => (&text[..text.len() - 1], 60.0),
        b'h' => (&text[..text.len() - 1], 3600.0),
        b'd' => (&text[..text.len() - 1], 86400.0),
        _ => (text, 1.0),
    };
    let value = parse_float(number)?;
    (value >= 0.0).then_some(value * unit)
}

/// As `strtod(3)`, the whole text.
fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if let Some(hex) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        let (digits, exponent) = match hex.find(['p', 'P']) {
            Some(at) => (hex.get(..at)?, hex.get(at + 1..)?.parse::<i32>().ok()?),
            None => (hex, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut value = 0.0;
        for digit in whole.chars().chain(fraction.chars()) {
            value = value * 16.0 + f64::from(digit.to_digit(16)?);
        }
        let scaled = value * 2_f64.powi(exponent - 4 * i32::try_from(fraction.len()).ok()?);
        return Some(if text.starts_with('-') { -scaled } else { scaled });
    }
    // Rust reads what C reads, decimal: digits, point, exponent, inf, infinity, nan.
    text.parse().ok().filter(|value: &f64| !value.is_nan())
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn units() {
        assert_eq!(duration(b"1.5"), Some(1.5));
        assert_eq!(duration(b"2m"), Some(120.0));
        assert_eq!(duration(b".5h"), Some(1800.0));
        assert_eq!(duration(b"1d"), Some(86400.0));
        assert_eq!(duration(b"0x10"), Some(16.0));
        assert_eq!(duration(b"1e1s"), Some(10.0));
        for wrong in [&b""[..], b"s", b"1x", b"-1", b"1ss", b"nan"] {
            assert_eq!(duration(wrong), None);
        }
    }
}
