//! Moments, in the layouts of Go's `time` package (a layout is how one certain moment is written), on `jiff`.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::node::{Res, fault};
use crate::time::{MONTHS, WEEKDAYS};

/// RFC 3339, the layout that counts when none is told.
pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";

/// The elements of a layout, the longer ones before those that they begin with.
const ELEMENTS: [&str; 29] = [
    "January", "Jan", "Monday", "Mon", "MST", "01", "02", "03", "04", "05", "06", "002", "2006", "_2", "15",
    "1", "2", "3", "4", "5", "PM", "pm", "-07:00", "-0700", "-07", "Z07:00", "Z0700", "Z07", ".",
];

enum Piece<'l> {
    Element(&'static str),
    /// `.000`, `,999`: digits of a second, and whether zeros at the end are left out.
    Fraction(usize, bool, char),
    Text(&'l str),
}

fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(rest) = layout.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if matches!(first, '.' | ',') {
            let digits: String =
                rest.chars().skip(1).take_while(|letter| matches!(letter, '0' | '9')).collect();
            let whole = digits.bytes().all(|byte| byte == b'0') || digits.bytes().all(|byte| byte == b'9');
            if !digits.is_empty()
                && whole
                && !rest
                    .get(1 + digits.len()..)
                    .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
            {
                all.push(Piece::Fraction(digits.len(), digits.starts_with('9'), first));
                at += 1 + digits.len();
                continue;
            }
        }
        let order = if rest.starts_with("002") { Some("002") } else { None };
        let found = order.or_else(|| {
            ELEMENTS.iter().copied().find(|element| *element != "." && rest.starts_with(element))
        });
        match found {
            Some(element) => {
                all.push(Piece::Element(element));
                at += element.len();
            }
            None => {
                let length = first.len_utf8();
                all.push(Piece::Text(rest.get(..length).unwrap_or_default()));
                at += length;
            }
        }
    }
    all
}

/// Writes a moment in a layout.
pub(super) fn format(moment: &Zoned, layout: &str) -> String {
    let mut out = String::new();
    let (hour, offset) = (moment.hour(), moment.offset());
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month = MONTHS.get(moment.month() as usize - 1).copied().unwrap_or_default();
    let day = WEEKDAYS.get(moment.weekday().to_sunday_zero_offset() as usize).copied().unwrap_or_default();
    for piece in pieces(layout) {
        let element = match piece {
            Piece::Text(text) => {
                out.push_str(text);
                continue;
            }
            Piece::Fraction(digits, trimmed, sign) => {
                let nanos = format!("{:09}", moment.subsec_nanosecond());
                let mut text = nanos.get(..digits.min(9)).unwrap_or_default();
                if trimmed {
                    text = text.trim_end_matches('0');
                }
                if !text.is_empty() {
                    out.push(sign);
                    out.push_str(text);
                }
                continue;
            }
            Piece::Element(element) => element,
        };
        out.push_str(&match element {
            "January" => month.to_owned(),
            "Jan" => month.get(..3).unwrap_or_default().to_owned(),
            "Monday" => day.to_owned(),
            "Mon" => day.get(..3).unwrap_or_default().to_owned(),
            "MST" => zone_name(moment),
            "01" => format!("{:02}", moment.month()),
            "1" => moment.month().to_string(),
            "02" => format!("{:02}", moment.day()),
            "2" => moment.day().to_string(),
            "_2" => format!("{:>2}", moment.day()),
            "002" => format!("{:03}", moment.day_of_year()),
            "15" => format!("{hour:02}"),
            "03" => format!("{twelve:02}"),
            "3" => twelve.to_string(),
            "04" => format!("{:02}", moment.minute()),
            "4" => moment.minute().to_string(),
            "05" => format!("{:02}", moment.second()),
            "5" => moment.second().to_string(),
            "06" => format!("{:02}", moment.year().rem_euclid(100)),
            "2006" => format!("{:04}", moment.year()),
            "PM" => if hour >= 12 { "PM" } else { "AM" }.to_owned(),
            "pm" => if hour >= 12 { "pm" } else { "am" }.to_owned(),
            element => {
                if element.starts_with('Z') && offset.seconds() == 0 {
                    "Z".to_owned()
                } else {
                    offset_text(offset.seconds(), element)
                }
            }
        });
    }
    out
}

fn zone_name(moment: &Zoned) -> String {
    let info = moment.time_zone().to_offset_info(moment.timestamp());
    let name = info.abbreviation().to_owned();
    // Go writes the bare offset of a zone without a name.
    if name.starts_with(['+', '-']) { offset_text(moment.offset().seconds(), "-07") } else { name }
}

