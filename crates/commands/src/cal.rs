//! `cal` and `ncal`: calendars of months and years, with the change from the Julian to the Gregorian calendar.

use bstr::{BString, ByteSlice};

use crate::time::{Date, MONTHS, zone};
use crate::{Command, Done, Fail, Opt, Tool, start};

const OPTIONS: &[Opt] = &[
    Opt::flag("1", "one month"),
    Opt::flag("3", "the month before, the month and the month after"),
    Opt::value("A", "number", "so many months after"),
    Opt::value("B", "number", "so many months before"),
    Opt::flag("C", "as cal"),
    Opt::value("d", "yyyy-mm", "the current month"),
    Opt::value("H", "yyyy-mm-dd", "the day to highlight"),
    Opt::flag("J", "the Julian calendar"),
    Opt::flag("M", "weeks start on Monday"),
    Opt::flag("S", "weeks start on Sunday"),
    Opt::value("W", "number", "days of the first week of a year"),
    Opt::flag("b", "as cal, with the options of ncal"),
    Opt::flag("e", "the date of Easter"),
    Opt::flag("h", "no highlighting of today"),
    Opt::flag("j", "days of the year"),
    Opt::value("m", "month", "the month"),
    Opt::flag("o", "the date of Orthodox Easter"),
    Opt::flag("p", "the days of the change of calendars"),
    Opt::value("s", "country_code", "the change of calendars of this country"),
    Opt::flag("w", "numbers of weeks"),
    Opt::flag("y", "a whole year"),
];

macro_rules! command {
    ($static:ident, $name:literal) => {
        pub(crate) static $static: Command = Command {
            name: $name,
            usage: &["[OPTION]... [[MONTH] YEAR]"],
            about: "Display a calendar and the date of Easter.",
            options: OPTIONS,
            more: "",
            usage_status: 64,
            main: |ctx| start(&$static, ctx, run),
        };
    };
}

command!(CAL, "cal");
command!(NCAL, "ncal");

const USAGE: &str = "\
Usage: cal [general options] [-jy] [[month] year]
       cal [general options] [-j] [-m month] [year]
       ncal -C [general options] [-jy] [[month] year]
       ncal -C [general options] [-j] [-m month] [year]
       ncal [general options] [-bhJjpwySM] [-H yyyy-mm-dd] [-s country_code] [-W number of days] [[month] year]
       ncal [general options] [-Jeo] [year]
General options: [-31] [-A months] [-B months] [-d yyyy-mm]";

const WEEKDAYS: [&str; 7] = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];

/// Countries and their last day of the Julian calendar.
const CHANGES: [(&str, &str, i64, i64, i64); 34] = [
    ("AL", "Albania", 1912, 11, 30),
    ("AT", "Austria", 1583, 10, 5),
    ("AU", "Australia", 1752, 9, 2),
    ("BE", "Belgium", 1582, 12, 14),
    ("BG", "Bulgaria", 1916, 3, 31),
    ("CA", "Canada", 1752, 9, 2),
    ("CH", "Switzerland", 1655, 2, 28),
    ("CN", "China", 1911, 12, 18),
    ("CZ", "Czech Republic", 1584, 1, 6),
    ("DE", "Germany", 1700, 2, 18),
    ("DK", "Denmark", 1700, 2, 18),
    ("ES", "Spain", 1582, 10, 4),
    ("FI", "Finland", 1753, 2, 17),
    ("FR", "France", 1582, 12, 9),
    ("GB", "United Kingdom", 1752, 9, 2),
    ("GR", "Greece", 1924, 3, 9),
    ("HU", "Hungary", 1587, 10, 21),
    ("IS", "Iceland", 1700, 11, 16),
    ("IT", "Italy", 1582, 10, 4),
    ("JP", "Japan", 1918, 12, 18),
    ("LI", "Lithuania", 1918, 2, 1),
    ("LU", "Luxembourg", 1582, 12, 14),
    ("LV", "Latvia", 1918, 2, 1),
    ("NL", "Netherlands", 1582, 12, 14),
    ("NO", "Norway", 1700, 2, 18),
    ("PL", "Poland", 1582, 10, 4),
    ("PT", "Portugal", 1582, 10, 4),
    ("RO", "Romania", 1919, 3, 31),
    ("RU", "Russia", 1918, 1, 31),
    ("SI", "Slovenia", 1919, 3, 4),
    ("SE", "Sweden", 1753, 2, 17),
    ("TR", "Turkey", 1926, 12, 18),
    ("US", "United States", 1752, 9, 2),
    ("YU", "Yugoslavia", 1919, 3, 4),
];

