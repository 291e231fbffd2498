//! The grammar of dates: items in any order, each kind at most once, differences as often as one likes.

use jiff::tz::TimeZone;
use wasmsh_os::Timestamp;

use super::lex::{Number, Token, tokens};
use super::words::{Unit, Word, look_up};
use crate::time::{DAY, offset_at};

/// A year as it is written; two digits are of this century or the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Year {
    value: i64,
    digits: usize,
}

impl Year {
    /// The year that is meant (POSIX: 69 to 99 are of the 20th century).
    pub(super) fn full(self) -> i64 {
        let value = self.value.saturating_abs();
        match (self.digits, value) {
            (2, 0..69) => value + 2000,
            (2, _) => value + 1900,
            _ => value,
        }
    }
}

/// A time of day; hours of a half day with the half.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanoseconds: u32,
    /// Whether it is after noon, of a clock with twelve hours.
    pub(super) afternoon: Option<bool>,
}

/// A difference.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Difference {
    pub(super) years: i64,
    pub(super) months: i64,
    pub(super) days: i64,
    pub(super) hours: i64,
    pub(super) minutes: i64,
    pub(super) seconds: i64,
    pub(super) nanoseconds: i64,
}

impl Difference {
    fn add(&mut self, other: Difference, factor: i64) -> Option<()> {
        let pairs = [
            (&mut self.years, other.years),
            (&mut self.months, other.months),
            (&mut self.days, other.days),
            (&mut self.hours, other.hours),
            (&mut self.minutes, other.minutes),
            (&mut self.seconds, other.seconds),
            (&mut self.nanoseconds, other.nanoseconds),
        ];
        for (sum, value) in pairs {
            *sum = sum.checked_add(value.checked_mul(factor)?)?;
        }
        Some(())
    }
}

/// What the items say.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// `@SECONDS`.
    pub(super) at: Option<Timestamp>,
    pub(super) year: Option<Year>,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) time: Option<Time>,
    /// Which day of the week, and the how manyth.
    pub(super) weekday: (i64, i64),
    /// Minutes east of Greenwich.
    pub(super) zone: i64,
    pub(super) local_summer: bool,
    pub(super) difference: Difference,
    pub(super) dates: u32,
    pub(super) times: u32,
    pub(super) days: u32,
    pub(super) zones: u32,
    pub(super) local_zones: u32,
    pub(super) differences: u32,
}

/// Reads a date. `None`: it is none.
pub(super) fn read(text: &[u8], now: Timestamp, zone: &TimeZone) -> Option<Parsed> {
    let trimmed = text.trim_ascii_start();
    let mut parsed = Parsed::default();
    if let Some(rest) = trimmed.strip_prefix(b"@") {
        let [Token::Number(number)] = tokens(rest)?[..] else { return None };
        parsed.at =
            Some(Timestamp { seconds: number.value, nanoseconds: number.fraction.unwrap_or_default() });
        return Some(parsed);
    }
    let local = abbreviations(now, zone);
    let mut reader = Reader { tokens: tokens(text)?, at: 0, local, parsed };
    while reader.at < reader.tokens.len() {
        reader.item()?;
    }
    let parsed = reader.parsed;
    let once = [parsed.dates, parsed.times, parsed.days, parsed.local_zones + parsed.zones];
    once.into_iter().all(|count| count <= 1).then_some(parsed)
}

/// The abbreviations of a zone around this time, and whether they are those of summer.
fn abbreviations(now: Timestamp, zone: &TimeZone) -> Vec<(String, bool)> {
    let mut names: Vec<(String, bool)> = Vec::new();
    for quarter in 0..5 {
        let offset = offset_at(zone, now.seconds.saturating_add(quarter * 91 * DAY));
        if !names.iter().any(|(name, _)| *name == offset.name) {
            names.push((offset.name, offset.summer));
        }
    }
    names
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    local: Vec<(String, bool)>,
    parsed: Parsed,
}

