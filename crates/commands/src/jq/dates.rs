//! Broken-down times: the arrays of `gmtime`, `strptime` and `strftime`.

use wasmsh_os::Timestamp;

use super::host::{Fault, Host};
use super::value::Value;
use crate::time::{MONTHS, Moment, WEEKDAYS};

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year + month.div_euclid(12);
    let month = month.rem_euclid(12);
    let year = if month < 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 10) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 + day - 1
}

/// Year, month from 0, day, day of the week, day of the year.
fn civil(day: i64) -> (i64, i64, i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let of_years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    let index = (5 * of_year + 2) / 153;
    let date = of_year - (153 * index + 2) / 5 + 1;
    let month = (index + 2) % 12;
    let year = of_years + era * 400 + i64::from(month < 2);
    (year, month, date, (day + 4).rem_euclid(7), day - days(year, 0, 1))
}

fn broken_down(seconds: i64, fraction: f64) -> Value {
    let day = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let (year, month, date, week, of_year) = civil(day);
    let numbers = [year, month, date, rest / 3600, rest / 60 % 60].map(|number| Value::Number(number as f64));
    let mut list = numbers.to_vec();
    list.push(Value::Number((rest % 60) as f64 + fraction));
    list.push(Value::Number(week as f64));
    list.push(Value::Number(of_year as f64));
    Value::array(list)
}

/// Seconds, and the offset of the local zone at that time.
fn offset(host: &Host, seconds: i64) -> i64 {
    let zone = crate::time::zone(&host.ctx);
    let at = Timestamp { seconds, nanoseconds: 0 };
    Moment::new(at, &zone).map_or(0, |moment| moment.offset)
}

pub(crate) fn gmtime(host: &mut Host, input: Value, _: &[Value]) -> Result<Value, Fault> {
    let _ = host;
    let number = input.as_f64().ok_or_else(|| Fault::error("gmtime() requires numeric inputs"))?;
    from_number(number, 0)
}

pub(crate) fn localtime(host: &mut Host, input: Value, _: &[Value]) -> Result<Value, Fault> {
    let number = input.as_f64().ok_or_else(|| Fault::error("localtime() requires numeric inputs"))?;
    let offset = offset(host, number.floor() as i64);
    from_number(number, offset)
}

fn from_number(number: f64, offset: i64) -> Result<Value, Fault> {
    if !number.is_finite() || number.abs() > 67_767_976_233_532_799.0 {
        return Err(Fault::error("error converting number of seconds since epoch to datetime"));
    }
    let whole = number.floor();
    Ok(broken_down(whole as i64 + offset, number - whole))
}