/// Days since 1970-01-01 of a date of the Julian calendar.
fn julian_days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year.div_euclid(4) + (153 * month + 2) / 5 + day - 719_471
}

/// The date of the Julian calendar.
fn julian_date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_470;
    let year = (4 * days + 3).div_euclid(1461);
    let of_year = days - (1461 * year).div_euclid(4);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

/// The calendar of a country.
#[derive(Clone, Copy)]
struct Calendar {
    /// The last day of the Julian calendar.
    last_julian: i64,
}

impl Calendar {
    fn date(self, days: i64) -> (i64, i64, i64) {
        if days <= self.last_julian {
            return julian_date(days);
        }
        let date = Date::from_days(days);
        (date.year, date.month.into(), date.day.into())
    }

    /// The days of a month with their numbers in it, in order.
    fn month(self, year: i64, month: i64) -> Vec<(i64, i64)> {
        // The calendars are less than 80 days apart in the years that are shown.
        let from = julian_days(year, month, 1) - 80;
        let days = (from..from + 190).map(|day| (day, self.date(day)));
        days.filter(|(_, date)| (date.0, date.1) == (year, month)).map(|(day, date)| (day, date.2)).collect()
    }

    fn first_of_year(self, year: i64) -> i64 {
        self.month(year, 1).first().map_or(0, |(day, _)| *day)
    }
}

/// Days since 1970-01-01 of Easter of the Julian calendar.
fn julian_easter(year: i64) -> i64 {
    let (a, b, c) = (year % 4, year % 7, year % 19);
    let d = (19 * c + 15) % 30;
    let e = (2 * a + 4 * b - d + 34) % 7;
    julian_days(year, 3, 22) + d + e
}

/// The same of the Gregorian calendar.
fn gregorian_easter(year: i64) -> i64 {
    let (golden, century) = (year % 19, year / 100);
    let moon = (century - century / 4 - (8 * century + 13) / 25 + 19 * golden + 15) % 30;
    let moon = moon - (moon / 28) * (1 - (moon / 28) * (29 / (moon + 1)) * ((21 - golden) / 11));
    let weekday = (year + year / 4 + moon + 2 - century + century / 4) % 7;
    Date::days(year, 3, 28).unwrap_or_default() + moon - weekday
}

/// How months are shown.
struct Plan {
    calendar: Calendar,
    /// Days are numbered through the year.
    of_year: bool,
    weeks: bool,
    monday: bool,
    first_week: i64,
    /// The day to highlight.
    highlight: Option<i64>,
}

impl Plan {
    /// The place of a day in its week.
    fn place(&self, day: i64) -> i64 {
        (day + 4 - i64::from(self.monday)).rem_euclid(7)
    }