impl Reader {
    fn word(&self, ahead: usize) -> Option<Word> {
        match self.tokens.get(self.at + ahead)? {
            Token::Word(word) => look_up(word, &self.local),
            _ => None,
        }
    }

    fn number(&self, ahead: usize) -> Option<Number> {
        match self.tokens.get(self.at + ahead)? {
            Token::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number without a sign.
    fn plain(&self, ahead: usize) -> Option<Number> {
        self.number(ahead).filter(|number| !number.signed && number.fraction.is_none())
    }

    /// A whole number with a sign.
    fn signed(&self, ahead: usize) -> Option<Number> {
        self.number(ahead).filter(|number| number.signed && number.fraction.is_none())
    }

    fn mark(&self, ahead: usize, mark: u8) -> bool {
        self.tokens.get(self.at + ahead) == Some(&Token::Mark(mark))
    }

    fn item(&mut self) -> Option<()> {
        match self.tokens.get(self.at)? {
            Token::Number(number) if number.fraction.is_some() => self.decimal_seconds(*number),
            Token::Number(number) if number.signed => self.signed_unit(*number),
            Token::Number(number) => self.begins_with_number(*number),
            Token::Word(_) => {
                let word = self.word(0)?;
                self.begins_with_word(word)
            }
            Token::Mark(_) => None,
        }
    }

    /// `1.5 seconds`.
    fn decimal_seconds(&mut self, number: Number) -> Option<()> {
        let Some(Word::Unit(Unit::Second)) = self.word(1) else { return None };
        self.at += 2;
        let nanoseconds = number.fraction.unwrap_or_default().into();
        self.relative(Difference { seconds: number.value, nanoseconds, ..Difference::default() })
    }

    /// `+2 days`.
    fn signed_unit(&mut self, number: Number) -> Option<()> {
        let Some(Word::Unit(unit)) = self.word(1) else { return None };
        self.at += 2;
        self.unit(unit, number.value)
    }

    fn unit(&mut self, unit: Unit, count: i64) -> Option<()> {
        let mut difference = Difference::default();
        match unit {
            Unit::Year => difference.years = count,
            Unit::Month => difference.months = count,
            Unit::Day(days) => difference.days = count.checked_mul(days)?,
            Unit::Hour => difference.hours = count,
            Unit::Minute => difference.minutes = count,
            Unit::Second => difference.seconds = count,
        }
        self.relative(difference)
    }

    /// Adds a difference, which `ago` may follow.
    fn relative(&mut self, difference: Difference) -> Option<()> {
        let mut factor = 1;
        if let Some(Word::Ago(sign)) = self.word(0) {
            factor = sign;
            self.at += 1;
        }
        self.parsed.differences += 1;
        self.parsed.difference.add(difference, factor)
    }

    fn begins_with_number(&mut self, first: Number) -> Option<()> {
        if self.mark(1, b':') {
            return self.clock(first);
        }
        if self.mark(1, b'/') {
            return self.slashes(first);
        }
        if let Some(word) = self.word(1) {
            match word {
                Word::Meridian(afternoon) => {
                    self.at += 2;
                    return self.time(first.value, 0, 0, 0, Some(afternoon));
                }
                Word::Month(month) => {
                    self.at += 2;
                    // 17-JUN-1992, 17 June 1992, 17 June.
                    let year = match (self.signed(0), self.plain(0)) {
                        (Some(year), _) | (None, Some(year)) => {
                            self.at += 1;
                            Some(Year { value: year.value, digits: year.digits })
                        }
                        _ => None,
                    };
                    return self.date(year, month.into(), first.value);
                }
                Word::Day(day) => {
                    self.at += 2;
                    return self.day(first.value, day.into());
                }
                Word::Unit(unit) => {
                    self.at += 2;
                    return self.unit(unit, first.value);
                }
                _ => {}
            }
        }
        if let Some(second) = self.signed(1) {
            if let Some(Word::Unit(_)) = self.word(2) {
                self.at += 1;
                self.digits(first)?;
                return self.signed_unit(second);
            }
            if let Some(third) = self.signed(2) {
                // 1992-06-17, and perhaps T and a time.
                self.at += 3;
                let year = Year { value: first.value, digits: first.digits };
                self.date(Some(year), second.value.checked_neg()?, third.value.checked_neg()?)?;
                if self.word(0) == Some(Word::LetterT) && self.plain(1).is_some() {
                    let hour = self.plain(1)?;
                    self.at += 1;
                    return if self.mark(1, b':') { self.clock(hour) } else { self.hour_and_offset(hour) };
                }
                return Some(());
            }
            return self.hour_and_offset(first);
        }
        if self.number(1).is_some_and(|number| number.signed) {
            // 5 -1.5 seconds.
            self.at += 1;
            return self.digits(first);
        }
        self.at += 1;
        self.digits(first)
    }

    /// `10+0100`.
    fn hour_and_offset(&mut self, hour: Number) -> Option<()> {
        self.at += 1;
        self.signed(0)?;
        self.offset()?;
        self.time(hour.value, 0, 0, 0, None)
    }

    /// `HH:MM[:SS[.N]]` with a half of the day, or a difference to Greenwich.
    fn clock(&mut self, hour: Number) -> Option<()> {
        let minute = self.plain(2)?;
        self.at += 3;
        let (mut second, mut nanoseconds) = (0, 0);
        if self.mark(0, b':') {
            let number = self.number(1).filter(|number| !number.signed)?;
            (second, nanoseconds) = (number.value, number.fraction.unwrap_or_default());
            self.at += 2;
        }
        if let Some(Word::Meridian(afternoon)) = self.word(0) {
            self.at += 1;
            return self.time(hour.value, minute.value, second, nanoseconds, Some(afternoon));
        }
        if self.signed(0).is_some() {
            self.offset()?;
        }
        self.time(hour.value, minute.value, second, nanoseconds, None)
    }

    fn time(
        &mut self,
        hour: i64,
        minute: i64,
        second: i64,
        nanoseconds: u32,
        afternoon: Option<bool>,
    ) -> Option<()> {
        self.parsed.times += 1;
        self.parsed.time = Some(Time { hour, minute, second, nanoseconds, afternoon });
        Some(())
    }

    /// A difference to Greenwich: `+HH`, `+HHMM`, `+HH:MM`.
    fn offset(&mut self) -> Option<()> {
        let minutes = self.offset_minutes()?;
        self.parsed.zones += 1;
        self.parsed.zone = minutes;
        Some(())
    }

    fn offset_minutes(&mut self) -> Option<i64> {
        let number = self.signed(0)?;
        self.at += 1;
        let mut minutes = None;
        if self.mark(0, b':') {
            minutes = Some(self.plain(1)?.value);
            self.at += 2;
        }
        let total = match minutes {
            None if number.digits <= 2 => number.value.checked_mul(60)?,
            None => (number.value / 100).checked_mul(60)?.checked_add(number.value % 100)?,
            Some(minutes) => {
                let minutes = if number.negative { minutes.checked_neg()? } else { minutes };
                number.value.checked_mul(60)?.checked_add(minutes)?
            }
        };
        (-1440..=1440).contains(&total).then_some(total)
    }

    /// `MM/DD`, `MM/DD/YY`, `YYYY/MM/DD`.
    fn slashes(&mut self, first: Number) -> Option<()> {
        let second = self.plain(2)?;
        self.at += 3;
        if !self.mark(0, b'/') {
            return self.date(None, first.value, second.value);
        }
        let third = self.plain(1)?;
        self.at += 2;
        if first.digits >= 4 {
            let year = Year { value: first.value, digits: first.digits };
            self.date(Some(year), second.value, third.value)
        } else {
            let year = Year { value: third.value, digits: third.digits };
            self.date(Some(year), first.value, second.value)
        }
    }

    fn date(&mut self, year: Option<Year>, month: i64, day: i64) -> Option<()> {
        self.parsed.dates += 1;
        self.parsed.month = month;
        self.parsed.day = day;
        if year.is_some() {
            self.parsed.year = year;
        }
        Some(())
    }

    fn day(&mut self, ordinal: i64, day: i64) -> Option<()> {
        self.parsed.days += 1;
        self.parsed.weekday = (day, ordinal);
        Some(())
    }

    /// A number alone: a year after a date that has none, YYYYMMDD, or hours and minutes.
    fn digits(&mut self, number: Number) -> Option<()> {
        let parsed = &mut self.parsed;
        let no_year = parsed.year.is_none_or(|year| year.digits == 0);
        if parsed.dates > 0 && no_year && parsed.differences == 0 && (parsed.times > 0 || number.digits > 2) {
            parsed.year = Some(Year { value: number.value, digits: number.digits });
            return Some(());
        }
        if number.digits > 4 {
            let year = Year { value: number.value / 10_000, digits: number.digits - 4 };
            return self.date(Some(year), number.value / 100 % 100, number.value % 100);
        }
        let (hour, minute) =
            if number.digits <= 2 { (number.value, 0) } else { (number.value / 100, number.value % 100) };
        self.time(hour, minute, 0, 0, None)
    }

    fn begins_with_word(&mut self, word: Word) -> Option<()> {
        self.at += 1;
        match word {
            Word::Month(month) => {
                if let (Some(day), Some(year)) = (self.signed(0), self.signed(1)) {
                    self.at += 2;
                    let year = Year { value: year.value, digits: year.digits };
                    return self.date(Some(year), month.into(), day.value.checked_neg()?);
                }
                let day = self.plain(0)?;
                self.at += 1;
                let mut year = None;
                if self.mark(0, b',') {
                    let number = self.plain(1)?;
                    year = Some(Year { value: number.value, digits: number.digits });
                    self.at += 2;
                }
                self.date(year, month.into(), day.value)
            }
            Word::Day(day) => {
                if self.mark(0, b',') {
                    self.at += 1;
                }
                self.day(0, day.into())
            }
            Word::Ordinal(count) => match self.word(0)? {
                Word::Day(day) => {
                    self.at += 1;
                    self.day(count, day.into())
                }
                Word::Unit(unit) => {
                    self.at += 1;
                    self.unit(unit, count)
                }
                _ => None,
            },
            Word::Unit(unit) => self.unit(unit, 1),
            Word::Shift(days) => {
                self.parsed.differences += 1;
                self.parsed.difference.add(Difference { days, ..Difference::default() }, 1)
            }
            Word::Local(mut summer) => {
                if self.word(0) == Some(Word::Summer) {
                    summer = true;
                    self.at += 1;
                }
                self.parsed.local_zones += 1;
                self.parsed.local_summer = summer;
                Some(())
            }
            Word::Zone(minutes) => self.zone(minutes),
            Word::LetterT => {
                self.parsed.zones += 1;
                self.parsed.zone = -7 * 60;
                match (self.signed(0), self.word(1)) {
                    (Some(number), Some(Word::Unit(_))) => self.signed_unit(number),
                    _ => Some(()),
                }
            }
            Word::SummerZone(minutes) => {
                self.parsed.zones += 1;
                self.parsed.zone = minutes + 60;
                Some(())
            }
            Word::Meridian(_) | Word::Summer | Word::Ago(_) => None,
        }
    }

    /// A zone, with `DST`, a difference to it (`UTC+2`), or a difference in time (`UTC +2 hours`) behind it.
    fn zone(&mut self, minutes: i64) -> Option<()> {
        self.parsed.zones += 1;
        self.parsed.zone = minutes;
        if self.word(0) == Some(Word::Summer) {
            self.at += 1;
            self.parsed.zone += 60;
            return Some(());
        }
        let Some(number) = self.signed(0) else { return Some(()) };
        if let Some(Word::Unit(_)) = self.word(1) {
            return self.signed_unit(number);
        }
        let more = self.offset_minutes()?;
        self.parsed.zone += more;
        Some(())
    }
}