fn offset_text(seconds: i32, element: &str) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3600, seconds.abs() / 60 % 60);
    match element {
        "-07:00" | "Z07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "-0700" | "Z0700" => format!("{sign}{hours:02}{minutes:02}"),
        _ => format!("{sign}{hours:02}"),
    }
}

/// Reads a moment in a layout, or in RFC 3339 or as a plain date.
pub(super) fn parse(text: &str, layout: Option<&str>) -> Res<Zoned> {
    match layout {
        Some(layout) if layout != RFC3339 => read(text, layout),
        _ => read(text, RFC3339).or_else(|error| read(text, "2006-01-02").map_err(|_| error)),
    }
}

fn read(text: &str, layout: &str) -> Res<Zoned> {
    let failed = || fault(format!("could not parse datetime of [{text}] with layout [{layout}]"));
    let mut rest = text;
    let (mut year, mut month, mut day, mut hour, mut minute, mut second, mut nanos) =
        (0i16, 1i8, 1i8, 0i8, 0i8, 0i8, 0);
    let (mut half, mut offset, mut in_year) = (None, None, None);
    for piece in pieces(layout) {
        let element = match piece {
            Piece::Text(text) => {
                match rest.strip_prefix(text) {
                    Some(after) => rest = after,
                    None => return failed(),
                }
                continue;
            }
            Piece::Fraction(..) => {
                fraction(&mut rest, &mut nanos);
                continue;
            }
            Piece::Element(element) => element,
        };
        let mut digits = |least: usize, most: usize| -> Option<i32> {
            let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
            if length < least {
                return None;
            }
            let value = rest.get(..length)?.parse().ok()?;
            rest = rest.get(length..)?;
            Some(value)
        };
        let value = match element {
            "2006" => digits(4, 4).map(|value| year = value as i16),
            "06" => digits(2, 2).map(|value| year = value as i16 + if value >= 69 { 1900 } else { 2000 }),
            "01" => digits(2, 2).map(|value| month = value as i8),
            "1" => digits(1, 2).map(|value| month = value as i8),
            "02" => digits(2, 2).map(|value| day = value as i8),
            "2" => digits(1, 2).map(|value| day = value as i8),
            "_2" => {
                rest = rest.trim_start_matches(' ');
                let length = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
                let value = rest.get(..length).and_then(|text| text.parse::<i8>().ok());
                rest = rest.get(length..).unwrap_or_default();
                value.map(|value| day = value)
            }
            "002" => digits(3, 3).map(|value| in_year = Some(value as i16)),
            "15" => digits(1, 2).map(|value| hour = value as i8),
            "03" => digits(2, 2).map(|value| hour = value as i8),
            "3" => digits(1, 2).map(|value| hour = value as i8),
            "04" => digits(2, 2).map(|value| minute = value as i8),
            "4" => digits(1, 2).map(|value| minute = value as i8),
            "05" | "5" => {
                let found = digits(if element == "05" { 2 } else { 1 }, 2).map(|value| second = value as i8);
                // A fraction is read even where the layout has none.
                fraction(&mut rest, &mut nanos);
                found
            }
            "PM" | "pm" => {
                let word = rest.get(..2).unwrap_or_default().to_ascii_lowercase();
                rest = rest.get(2..).unwrap_or_default();
                match word.as_str() {
                    "pm" => {
                        half = Some(true);
                        Some(())
                    }
                    "am" => {
                        half = Some(false);
                        Some(())
                    }
                    _ => None,
                }
            }
            "January" | "Jan" | "Monday" | "Mon" => {
                let names: &[&str] = if element.starts_with('J') { &MONTHS } else { &WEEKDAYS };
                let short = element.len() == 3;
                let found = names.iter().position(|name| {
                    let name = if short { name.get(..3).unwrap_or_default() } else { name };
                    rest.get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name))
                });
                found.map(|index| {
                    let length = if short { 3 } else { names.get(index).map_or(0, |name| name.len()) };
                    rest = rest.get(length..).unwrap_or_default();
                    if element.starts_with('J') {
                        month = index as i8 + 1;
                    }
                })
            }
            "MST" => {
                let length = rest.bytes().take_while(|byte| byte.is_ascii_uppercase()).count();
                rest = rest.get(length..).unwrap_or_default();
                // The offset of an abbreviation is not known; Go takes 0 too.
                (3..=5).contains(&length).then(|| offset = Some(0))
            }
            _ => zone(&mut rest, element).map(|seconds| offset = Some(seconds)),
        };
        if value.is_none() {
            return failed();
        }
    }
    match half {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    let Ok(mut civil) = DateTime::new(year, month, day, hour, minute, second, nanos) else { return failed() };
    if let Some(in_year) = in_year {
        match civil.with().day_of_year(in_year).build() {
            Ok(moved) => civil = moved,
            Err(_) => return failed(),
        }
    }
    let zone = match offset.and_then(|seconds| Offset::from_seconds(seconds).ok()) {
        Some(offset) if offset.seconds() != 0 => TimeZone::fixed(offset),
        _ => TimeZone::UTC,
    };
    if !rest.is_empty() {
        return failed();
    }
    civil.to_zoned(zone).or_else(|_| failed())
}