    fn weekday(&self, place: i64) -> &'static str {
        let index = (place + i64::from(self.monday)) % 7;
        usize::try_from(index).ok().and_then(|index| WEEKDAYS.get(index)).copied().unwrap_or_default()
    }

    /// The number of the week that begins on `start`: that of the Gregorian year that has enough of its days.
    fn week(&self, start: i64) -> i64 {
        let decides = start + 7 - self.first_week;
        let first = Date::days(Date::from_days(decides).year, 1, 1).unwrap_or_default();
        (decides - first) / 7 + 1
    }

    fn number(&self, day: i64, of_month: i64, first_of_year: i64, width: usize) -> String {
        let number = if self.of_year { day - first_of_year + 1 } else { of_month };
        let text = format!("{number:>width$}");
        match self.highlight == Some(day) {
            true => format!("\x1b[7m{text}\x1b[27m"),
            false => text,
        }
    }

    /// The lines of a month below each other, as `cal` shows it: names of the days and six weeks.
    fn rows(&self, year: i64, month: i64) -> Vec<String> {
        let width = if self.of_year { 3 } else { 2 };
        let first = self.calendar.first_of_year(year);
        let days = self.calendar.month(year, month);
        let names: Vec<String> = (0..7).map(|place| format!("{:>width$}", self.weekday(place))).collect();
        let mut rows = vec![match (self.weeks, self.of_year) {
            (true, _) => format!(" w| {}   ", names.join(" ")),
            _ => format!("{}  ", names.join(" ")),
        }];
        let lead = days.first().map_or(0, |(day, _)| self.place(*day));
        let mut cells: Vec<Option<(i64, i64)>> = (0..lead).map(|_| None).collect();
        cells.extend(days.iter().copied().map(Some));
        let mut weeks = cells.chunks(7);
        for _ in 0..6 {
            let week = weeks.next().unwrap_or_default();
            let texts: Vec<String> = (0..7)
                .map(|place| match week.get(place).copied().flatten() {
                    Some((day, of_month)) => self.number(day, of_month, first, width),
                    None => " ".repeat(width),
                })
                .collect();
            let number = week.iter().flatten().next().map(|(day, _)| self.week(day - self.place(*day)));
            rows.push(match (self.weeks, self.of_year, number) {
                (true, true, Some(_)) => format!("  | {}  ", texts.join(" ")),
                (true, true, None) => " ".repeat(29),
                (true, false, Some(number)) => format!("{number:2}| {}   ", texts.join(" ")),
                (true, false, None) => " ".repeat(27),
                _ => format!("{}  ", texts.join(" ")),
            });
        }
        rows
    }

    /// The lines of a month beside each other, as `ncal` shows it, without the names of the days; the last has the
    /// numbers of the weeks.
    fn columns(&self, year: i64, month: i64) -> Vec<String> {
        let width = if self.of_year { 4 } else { 3 };
        let first = self.calendar.first_of_year(year);
        let days = self.calendar.month(year, month);
        let lead = days.first().map_or(0, |(day, _)| self.place(*day));
        let mut grid = vec![vec![" ".repeat(width); 6]; 8];
        for ((day, of_month), at) in days.into_iter().zip(lead..) {
            let (place, week) = (usize::try_from(at % 7).unwrap_or(0), usize::try_from(at / 7).unwrap_or(0));
            let text = format!(" {}", self.number(day, of_month, first, width - 1));
            let start = day - self.place(day);
            // `ncal` numbers no weeks of the Julian calendar.
            let numbered = start > self.calendar.last_julian;
            let number = if numbered { self.week(start).to_string() } else { String::new() };
            let number = format!("{number:>width$}");
            if let Some(cell) = grid.get_mut(place).and_then(|row| row.get_mut(week)) {
                *cell = text;
            }
            if let Some(cell) = grid.get_mut(7).and_then(|row| row.get_mut(week)) {
                *cell = number;
            }
        }
        grid.into_iter().map(|row| row.concat()).collect()
    }
}

fn month_name(month: i64) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
}

fn usage(message: Option<String>) -> Fail {
    match message {
        Some(message) => Fail::Message(format!("{message}\n{USAGE}"), 64),
        None => Fail::Bare(USAGE.into(), 64),
    }
}

/// The number a text begins with, as `atoi(3)`, and what follows it.
fn leading_number(text: &[u8]) -> (i64, &[u8]) {
    let text = text.trim_ascii_start();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    (number.to_str().ok().and_then(|number| number.parse::<i32>().ok()).map_or(0, i64::from), rest)
}

/// A month, perhaps the following or the previous one of its name.
fn parse_month(text: &BString, year: &mut i64, current: i64) -> Result<i64, Fail> {
    let (number, rest) = leading_number(text);
    let found = if rest.len() < text.len() {
        match rest {
            b"f" if number <= current => *year += 1,
            b"p" if number >= current => *year -= 1,
            _ => {}
        }
        (1..=12).contains(&number).then_some(number)
    } else {
        let name = text.to_str_lossy();
        (1..=12).find(|month| {
            let full = month_name(*month);
            name.eq_ignore_ascii_case(full)
                || full.get(..3).is_some_and(|short| name.eq_ignore_ascii_case(short))
        })
    };
    found.ok_or_else(|| Fail::Message(format!("{text} is neither a month number (1..12) nor a name"), 64))
}