/// The seconds of a broken-down time.
fn seconds(input: &Value, who: &str) -> Result<i64, Fault> {
    let Value::Array(array) = input else {
        return Err(Fault::error(format!("{who} requires array inputs")));
    };
    let mut fields = [1900_i64, 0, 0, 0, 0, 0];
    for (slot, value) in fields.iter_mut().zip(array.iter()) {
        let number =
            value.as_f64().ok_or_else(|| Fault::error(format!("{who} requires parsed datetime inputs")))?;
        if !number.is_finite() || number.abs() > 2_147_483_647.0 {
            return Err(Fault::error(format!("{who} requires parsed datetime inputs")));
        }
        *slot = number.floor() as i64;
    }
    let [year, month, day, hour, minute, second] = fields;
    Ok(days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

pub(crate) fn mktime(_: &mut Host, input: Value, _: &[Value]) -> Result<Value, Fault> {
    seconds(&input, "mktime").map(|seconds| Value::Number(seconds as f64))
}

pub(crate) fn now(host: &mut Host, _: Value, _: &[Value]) -> Result<Value, Fault> {
    let now = host.ctx.now();
    Ok(Value::Number(now.seconds as f64 + f64::from(now.nanoseconds) / 1e9))
}

pub(crate) fn strftime(host: &mut Host, input: Value, arguments: &[Value]) -> Result<Value, Fault> {
    format(host, input, arguments, "strftime/1", false)
}

pub(crate) fn strflocaltime(host: &mut Host, input: Value, arguments: &[Value]) -> Result<Value, Fault> {
    format(host, input, arguments, "strflocaltime/1", true)
}

fn format(
    host: &mut Host,
    input: Value,
    arguments: &[Value],
    who: &str,
    local: bool,
) -> Result<Value, Fault> {
    let zone = if local { crate::time::zone(&host.ctx) } else { jiff::tz::TimeZone::UTC };
    let at = match &input {
        Value::Number(_) | Value::Literal(_) => {
            let number = input.as_f64().unwrap_or(0.0);
            from_number(number, 0)?;
            number.floor() as i64
        }
        Value::Array(_) => {
            let civil = seconds(&input, who)?;
            // The fields are those of the zone.
            if local { civil - offset(host, civil - offset(host, civil)) } else { civil }
        }
        _ => return Err(Fault::error(format!("{who} requires parsed datetime inputs"))),
    };
    let Some(Value::String(format)) = arguments.first() else {
        return Err(Fault::error(format!("{who} requires a string format")));
    };
    let mut moment = Moment::new(Timestamp { seconds: at, nanoseconds: 0 }, &zone)
        .ok_or_else(|| Fault::error(format!("{who}: unknown system failure")))?;
    moment.padded_years = false;
    let mut out = Vec::new();
    moment.format(format.as_bytes(), &mut out);
    Ok(Value::string(String::from_utf8_lossy(&out).into_owned()))
}

/// What `strptime` has found.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    weekday: Option<i64>,
    year_day: Option<i64>,
    epoch: Option<i64>,
}

struct Scanner<'a> {
    rest: &'a str,
    fields: Fields,
}

impl Scanner<'_> {
    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn number(&mut self, digits: usize, least: i64, most: i64) -> Option<i64> {
        self.skip_blank();
        let count = self.rest.bytes().take(digits).take_while(u8::is_ascii_digit).count();
        let value: i64 = self.rest.get(..count)?.parse().ok()?;
        self.rest = self.rest.get(count..)?;
        (least..=most).contains(&value).then_some(value)
    }

    fn name(&mut self, names: &[&str]) -> Option<i64> {
        for (index, name) in names.iter().enumerate() {
            for form in [name, name.get(..3)?] {
                if self.rest.get(..form.len()).is_some_and(|text| text.eq_ignore_ascii_case(form)) {
                    self.rest = self.rest.get(form.len()..)?;
                    return Some(index as i64);
                }
            }
        }
        None
    }

    fn scan(&mut self, format: &str) -> Option<()> {
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter.is_ascii_whitespace() {
                self.skip_blank();
                continue;
            }
            if letter != '%' {
                self.rest = self.rest.strip_prefix(letter)?;
                continue;
            }
            let mut kind = letters.next()?;
            while matches!(kind, 'E' | 'O' | '_' | '-' | '0') {
                kind = letters.next()?;
            }
            match kind {
                'Y' => {
                    let negative = self.rest.starts_with('-');
                    if negative {
                        self.rest = self.rest.get(1..)?;
                    }
                    let year = self.number(4, 0, 9999)?;
                    self.fields.year = Some(if negative { -year } else { year });
                }
                'y' => {
                    let year = self.number(2, 0, 99)?;
                    self.fields.year = Some(if year < 69 { 2000 + year } else { 1900 + year });
                }
                'C' => {
                    let century = self.number(2, 0, 99)?;
                    self.fields.year = Some(century * 100);
                }
                'm' => self.fields.month = Some(self.number(2, 1, 12)? - 1),
                'd' | 'e' => self.fields.day = Some(self.number(2, 1, 31)?),
                'H' | 'k' => {
                    self.fields.hour = self.number(2, 0, 23)?;
                    self.fields.afternoon = None;
                }
                'I' | 'l' => {
                    self.fields.hour = self.number(2, 1, 12)? % 12;
                    self.fields.afternoon = self.fields.afternoon.or(Some(false));
                }
                'p' | 'P' => {
                    let upper = self.rest.get(..2)?.to_ascii_uppercase();
                    self.fields.afternoon = Some(match upper.as_str() {
                        "AM" => false,
                        "PM" => true,
                        _ => return None,
                    });
                    self.rest = self.rest.get(2..)?;
                }
                'M' => self.fields.minute = self.number(2, 0, 59)?,
                'S' => self.fields.second = self.number(2, 0, 61)?,
                'j' => self.fields.year_day = Some(self.number(3, 1, 366)? - 1),
                'a' | 'A' => self.fields.weekday = Some(self.name(&WEEKDAYS)?),
                'b' | 'B' | 'h' => self.fields.month = Some(self.name(&MONTHS)?),
                'u' => self.fields.weekday = Some(self.number(1, 1, 7)? % 7),
                'w' => self.fields.weekday = Some(self.number(1, 0, 6)?),
                's' => {
                    let negative = self.rest.starts_with('-');
                    if negative {
                        self.rest = self.rest.get(1..)?;
                    }
                    let value = self.number(18, 0, i64::MAX)?;
                    self.fields.epoch = Some(if negative { -value } else { value });
                }
                'U' | 'W' | 'V' | 'g' => {
                    self.number(2, 0, 99)?;
                }
                'G' => {
                    self.number(4, 0, 9999)?;
                }
                'T' => self.scan("%H:%M:%S")?,
                'R' => self.scan("%H:%M")?,
                'D' | 'x' => self.scan("%m/%d/%y")?,
                'F' => self.scan("%Y-%m-%d")?,
                'X' => self.scan("%H:%M:%S")?,
                'r' => self.scan("%I:%M:%S %p")?,
                'c' => self.scan("%a %b %e %H:%M:%S %Y")?,
                'n' | 't' => self.skip_blank(),
                'Z' => {
                    self.skip_blank();
                    let count = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
                    self.rest = self.rest.get(count..)?;
                }
                'z' => {
                    self.skip_blank();
                    if let Some(rest) = self.rest.strip_prefix('Z') {
                        self.rest = rest;
                        continue;
                    }
                    self.rest = self.rest.strip_prefix(['+', '-'])?;
                    let count = self
                        .rest
                        .bytes()
                        .take(5)
                        .take_while(|byte| byte.is_ascii_digit() || *byte == b':')
                        .count();
                    if count < 2 {
                        return None;
                    }
                    self.rest = self.rest.get(count..)?;
                }
                '%' => self.rest = self.rest.strip_prefix('%')?,
                _ => return None,
            }
        }
        Some(())
    }
}

