//! From what a date says to the moment that it means.

use jiff::tz::{AmbiguousOffset, TimeZone};
use wasmsh_os::Timestamp;

use super::grammar::{Parsed, Time};
use crate::time::{DAY, Date, Moment, offset_at};

/// Date and time of day as on a clock; the parts may lie beyond their ranges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// Year, month, day, hour, minute, second.
    pub(super) fn new(parts: &[i64; 6]) -> Civil {
        let [year, month, day, hour, minute, second] = *parts;
        Civil { year, month, day, hour, minute, second }
    }

    /// Seconds after the epoch on a clock that shows this.
    fn local(&self) -> Option<i64> {
        let days = Date::days(self.year, self.month, self.day)?;
        let time = self.hour.checked_mul(3600)?.checked_add(self.minute.checked_mul(60)?)?;
        days.checked_mul(DAY)?.checked_add(time)?.checked_add(self.second)
    }

    fn in_range(&self) -> bool {
        let Some(days) = Date::days(self.year, self.month, self.day) else { return false };
        let date = Date::from_days(days);
        // The years of `struct tm`.
        i32::try_from(self.year - 1900).is_ok()
            && (date.year, i64::from(date.month), i64::from(date.day)) == (self.year, self.month, self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
    }

    /// `mktime(3)`: the moment when clocks show this; `summer` says which of two, or which clock.
    fn moment(&self, zone: &TimeZone, summer: Option<bool>) -> Option<i64> {
        let local = self.local()?;
        let choices = match civil(local).map(|civil| zone.to_ambiguous_timestamp(civil).offset()) {
            Some(AmbiguousOffset::Unambiguous { offset }) => vec![i64::from(offset.seconds())],
            Some(AmbiguousOffset::Fold { before, after } | AmbiguousOffset::Gap { before, after }) => {
                vec![before.seconds().into(), after.seconds().into()]
            }
            None => vec![offset_at(zone, local).seconds],
        };
        let fits = |offset: &&i64| {
            local.checked_sub(**offset).is_some_and(|at| Some(offset_at(zone, at).summer) == summer)
        };
        if let Some(offset) = choices.iter().find(fits) {
            return local.checked_sub(*offset);
        }
        if let Some(summer) = summer {
            // The clock that is not in use now, as it was or will be.
            for distance in 1..=4 {
                for days in [-91 * distance, 91 * distance] {
                    let other = offset_at(zone, local.checked_add(days * DAY)?);
                    if other.summer == summer {
                        return local.checked_sub(other.seconds);
                    }
                }
            }
        }
        local.checked_sub(*choices.first()?)
    }

    /// As [`moment`](Civil::moment); `None`: no clock ever shows this.
    pub(super) fn exact(&self, zone: &TimeZone, summer: Option<bool>) -> Option<i64> {
        if !self.in_range() {
            return None;
        }
        let at = self.moment(zone, summer)?;
        (at.checked_add(offset_at(zone, at).seconds)? == self.local()?).then_some(at)
    }
}

fn civil(local: i64) -> Option<jiff::civil::DateTime> {
    let date = Date::from_days(local.div_euclid(DAY));
    let time = local.rem_euclid(DAY);
    jiff::civil::DateTime::new(
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
        i8::try_from(time / 3600).ok()?,
        i8::try_from(time / 60 % 60).ok()?,
        i8::try_from(time % 60).ok()?,
        0,
    )
    .ok()
}

/// The hour of a day of 24.
fn hour(time: &Time) -> Option<i64> {
    match time.afternoon {
        None => (0..24).contains(&time.hour).then_some(time.hour),
        Some(afternoon) => {
            let hour = (1..=12).contains(&time.hour).then_some(time.hour % 12)?;
            Some(if afternoon { hour + 12 } else { hour })
        }
    }
}

/// The moment that is meant, seen from `now`.
pub(super) fn conclude(parsed: Parsed, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if parsed.at.is_some() {
        return parsed.at;
    }
    let here = Moment::new(now, zone)?;
    let mut civil = Civil {
        year: here.date.year,
        month: here.date.month.into(),
        day: here.date.day.into(),
        hour: 0,
        minute: 0,
        second: 0,
    };
    if parsed.dates > 0 {
        (civil.month, civil.day) = (parsed.month, parsed.day);
    }
    if let Some(year) = parsed.year {
        civil.year = year.full();
    }
    let mut nanoseconds = 0;
    let absolute = parsed.dates + parsed.days + parsed.times > 0;
    if let Some(time) = &parsed.time {
        (civil.hour, civil.minute, civil.second) = (hour(time)?, time.minute, time.second);
        nanoseconds = time.nanoseconds;
    } else if parsed.differences > 0 && parsed.dates == 0 && parsed.days == 0 {
        (civil.hour, civil.minute, civil.second) = (here.hour.into(), here.minute.into(), here.second.into());
        nanoseconds = now.nanoseconds;
    }
    let mut summer = if absolute { None } else { Some(offset_at(zone, now.seconds).summer) };
    if parsed.local_zones > 0 {
        summer = Some(parsed.local_summer);
    }
    // With a zone of its own a time is one that clocks show there.
    let own = (parsed.zones > 0).then_some(parsed.zone.checked_mul(60)?);
    let mut at = match (civil.exact(zone, summer), own) {
        (Some(at), _) => at,
        (None, Some(_)) if civil.in_range() => civil.moment(zone, None)?,
        _ => return None,
    };
    if parsed.days > 0 && parsed.dates == 0 {
        let (day, ordinal) = parsed.weekday;
        let date = Date::from_days(Date::days(civil.year, civil.month, civil.day)?);
        let today = date.weekday();
        let weeks = ordinal.checked_sub(i64::from(ordinal > 0 && today != day))?;
        let ahead = (day - today + 7).rem_euclid(7).checked_add(weeks.checked_mul(7)?)?;
        civil.day = civil.day.checked_add(ahead)?;
        at = civil.moment(zone, None)?;
    }
    let difference = parsed.difference;
    if (difference.years, difference.months, difference.days) != (0, 0, 0) {
        civil.year = civil.year.checked_add(difference.years)?;
        civil.month = civil.month.checked_add(difference.months)?;
        civil.day = civil.day.checked_add(difference.days)?;
        at = civil.moment(zone, summer)?;
    }
    if let Some(own) = own {
        let clock = civil.local()?;
        at = clock.checked_sub(own)?;
    }
    let seconds = difference
        .hours
        .checked_mul(3600)?
        .checked_add(difference.minutes.checked_mul(60)?)?
        .checked_add(difference.seconds)?;
    let total = i64::from(nanoseconds).checked_add(difference.nanoseconds)?;
    let billion = i64::from(Timestamp::NANOS);
    at = at.checked_add(seconds)?.checked_add(total.div_euclid(billion))?;
    Some(Timestamp { seconds: at, nanoseconds: u32::try_from(total.rem_euclid(billion)).ok()? })
}
