//! Dates as people write them, as `date -d` and `touch -d` read them (coreutils manual, "Date input formats").

mod conclude;
mod grammar;
mod lex;
mod words;

use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use crate::time::Moment;

/// The moment that `text` names, seen from `now` in a zone. `None`: it is no date.
pub(crate) fn parse(text: &[u8], now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut text = text.trim_ascii_start();
    let mut own = None;
    if let Some(rest) = text.strip_prefix(b"TZ=\"") {
        let (name, rest) = quoted(rest)?;
        own = Some(crate::time::zone_named(&name));
        text = rest;
    }
    let zone = own.as_ref().unwrap_or(zone);
    let parsed = grammar::read(text, now, zone)?;
    conclude::conclude(parsed, now, zone)
}

/// What stands before a quotation mark; a backslash keeps one from being that.
fn quoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut name = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((name, text.get(index + 1..)?)),
            b'\\' => match bytes.next()? {
                (_, byte @ (b'\\' | b'"')) => name.push(*byte),
                _ => return None,
            },
            _ => name.push(*byte),
        }
    }
    None
}

/// The order of the parts of a time in digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum YearAt {
    /// `[[CC]YY]MMDDhhmm[.ss]`, as `touch -t`.
    Front,
    /// `MMDDhhmm[[CC]YY][.ss]`, as `date`.
    Back,
}

/// A time in digits, in a zone.
pub(crate) fn parse_digits(text: &[u8], order: YearAt, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let dot = text.iter().position(|byte| *byte == b'.');
    let (digits, seconds) = match dot {
        Some(at) => {
            let seconds = text.get(at + 1..)?;
            (text.get(..at)?, (seconds.len() == 2).then(|| two(seconds, 0))??)
        }
        None => (text, 0),
    };
    let years = digits.len().checked_sub(8).filter(|rest| matches!(rest, 0 | 2 | 4))?;
    let (year, fields) = match order {
        YearAt::Front => (digits.get(..years)?, digits.get(years..)?),
        YearAt::Back => (digits.get(8..)?, digits.get(..8)?),
    };
    let year = match years {
        0 => Moment::new(now, zone)?.date.year,
        2 => {
            let year = two(year, 0)?;
            if year < 69 { 2000 + year } else { 1900 + year }
        }
        _ => two(year, 0)? * 100 + two(year, 2)?,
    };
    let parts = [year, two(fields, 0)?, two(fields, 2)?, two(fields, 4)?, two(fields, 6)?, seconds.min(59)];
    let leap = i64::from(seconds == 60);
    if seconds > 60 {
        return None;
    }
    let at = conclude::Civil::new(&parts).exact(zone, None);
    Some(Timestamp { seconds: at? + leap, nanoseconds: 0 })
}

fn two(text: &[u8], at: usize) -> Option<i64> {
    match text.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday, 2023-11-14 22:13:20 UTC.
    const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

    fn seconds(text: &str, zone: &str) -> Option<i64> {
        parse(text.as_bytes(), NOW, &crate::time::zone_named(zone.as_bytes())).map(|at| at.seconds)
    }

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("2024-01-02", 1_704_153_600),
            ("2024-01-02 03:04:05", 1_704_164_645),
            ("2024-01-02T03:04:05Z", 1_704_164_645),
            ("2024-01-02 03:04:05 +0100", 1_704_161_045),
            ("@5", 5),
            ("now", 1_700_000_000),
            ("1 day ago", 1_699_913_600),
            ("+2 hours", 1_700_007_200),
            ("tomorrow", 1_700_086_400),
            ("Jan 2 2024", 1_704_153_600),
            ("2 Jan 2024 3pm", 1_704_207_600),
            ("1/2/2024", 1_704_153_600),
            ("20240102", 1_704_153_600),
            ("next monday", 1_700_438_400),
            ("monday", 1_700_438_400),
            ("last monday", 1_699_833_600),
            ("2024-01-31 1 month", 1_709_337_600),
            ("12:30", 1_699_965_000),
            ("", 1_699_920_000),
            ("-", 1_699_920_000),
            ("09:00N", 1_699_956_000),
            ("10:00 UTC +2 hours", 1_699_963_200),
        ] {
            assert_eq!(seconds(text, "UTC"), Some(expected), "{text}");
        }
        for wrong in ["frob", "2024-13-01", "1:2:3:4", "99:99", "noon", "1 Jan 10:00", "23:59:60", "@3 1 day"]
        {
            assert_eq!(seconds(wrong, "UTC"), None, "{wrong}");
        }
    }

    #[test]
    fn zones_count() {
        assert_eq!(seconds("2024-03-10 02:30", "America/New_York"), None);
        assert_eq!(seconds("2024-11-03 01:30 EST", "America/New_York"), Some(1_730_615_400));
        assert_eq!(seconds("2024-11-03 01:30", "America/New_York"), Some(1_730_611_800));
        assert_eq!(seconds("2024-07-01 12:00 CET", "Europe/Berlin"), None);
        assert_eq!(seconds("TZ=\"Asia/Tokyo\" 2024-01-01 09:00", "UTC"), Some(1_704_067_200));
    }

    #[test]
    fn digits_are_read() {
        let read = |text: &str, order| {
            parse_digits(text.as_bytes(), order, NOW, &TimeZone::UTC).map(|at| at.seconds)
        };
        assert_eq!(read("202401020304.05", YearAt::Front), Some(1_704_164_645));
        assert_eq!(read("010203042024.05", YearAt::Back), Some(1_704_164_645));
        assert_eq!(read("0102030424", YearAt::Back), Some(1_704_164_640));
        assert_eq!(read("13020304", YearAt::Back), None);
        assert_eq!(read("0102", YearAt::Back), None);
    }
}