/// `yyyy-mm` or `yyyy-mm-dd`.
fn parse_date(text: &[u8]) -> (i64, i64, i64) {
    let mut parts = text.split(|byte| *byte == b'-').map(|part| leading_number(part).0);
    (parts.next().unwrap_or(0), parts.next().unwrap_or(1), parts.next().unwrap_or(1))
}

async fn run(t: &mut Tool) -> Done {
    let mut as_cal = t.name.rsplit('/').next() == Some("cal");
    let original = as_cal;
    let seconds = t.ctx.now().seconds;
    let local = seconds + crate::time::offset_at(&zone(&t.ctx), seconds).seconds;
    let today = local.div_euclid(86_400);
    let mut plan = Plan {
        calendar: Calendar { last_julian: julian_days(1752, 9, 2) },
        of_year: false,
        weeks: false,
        monday: false,
        first_week: 4,
        highlight: t.ctx.is_terminal(1).then_some(today),
    };
    let date = Date::from_days(today);
    let (mut now_year, mut now_month) = (date.year, i64::from(date.month));
    let (mut before, mut after, mut month) = (0, 0, None);
    let (mut whole, mut easter, mut orthodox, mut julian, mut country, mut table) =
        (false, false, false, false, "US", false);
    let mut options = t.options();
    loop {
        let (name, value) = match options.next() {
            Ok(Some(option)) => option,
            Ok(None) => break,
            Err(Fail::Usage(message)) => return Err(usage(Some(message))),
            Err(other) => return Err(other),
        };
        let value = value.unwrap_or_default();
        match name {
            "1" => {}
            "3" => (before, after) = (1, 1),
            "A" => after = leading_number(&value).0,
            "B" => before = leading_number(&value).0,
            "d" => (now_year, now_month, _) = parse_date(&value),
            "j" => plan.of_year = true,
            "m" => month = Some(value),
            "y" => whole = true,
            _ if original => return Err(usage(None)),
            "b" | "C" => as_cal = true,
            "J" => julian = true,
            "M" => plan.monday = true,
            "S" => plan.monday = false,
            "W" => plan.first_week = leading_number(&value).0.clamp(1, 7),
            "e" => easter = true,
            "o" => orthodox = true,
            "h" => plan.highlight = None,
            "H" => {
                let (year, month, day) = parse_date(&value);
                plan.highlight = Date::days(year, month, day);
            }
            "p" => table = true,
            "s" => {
                let change = CHANGES.iter().find(|change| change.0.as_bytes().eq_ignore_ascii_case(&value));
                let Some((code, _, year, month, day)) = change else {
                    return Err(Fail::Message(format!("{value}: invalid country code"), 64));
                };
                country = code;
                plan.calendar.last_julian = julian_days(*year, *month, *day);
            }
            _ => plan.weeks = true,
        }
    }
    if table {
        return changes(t, country);
    }
    let operands = options.operands();
    // A month behind the twelfth of `-d` is one of a later year.
    now_year += (now_month - 1).div_euclid(12);
    now_month = (now_month - 1).rem_euclid(12) + 1;
    let mut year = now_year;
    let mut chosen = None;
    match &operands[..] {
        [] => {}
        [one] => year = parse_year(one)?,
        [of, one] if month.is_none() => {
            year = parse_year(one)?;
            chosen = Some(parse_month(of, &mut year, now_month)?);
        }
        _ => return Err(usage(None)),
    }
    if let Some(text) = &month {
        chosen = Some(parse_month(text, &mut year, now_month)?);
    } else if operands.len() == 1 {
        whole = true;
    }
    if !(1..=9999).contains(&year) {
        return Err(Fail::Message(format!("year `{year}' not in range 1..9999"), 64));
    }
    if julian && !as_cal {
        plan.calendar.last_julian = i64::MAX;
    }
    if easter || orthodox {
        // The reform of 1582 counts, whenever a country has followed; with -J Orthodox Easter keeps its own calendar.
        let reformed = year > 1582;
        let day = if orthodox || !reformed { julian_easter(year) } else { gregorian_easter(year) };
        let own =
            Calendar { last_julian: if reformed && !(julian && orthodox) { i64::MIN } else { i64::MAX } };
        let (year, month, day) = own.date(day);
        t.out.put(format!("{month:02}/{day:02}/{:02}\n", year % 100).as_bytes());
        return Ok(());
    }
    let mut first = year * 12 + chosen.unwrap_or(now_month) - 1;
    if whole {
        (first, before, after) = (year * 12, 0, 11);
    }
    show(t, &plan, as_cal, first.saturating_sub(before), first.saturating_add(after)).await
}

