//! Dates of `strftime` and `mktime`, in UTC.

use std::fmt::Write;

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
];

/// Days from 1970-01-01 to a date of the Gregorian calendar; the month from 1 on, and any other carries over.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - 719_468
}

/// Year, month and day of a day since 1970-01-01.
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let month_of_year = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month_of_year <= 2), month_of_year, of_year - (153 * month + 2) / 5 + 1)
}

/// `mktime`: "YYYY MM DD HH MM SS [DST]".
pub(super) fn mktime(text: &[u8]) -> f64 {
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
    (days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) as f64
}

/// `strftime`.
pub(super) fn strftime(format: &str, seconds: i64) -> String {
    let seconds = seconds.clamp(-60_000_000_000_000, 60_000_000_000_000);
    let day_number = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let (year, month, day) = date(day_number);
    let weekday = (day_number + 4).rem_euclid(7);
    let of_year = day_number - days(year, 1, 1);
    let name = |names: &'static [&'static str], index: i64| {
        usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
    };
    // The week of ISO 8601: that of its Thursday.
    let thursday = day_number - (weekday + 6) % 7 + 3;
    let (iso_year, _, _) = date(thursday);
    let iso_week = (thursday - days(iso_year, 1, 1)) / 7 + 1;
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut out = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut conversion = letters.next();
        let mut flag = None;
        while let Some(mark @ ('-' | '_' | '0' | '^' | 'E' | 'O')) = conversion {
            flag = Some(mark);
            conversion = letters.next();
        }
        let Some(conversion) = conversion else {
            out.push('%');
            break;
        };
        let number = |value: i64, width: usize, space: bool| match flag {
            Some('-') => value.to_string(),
            Some('_') => format!("{value:width$}"),
            Some('0') => format!("{value:0width$}"),
            _ if space => format!("{value:width$}"),
            _ => format!("{value:0width$}"),
        };
        let text = match conversion {
            'a' => name(&DAYS, weekday).chars().take(3).collect(),
            'A' => name(&DAYS, weekday).to_owned(),
            'b' | 'h' => name(&MONTHS, month - 1).chars().take(3).collect(),
            'B' => name(&MONTHS, month - 1).to_owned(),
            'c' => strftime("%a %b %e %H:%M:%S %Y", seconds),
            'C' => number(year.div_euclid(100), 2, false),
            'd' => number(day, 2, false),
            'D' | 'x' => strftime("%m/%d/%y", seconds),
            'e' => number(day, 2, true),
            'F' => strftime("%Y-%m-%d", seconds),
            'g' => number(iso_year.rem_euclid(100), 2, false),
            'G' => iso_year.to_string(),
            'H' => number(hour, 2, false),
            'I' => number(twelve, 2, false),
            'j' => number(of_year + 1, 3, false),
            'k' => number(hour, 2, true),
            'l' => number(twelve, 2, true),
            'm' => number(month, 2, false),
            'M' => number(minute, 2, false),
            'n' => "\n".into(),
            'p' => if hour < 12 { "AM" } else { "PM" }.into(),
            'P' => if hour < 12 { "am" } else { "pm" }.into(),
            'r' => strftime("%I:%M:%S %p", seconds),
            'R' => strftime("%H:%M", seconds),
            's' => seconds.to_string(),
            'S' => number(second, 2, false),
            't' => "\t".into(),
            'T' | 'X' => strftime("%H:%M:%S", seconds),
            'u' => (if weekday == 0 { 7 } else { weekday }).to_string(),
            'U' => number((of_year + 7 - weekday) / 7, 2, false),
            'V' => number(iso_week, 2, false),
            'w' => weekday.to_string(),
            'W' => number((of_year + 7 - (weekday + 6) % 7) / 7, 2, false),
            'y' => number(year.rem_euclid(100), 2, false),
            'Y' => year.to_string(),
            'z' => "+0000".into(),
            'Z' => "UTC".into(),
            '%' => "%".into(),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other}");
                continue;
            }
        };
        if flag == Some('^') { out.push_str(&text.to_uppercase()) } else { out.push_str(&text) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(strftime("%Y-%m-%d %H:%M:%S %a %j %V %U", 1_700_000_000), "2023-11-14 22:13:20 Tue 318 46 46");
        assert_eq!(strftime("%F", -1), "1969-12-31");
        assert_eq!(mktime(b"2023 11 14 22 13 20"), 1_700_000_000.0);
        assert_eq!(mktime(b"2023 11"), -1.0);
    }
}
