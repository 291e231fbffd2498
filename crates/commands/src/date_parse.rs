//! Dates as people write them, as `date -d` and `touch -d` read them (gnulib's `parse_datetime`).

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use wasmsh_os::Timestamp;

/// A number or a word.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Its digits, its sign, and whether white space stands before it.
    Number {
        digits: String,
        sign: Option<char>,
        fraction: Option<String>,
    },
    Word(String),
    Sign(char),
    Mark(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(&letter) = letters.peek() {
        if letter.is_whitespace() {
            letters.next();
        } else if letter == '(' {
            // Comments nest.
            let mut depth = 0;
            for letter in letters.by_ref() {
                match letter {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else if letter.is_ascii_digit() || letter == '+' || letter == '-' {
            let mut sign = None;
            while let Some(&mark @ ('+' | '-')) = letters.peek() {
                sign = Some(mark);
                letters.next();
                while letters.peek().is_some_and(|letter| letter.is_whitespace()) {
                    letters.next();
                }
            }
            if !letters.peek().is_some_and(char::is_ascii_digit) {
                tokens.push(Token::Sign(sign?));
                continue;
            }
            let mut digits = String::new();
            while let Some(&digit) = letters.peek().filter(|letter| letter.is_ascii_digit()) {
                digits.push(digit);
                letters.next();
            }
            let mut fraction = None;
            let mut ahead = letters.clone();
            if matches!(ahead.next(), Some('.' | ',')) && ahead.peek().is_some_and(char::is_ascii_digit) {
                letters.next();
                let mut part = String::new();
                while let Some(&digit) = letters.peek().filter(|letter| letter.is_ascii_digit()) {
                    part.push(digit);
                    letters.next();
                }
                fraction = Some(part);
            }
            tokens.push(Token::Number { digits, sign, fraction });
        } else if letter.is_alphabetic() {
            let mut word = String::new();
            while let Some(&letter) =
                letters.peek().filter(|letter| letter.is_alphabetic() || **letter == '.')
            {
                word.push(letter.to_ascii_lowercase());
                letters.next();
            }
            tokens.push(Token::Word(word.replace('.', "")));
        } else {
            tokens.push(Token::Mark(letter));
            letters.next();
        }
    }
    Some(tokens)
}

#[derive(Default)]
struct Parsed {
    date: Option<Date>,
    /// A date without a year.
    month_day: Option<(i8, i8)>,
    time: Option<Time>,
    offset: Option<Offset>,
    weekday: Option<(i8, i64)>,
    /// Differences: months, days, seconds and nanoseconds.
    months: i64,
    days: i64,
    nanoseconds: i128,
    relative: bool,
    at: Option<Timestamp>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

fn month(word: &str) -> Option<i8> {
    if word == "sept" {
        return Some(9);
    }
    let index =
        MONTHS.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(word)))?;
    i8::try_from(index + 1).ok()
}

fn weekday(word: &str) -> Option<i8> {
    let word = match word {
        "tues" => "tuesday",
        "wednes" => "wednesday",
        "thur" | "thurs" => "thursday",
        other => other,
    };
    let index = DAYS.iter().position(|name| *name == word || (word.len() == 3 && name.starts_with(word)))?;
    i8::try_from(index).ok()
}

fn ordinal(word: &str) -> Option<i64> {
    Some(match word {
        "last" => -1,
        "this" => 0,
        "next" => 1,
        "first" => 1,
        "third" => 3,
        "fourth" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        "eleventh" => 11,
        "twelfth" => 12,
        _ => return None,
    })
}

/// Hours of zones that have a name, in minutes.
fn named_zone(word: &str) -> Option<i32> {
    Some(match word {
        "utc" | "gmt" | "ut" | "z" | "wet" => 0,
        "west" | "bst" | "cet" | "met" => 60,
        "cest" | "mest" | "eet" | "sast" => 120,
        "eest" | "msk" => 180,
        "ist" => 330,
        "jst" => 540,
        "est" => -300,
        "edt" => -240,
        "cst" => -360,
        "cdt" => -300,
        "mst" => -420,
        "mdt" => -360,
        "pst" => -480,
        "pdt" => -420,
        _ => return None,
    })
}

const SECOND: i128 = 1_000_000_000;

impl Parsed {
    /// A unit of time, so many times.
    fn add(&mut self, unit: &str, count: i64, fraction: Option<&str>) -> Option<()> {
        let unit = unit.strip_suffix('s').filter(|unit| unit.len() > 2).unwrap_or(unit);
        if let Some(fraction) = fraction {
            let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
            let part: i128 = digits.parse().ok()?;
            if !matches!(unit, "second" | "sec") {
                return None;
            }
            self.nanoseconds += if count < 0 { -part } else { part };
        }
        match unit {
            "year" => self.months += count.checked_mul(12)?,
            "month" => self.months += count,
            "fortnight" => self.days += count.checked_mul(14)?,
            "week" => self.days += count.checked_mul(7)?,
            "day" => self.days += count,
            "hour" => self.nanoseconds += i128::from(count) * 3600 * SECOND,
            "minute" | "min" => self.nanoseconds += i128::from(count) * 60 * SECOND,
            "second" | "sec" => self.nanoseconds += i128::from(count) * SECOND,
            _ => return None,
        }
        self.relative = true;
        Some(())
    }
}

fn is_unit(word: &str) -> bool {
    Parsed::default().add(word, 0, None).is_some()
}

fn year_of(digits: &str) -> Option<i16> {
    let year: i16 = digits.parse().ok()?;
    // Two digits are of this century or the last (POSIX).
    Some(match (digits.len(), year) {
        (2, 0..69) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    })
}

/// The moment that `text` names, seen from `now` in a zone. `None`: it is no date.
pub(crate) fn parse(text: &[u8], now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let mut text = std::str::from_utf8(text).ok()?.trim();
    let mut own_zone = None;
    if let Some(rest) = text.strip_prefix("TZ=\"") {
        let (name, rest) = rest.split_once('"')?;
        own_zone = Some(crate::time::zone_named(name.as_bytes()));
        text = rest.trim_start();
    }
    let zone = own_zone.as_ref().unwrap_or(zone);
    if let Some(number) = text.strip_prefix('@') {
        return seconds(number);
    }
    let mut parsed = Parsed::default();
    let tokens = tokens(text)?;
    let mut rest = &tokens[..];
    while !rest.is_empty() {
        let used = item(rest, &mut parsed)?;
        rest = rest.get(used..)?;
    }
    conclude(parsed, now, zone)
}

/// `@SECONDS`, with a fraction.
fn seconds(text: &str) -> Option<Timestamp> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanoseconds = i128::from(whole) * SECOND + digits.parse::<i128>().ok()?;
    Some(Timestamp::from_nanos(if negative { -nanoseconds } else { nanoseconds }))
}

/// One item at the beginning of the tokens. How many it takes.
fn item(tokens: &[Token], parsed: &mut Parsed) -> Option<usize> {
    match tokens {
        // A time of day.
        [Token::Number { digits: hour, sign: None, fraction: None }, Token::Mark(':'), ..] => {
            time(hour, tokens, parsed)
        }
        // YYYY-MM-DD: the minus signs belong to the numbers.
        [
            Token::Number { digits: year, sign: None, fraction: None },
            Token::Number { digits: month, sign: Some('-'), fraction: None },
            Token::Number { digits: day, sign: Some('-'), fraction: None },
            more @ ..,
        ] if year.len() != 3 && month.len() <= 2 && day.len() <= 2 => {
            parsed.date = Some(Date::new(year_of(year)?, month.parse().ok()?, day.parse().ok()?).ok()?);
            // The T of ISO 8601.
            let letter_t =
                matches!(more, [Token::Word(word), Token::Number { sign: None, .. }, ..] if word == "t");
            Some(3 + usize::from(letter_t))
        }
        // MM/DD[/YY], YYYY/MM/DD.
        [
            Token::Number { digits: a, sign: None, .. },
            Token::Mark('/'),
            Token::Number { digits: b, sign: None, .. },
            Token::Mark('/'),
            Token::Number { digits: c, sign: None, .. },
            ..,
        ] => {
            parsed.date = Some(if a.len() >= 4 {
                Date::new(a.parse().ok()?, b.parse().ok()?, c.parse().ok()?).ok()?
            } else {
                Date::new(year_of(c)?, a.parse().ok()?, b.parse().ok()?).ok()?
            });
            Some(5)
        }
        [
            Token::Number { digits: a, sign: None, .. },
            Token::Mark('/'),
            Token::Number { digits: b, sign: None, .. },
            ..,
        ] => {
            parsed.month_day = Some((a.parse().ok()?, b.parse().ok()?));
            Some(3)
        }
        // 17-JUN-1992.
        [
            Token::Number { digits: day, sign: None, .. },
            Token::Sign('-'),
            Token::Word(name),
            Token::Number { digits: year, sign: Some('-'), .. },
            ..,
        ] => {
            parsed.date = Some(Date::new(year_of(year)?, month(name)?, day.parse().ok()?).ok()?);
            Some(4)
        }
        // 5pm.
        [Token::Number { digits: hour, sign: None, .. }, Token::Word(word), ..]
            if matches!(&word[..], "am" | "pm") =>
        {
            parsed.time = Some(Time::new(hour12(hour.parse().ok()?, word)?, 0, 0, 0).ok()?);
            Some(2)
        }
        // 17 June [1992].
        [Token::Number { digits: day, sign: None, .. }, Token::Word(name), more @ ..]
            if month(name).is_some() =>
        {
            let day = day.parse().ok()?;
            match more {
                [Token::Number { digits: year, sign: None, fraction: None }, rest @ ..]
                    if !matches!(rest.first(), Some(Token::Mark(':'))) =>
                {
                    parsed.date = Some(Date::new(year_of(year)?, month(name)?, day).ok()?);
                    Some(3)
                }
                _ => {
                    parsed.month_day = Some((month(name)?, day));
                    Some(2)
                }
            }
        }
        // 2 days [ago].
        [Token::Number { digits, sign, fraction }, Token::Word(unit), more @ ..] if is_unit(unit) => {
            let ago = matches!(more.first(), Some(Token::Word(word)) if word == "ago");
            let count: i64 = digits.parse().ok()?;
            let count = if (*sign == Some('-')) != ago { -count } else { count };
            parsed.add(unit, count, fraction.as_deref())?;
            Some(2 + usize::from(ago))
        }
        // June 17[, 1992].
        [Token::Word(name), Token::Number { digits: day, sign: None, fraction: None }, more @ ..]
            if month(name).is_some() =>
        {
            match more {
                [Token::Mark(','), Token::Number { digits: year, sign: None, .. }, ..] => {
                    parsed.date = Some(Date::new(year_of(year)?, month(name)?, day.parse().ok()?).ok()?);
                    Some(4)
                }
                _ => {
                    parsed.month_day = Some((month(name)?, day.parse().ok()?));
                    Some(2)
                }
            }
        }
        [Token::Word(word), more @ ..] => named(word, more, parsed),
        // A number alone: YYYYMMDD, a year after a date without one, or an hour.
        [Token::Number { digits, sign: None, fraction: None }, ..] => {
            if let (Some((month, day)), true) = (parsed.month_day, parsed.time.is_some() || digits.len() > 2)
            {
                parsed.date = Some(Date::new(year_of(digits)?, month, day).ok()?);
                parsed.month_day = None;
                return Some(1);
            }
            let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
            match digits.len() {
                1 | 2 => parsed.time = Some(Time::new(digits.parse().ok()?, 0, 0, 0).ok()?),
                4 if parsed.date.is_none() || parsed.time.is_none() => {
                    parsed.time = Some(Time::new(part(0, 2)?, part(2, 4)?, 0, 0).ok()?);
                }
                6 => {
                    parsed.date = Some(Date::new(year_of(digits.get(..2)?)?, part(2, 4)?, part(4, 6)?).ok()?)
                }
                8 => {
                    parsed.date =
                        Some(Date::new(digits.get(..4)?.parse().ok()?, part(4, 6)?, part(6, 8)?).ok()?)
                }
                _ => return None,
            }
            // The T of ISO 8601.
            let letter_t = matches!(tokens.get(1), Some(Token::Word(word)) if word == "t");
            Some(1 + usize::from(letter_t))
        }
        // A zone behind a time: +0100, -05:30.
        [Token::Number { digits, sign: Some(sign), fraction: None }, more @ ..] if parsed.time.is_some() => {
            let (hours, minutes, used) = match (digits.len(), more) {
                (1 | 2, [Token::Mark(':'), Token::Number { digits: minutes, sign: None, .. }, ..]) => {
                    (digits.parse::<i32>().ok()?, minutes.parse::<i32>().ok()?, 3)
                }
                (1 | 2, _) => (digits.parse().ok()?, 0, 1),
                (3 | 4, _) => {
                    let value: i32 = digits.parse().ok()?;
                    (value / 100, value % 100, 1)
                }
                _ => return None,
            };
            let seconds = (hours * 60 + minutes) * 60;
            parsed.offset = Some(Offset::from_seconds(if *sign == '-' { -seconds } else { seconds }).ok()?);
            Some(used)
        }
        [Token::Mark(','), ..] => Some(1),
        _ => None,
    }
}

fn hour12(hour: i8, half: &str) -> Option<i8> {
    (1..=12).contains(&hour).then(|| hour % 12 + if half == "pm" { 12 } else { 0 })
}

/// `HH:MM[:SS[.N]] [am|pm]`.
fn time(hour: &str, tokens: &[Token], parsed: &mut Parsed) -> Option<usize> {
    let Some(Token::Number { digits: minute, sign: None, fraction: None }) = tokens.get(2) else {
        return None;
    };
    let (mut second, mut nanosecond, mut used) = (0, 0, 3);
    if let (Some(Token::Mark(':')), Some(Token::Number { digits, sign: None, fraction })) =
        (tokens.get(3), tokens.get(4))
    {
        second = digits.parse().ok()?;
        if let Some(fraction) = fraction {
            let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
            nanosecond = digits.parse().ok()?;
        }
        used = 5;
    }
    let mut hour: i8 = hour.parse().ok()?;
    if let Some(Token::Word(word)) = tokens.get(used)
        && matches!(&word[..], "am" | "pm")
    {
        hour = hour12(hour, word)?;
        used += 1;
    }
    // A leap second.
    let second = if second == 60 { 59 } else { second };
    parsed.time = Some(Time::new(hour, minute.parse().ok()?, second, nanosecond).ok()?);
    Some(used)
}

fn named(word: &str, more: &[Token], parsed: &mut Parsed) -> Option<usize> {
    match word {
        "now" | "today" => {
            parsed.relative = true;
            return Some(1);
        }
        "tomorrow" | "yesterday" => {
            parsed.days += if word == "tomorrow" { 1 } else { -1 };
            parsed.relative = true;
            return Some(1);
        }
        "noon" | "midnight" => {
            parsed.time = Some(Time::new(if word == "noon" { 12 } else { 0 }, 0, 0, 0).ok()?);
            return Some(1);
        }
        _ => {}
    }
    if let (Some(count), Some(Token::Word(what))) = (ordinal(word), more.first()) {
        if let Some(day) = weekday(what) {
            parsed.weekday = Some((day, count));
            return Some(2);
        }
        let ago = matches!(more.get(1), Some(Token::Word(word)) if word == "ago");
        parsed.add(what, if ago { -count } else { count }, None)?;
        return Some(2 + usize::from(ago));
    }
    if let Some(day) = weekday(word) {
        parsed.weekday = Some((day, 0));
        return Some(1 + usize::from(more.first() == Some(&Token::Mark(','))));
    }
    if let Some(minutes) = named_zone(word) {
        let mut seconds = minutes * 60;
        let mut used = 1;
        // UTC+2.
        if let Some(Token::Number { digits, sign: Some(sign), fraction: None }) = more.first()
            && digits.len() <= 2
        {
            let hours: i32 = digits.parse().ok()?;
            seconds += if *sign == '-' { -hours * 3600 } else { hours * 3600 };
            used = 2;
        }
        parsed.offset = Some(Offset::from_seconds(seconds).ok()?);
        return Some(used);
    }
    if is_unit(word) {
        let ago = matches!(more.first(), Some(Token::Word(word)) if word == "ago");
        parsed.add(word, if ago { -1 } else { 1 }, None)?;
        return Some(1 + usize::from(ago));
    }
    None
}

fn conclude(parsed: Parsed, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Some(at) = parsed.at {
        return Some(at);
    }
    let here = crate::time::Moment::new(now, zone)?;
    let mut date = here.civil.date();
    if let Some((month, day)) = parsed.month_day {
        date = Date::new(date.year(), month, day).ok()?;
    }
    if let Some(given) = parsed.date {
        date = given;
    }
    let whole_day = parsed.date.is_some() || parsed.month_day.is_some() || parsed.weekday.is_some();
    let mut time = match parsed.time {
        Some(time) => time,
        // A day without a time begins at midnight; a difference alone counts from now.
        None if whole_day => Time::midnight(),
        None if parsed.relative => here.civil.time(),
        None => Time::midnight(),
    };
    if parsed.time.is_none() && !whole_day && parsed.relative {
        time = here.civil.time();
    }
    if let Some((day, count)) = parsed.weekday {
        let today = i64::from(date.weekday().to_sunday_zero_offset());
        let ahead = (i64::from(day) - today).rem_euclid(7);
        let weeks = if count > 0 && ahead != 0 { count - 1 } else { count };
        if parsed.date.is_none() && parsed.month_day.is_none() {
            date = add_days(date, ahead + 7 * weeks)?;
        }
    }
    date = add_months(date, parsed.months)?;
    date = add_days(date, parsed.days)?;
    let civil = DateTime::from_parts(date, time);
    let at = match parsed.offset {
        Some(offset) => offset.to_timestamp(civil).ok()?,
        None => zone.to_ambiguous_timestamp(civil).compatible().ok()?,
    };
    Some(Timestamp::from_nanos(at.as_nanosecond() + parsed.nanoseconds))
}

fn add_days(date: Date, days: i64) -> Option<Date> {
    date.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// Months by number; a day beyond the end of the month goes on into the next one, as `mktime(3)` has it.
fn add_months(date: Date, months: i64) -> Option<Date> {
    if months == 0 {
        return Some(date);
    }
    let total = i64::from(date.year()) * 12 + i64::from(date.month()) - 1 + months;
    let first =
        Date::new(i16::try_from(total.div_euclid(12)).ok()?, i8::try_from(total.rem_euclid(12) + 1).ok()?, 1)
            .ok()?;
    add_days(first, i64::from(date.day()) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        // Tuesday, 2023-11-14 22:13:20 UTC.
        let now = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };
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
            ("yesterday noon", 1_699_876_800 + 86_400 - 86_400),
        ] {
            let got = parse(text.as_bytes(), now, &TimeZone::UTC).map(|at| at.seconds);
            assert_eq!(got, Some(expected), "{text}");
        }
        for wrong in ["frob", "2024-13-01", "1:2:3:4", "99:99"] {
            assert_eq!(parse(wrong.as_bytes(), now, &TimeZone::UTC), None, "{wrong}");
        }
    }
}
