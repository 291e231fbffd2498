//! `mktime` and `strftime`; zones and formats are those of `date`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use crate::time::Moment;

/// Days from 1970-01-01 to a date of the Gregorian calendar; months beyond a year carry over.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - 719_468
}

/// `mktime`: "YYYY MM DD HH MM SS \[DST\]".
pub(super) fn mktime(text: &[u8], zone: &TimeZone) -> f64 {
    let Ok(text) = std::str::from_utf8(text) else { return -1.0 };
    let mut numbers = [0_i64; 6];
    let mut words = text.split_whitespace();
    for place in &mut numbers {
        let Some(Ok(number)) = words.next().map(str::parse) else { return -1.0 };
        *place = number;
    }
    if numbers.iter().any(|number| number.abs() > 1_000_000_000) {
        return -1.0;
    }
    let [year, month, day, hour, minute, second] = numbers;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    // What a clock there shows at that count of seconds is when it is there.
    let civil = jiff::Timestamp::from_second(seconds).ok().map(|at| TimeZone::UTC.to_datetime(at));
    let there = civil.and_then(|civil: DateTime| zone.to_timestamp(civil).ok());
    there.map_or(seconds as f64, |there| there.as_second() as f64)
}

/// `strftime`; a moment of UTC has the zone's name of `gmtime(3)`.
pub(super) fn strftime(format: &[u8], seconds: i64, zone: &TimeZone, utc: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let zone = if utc { &TimeZone::UTC } else { zone };
    if let Some(mut moment) = Moment::new(Timestamp { seconds, nanoseconds: 0 }, zone) {
        if utc {
            moment.zone = "GMT".into();
        }
        moment.format(format, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(mktime(b"2023 11 14 22 13 20", &TimeZone::UTC), 1_700_000_000.0);
        assert_eq!(mktime(b"2020 13 1 0 0 0", &TimeZone::UTC), 1_609_459_200.0);
        assert_eq!(mktime(b"2023 11", &TimeZone::UTC), -1.0);
        assert_eq!(strftime(b"%F %Z", 0, &TimeZone::UTC, true), b"1970-01-01 GMT");
    }
}