fn fraction(rest: &mut &str, nanos: &mut i32) {
    if !rest.starts_with(['.', ',']) {
        return;
    }
    let digits: String = rest.chars().skip(1).take_while(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return;
    }
    *rest = rest.get(1 + digits.len()..).unwrap_or_default();
    *nanos = format!("{digits:0<9}").get(..9).and_then(|text| text.parse().ok()).unwrap_or(0);
}

fn zone(rest: &mut &str, element: &str) -> Option<i32> {
    if element.starts_with('Z')
        && let Some(after) = rest.strip_prefix('Z')
    {
        *rest = after;
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let hours: i32 = rest.get(1..3)?.parse().ok()?;
    let (minutes, length) = match element {
        "-07" | "Z07" => (0, 3),
        "-0700" | "Z0700" => (rest.get(3..5)?.parse().ok()?, 5),
        _ => (rest.get(3..)?.strip_prefix(':')?.get(..2)?.parse().ok()?, 6),
    };
    *rest = rest.get(length..)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// A duration such as `3h10m` or `-1.5s`.
fn duration(text: &str) -> Res<SignedDuration> {
    let failed = || fault(format!("unable to parse duration [{text}]: time: invalid duration {text:?}"));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return failed();
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
        let Some(value) = rest.get(..length).and_then(|text| text.parse::<f64>().ok()) else {
            return failed();
        };
        rest = rest.get(length..).unwrap_or_default();
        let units =
            [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9)];
        let Some((name, factor)) = units
            .iter()
            .find(|(name, _)| rest.starts_with(name) && !(*name == "m" && rest.starts_with("ms")))
        else {
            return failed();
        };
        rest = rest.get(name.len()..).unwrap_or_default();
        nanos += value * factor;
    }
    if nanos.abs() > 9e18 {
        return failed();
    }
    Ok(SignedDuration::from_nanos((sign * nanos) as i64))
}

/// A moment later, or earlier, by a duration, in the layout that it was written in.
pub(super) fn shift(text: &str, by: &str, sign: i32, layout: Option<&str>) -> Res<String> {
    let moment = parse(text, layout)?;
    let by = duration(by)?;
    let moved = if sign < 0 { moment.checked_sub(by) } else { moment.checked_add(by) };
    let Ok(moved) = moved else { return fault(format!("the time {text} cannot be moved that far")) };
    Ok(format(&moved, layout.unwrap_or(RFC3339)))
}

/// Seconds since 1970 as a moment.
pub(super) fn from_unix(seconds: f64) -> Res<Zoned> {
    let nanos = (seconds.fract() * 1e9) as i32;
    match Timestamp::new(seconds.trunc() as i64, nanos) {
        Ok(stamp) => Ok(stamp.to_zoned(TimeZone::UTC)),
        Err(_) => fault(format!("{seconds} is no time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let moment = parse("2001-12-15T02:59:43.1Z", None).unwrap();
        assert_eq!(format(&moment, "Monday, 02-Jan-06 at 3:04PM MST"), "Saturday, 15-Dec-01 at 2:59AM UTC");
        assert_eq!(format(&moment, "2006-01-02T15:04:05.000Z07:00"), "2001-12-15T02:59:43.100Z");
        assert_eq!(format(&moment, "Jan _2 002 -0700"), "Dec 15 349 +0000");
        let moment = parse("7 March 1999, 4 pm", Some("2 January 2006, 3 pm")).unwrap();
        assert_eq!(format(&moment, RFC3339), "1999-03-07T16:00:00Z");
        assert!(parse("never", None).is_err());
        assert_eq!(shift("2021-01-01T00:00:00+02:00", "90m", 1, None).unwrap(), "2021-01-01T01:30:00+02:00");
        assert!(duration("3 parsecs").is_err());
    }
}