pub(crate) fn strptime(_: &mut Host, input: Value, arguments: &[Value]) -> Result<Value, Fault> {
    let Value::String(text) = &input else {
        return Err(Fault::error("strptime/1 requires string inputs and arguments"));
    };
    let Some(Value::String(format)) = arguments.first() else {
        return Err(Fault::error("strptime/1 requires string inputs and arguments"));
    };
    let mut scanner = Scanner { rest: text, fields: Fields::default() };
    if scanner.scan(format).is_none() || !scanner.rest.is_empty() {
        return Err(Fault::error(format!("date \"{text}\" does not match format \"{format}\"")));
    }
    let fields = scanner.fields;
    if let Some(epoch) = fields.epoch {
        return Ok(broken_down(epoch, 0.0));
    }
    let hour = fields.hour + if fields.afternoon == Some(true) { 12 } else { 0 };
    let year = fields.year.unwrap_or(1900);
    let (mut month, mut day) = (fields.month.unwrap_or(0), fields.day.unwrap_or(0));
    if let (Some(of_year), None) = (fields.year_day, fields.month) {
        let (_, of, date, _, _) = civil(days(year, 0, 1) + of_year);
        (month, day) = (of, date);
    }
    let has_date =
        fields.year.is_some() || fields.month.is_some() || fields.day.is_some() || fields.year_day.is_some();
    let this_day = days(year, month, day.max(1));
    let (weekday, year_day) = if has_date {
        (civil(this_day).3, this_day - days(year, 0, 1))
    } else {
        (fields.weekday.unwrap_or(0), 0)
    };
    let list = [year, month, day, hour, fields.minute, fields.second, weekday, year_day];
    Ok(Value::array(list.map(|number| Value::Number(number as f64)).to_vec()))
}