fn parse_year(text: &BString) -> Result<i64, Fail> {
    match text.to_str().ok().and_then(|text| text.parse().ok()) {
        Some(year) => Ok(year),
        None => Err(Fail::Message(format!("not a valid year {text}"), 64)),
    }
}

fn changes(t: &mut Tool, country: &str) -> Done {
    let half = CHANGES.len() / 2;
    for (left, right) in CHANGES.iter().zip(CHANGES.iter().skip(half)) {
        let texts = [left, right].map(|(code, name, year, month, day)| {
            let mark = if *code == country { '*' } else { ' ' };
            format!("{mark}{code} {name:<15}{year:04}-{month:02}-{day:02}")
        });
        t.out.put(format!("{}\n", texts.join("     ")).as_bytes());
    }
    Ok(())
}

/// Shows the months from `first` to `last`, both counted from the year 0.
async fn show(t: &mut Tool, plan: &Plan, as_cal: bool, first: i64, last: i64) -> Done {
    // How many stand in a row, the width of a month and what its name is centred in.
    let (in_row, width, middle) = match (as_cal, plan.weeks, plan.of_year) {
        (true, _, true) => (2, 29, 27),
        (true, true, false) => (3, 27, 25),
        (true, false, false) => (3, 22, 20),
        (false, _, true) => (3, 24, 24),
        (false, _, false) => (4, 18, 18),
    };
    // The year stands above, if the rows come out even with the years.
    let above = last - first + 1 >= in_row && first.rem_euclid(12) % in_row == 0;
    let (mut shown_year, mut at) = (0, first);
    while at <= last {
        t.ctx.ticks(64).await;
        let year = at.div_euclid(12);
        if at != first {
            t.out.put(b"\n");
        }
        if above && year != shown_year {
            shown_year = year;
            let text = year.to_string();
            let room = usize::try_from(in_row).unwrap_or(0) * middle;
            t.out.put(
                format!("{:left$}{text}\n", "", left = (room.saturating_sub(text.len())) / 2).as_bytes(),
            );
        }
        let months: Vec<(i64, i64)> = (at..=last.min(at + in_row - 1))
            .map(|month| (month.div_euclid(12), month.rem_euclid(12) + 1))
            .collect();
        let titles = months.iter().map(|(year, month)| match above {
            true => month_name(*month).to_owned(),
            false => format!("{} {year}", month_name(*month)),
        });
        let mut lines: Vec<String>;
        if as_cal {
            lines = vec![
                titles
                    .map(|title| {
                        let left = middle.saturating_sub(title.len()) / 2;
                        format!("{:width$}", format!("{:left$}{title}", ""))
                    })
                    .collect(),
            ];
            lines.extend(vec![String::new(); 7]);
            for (year, month) in &months {
                for (line, row) in lines.iter_mut().skip(1).zip(plan.rows(*year, *month)) {
                    line.push_str(&row);
                }
            }
        } else {
            lines =
                vec![format!("    {}", titles.map(|title| format!("{title:width$}")).collect::<String>())];
            lines.extend((0..7).map(|place| plan.weekday(place).to_owned()));
            lines.push("  ".into());
            for (year, month) in &months {
                for (line, row) in lines.iter_mut().skip(1).zip(plan.columns(*year, *month)) {
                    line.push_str(&row);
                }
            }
            if !plan.weeks {
                lines.pop();
            }
        }
        for line in lines {
            t.out.put(line.as_bytes());
            t.out.put(b"\n");
        }
        t.out.drain().await?;
        at += in_row;
    }
    Ok(())
}
