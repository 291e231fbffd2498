//! The words of dates: months, days, units, zones.

use crate::time::{MONTHS, WEEKDAYS};

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// Afternoon or not.
    Meridian(bool),
    Month(u8),
    /// 0 is Sunday.
    Day(u8),
    /// Minutes east of Greenwich; in summer an hour more.
    Zone(i64),
    SummerZone(i64),
    /// An abbreviation of the zone of the process: whether it is that of summer.
    Local(bool),
    /// `DST`.
    Summer,
    Unit(Unit),
    /// Days from today.
    Shift(i64),
    /// `last` is -1, `next` 1, `third` 3.
    Ordinal(i64),
    /// `ago` turns the difference before it round, `hence` does not.
    Ago(i64),
    /// Between a date and a time, or a zone.
    LetterT,
}

/// A unit of time, and how many of it the word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day(i64),
    Hour,
    Minute,
    Second,
}

const UNITS: &[(&str, Unit)] = &[
    ("year", Unit::Year),
    ("month", Unit::Month),
    ("fortnight", Unit::Day(14)),
    ("week", Unit::Day(7)),
    ("day", Unit::Day(1)),
    ("hour", Unit::Hour),
    ("minute", Unit::Minute),
    ("min", Unit::Minute),
    ("second", Unit::Second),
    ("sec", Unit::Second),
];

const RELATIVE: &[(&str, Word)] = &[
    ("tomorrow", Word::Shift(1)),
    ("yesterday", Word::Shift(-1)),
    ("today", Word::Shift(0)),
    ("now", Word::Shift(0)),
    ("last", Word::Ordinal(-1)),
    ("this", Word::Ordinal(0)),
    ("next", Word::Ordinal(1)),
    ("first", Word::Ordinal(1)),
    ("third", Word::Ordinal(3)),
    ("fourth", Word::Ordinal(4)),
    ("fifth", Word::Ordinal(5)),
    ("sixth", Word::Ordinal(6)),
    ("seventh", Word::Ordinal(7)),
    ("eighth", Word::Ordinal(8)),
    ("ninth", Word::Ordinal(9)),
    ("tenth", Word::Ordinal(10)),
    ("eleventh", Word::Ordinal(11)),
    ("twelfth", Word::Ordinal(12)),
    ("ago", Word::Ago(-1)),
    ("hence", Word::Ago(1)),
];

const ZONES: &[(&str, Word)] = &[
    ("gmt", Word::Zone(0)),
    ("ut", Word::Zone(0)),
    ("utc", Word::Zone(0)),
    ("wet", Word::Zone(0)),
    ("west", Word::SummerZone(0)),
    ("bst", Word::SummerZone(0)),
    ("art", Word::Zone(-180)),
    ("brt", Word::Zone(-180)),
    ("brst", Word::SummerZone(-180)),
    ("nst", Word::Zone(-210)),
    ("ndt", Word::SummerZone(-210)),
    ("ast", Word::Zone(-240)),
    ("adt", Word::SummerZone(-240)),
    ("clt", Word::Zone(-240)),
    ("clst", Word::SummerZone(-240)),
    ("est", Word::Zone(-300)),
    ("edt", Word::SummerZone(-300)),
    ("cst", Word::Zone(-360)),
    ("cdt", Word::SummerZone(-360)),
    ("mst", Word::Zone(-420)),
    ("mdt", Word::SummerZone(-420)),
    ("pst", Word::Zone(-480)),
    ("pdt", Word::SummerZone(-480)),
    ("akst", Word::Zone(-540)),
    ("akdt", Word::SummerZone(-540)),
    ("hst", Word::Zone(-600)),
    ("hast", Word::Zone(-600)),
    ("hadt", Word::SummerZone(-600)),
    ("sst", Word::Zone(-720)),
    ("wat", Word::Zone(60)),
    ("cet", Word::Zone(60)),
    ("cest", Word::SummerZone(60)),
    ("met", Word::Zone(60)),
    ("mez", Word::Zone(60)),
    ("mest", Word::SummerZone(60)),
    ("mesz", Word::SummerZone(60)),
    ("eet", Word::Zone(120)),
    ("eest", Word::SummerZone(120)),
    ("cat", Word::Zone(120)),
    ("sast", Word::Zone(120)),
    ("eat", Word::Zone(180)),
    ("msk", Word::Zone(180)),
    ("msd", Word::SummerZone(180)),
    ("ist", Word::Zone(330)),
    ("sgt", Word::Zone(480)),
    ("kst", Word::Zone(540)),
    ("jst", Word::Zone(540)),
    ("gst", Word::Zone(600)),
    ("nzst", Word::Zone(720)),
    ("nzdt", Word::SummerZone(720)),
];

/// What `word` (in small letters) means; `local`: the abbreviations of the zone, and whether they are those of summer.
pub(super) fn look_up(word: &[u8], local: &[(String, bool)]) -> Option<Word> {
    match word {
        b"am" | b"a.m." => return Some(Word::Meridian(false)),
        b"pm" | b"p.m." => return Some(Word::Meridian(true)),
        _ => {}
    }
    let short = word.len() == 3 || (word.len() == 4 && word.get(3) == Some(&b'.'));
    let is = |name: &str| {
        let length = if short { 3 } else { name.len() };
        let (name, word) = (name.as_bytes().get(..length), if short { word.get(..3) } else { Some(word) });
        name.zip(word).is_some_and(|(name, word)| name.eq_ignore_ascii_case(word))
    };
    if let Some(index) = MONTHS.iter().position(|name| is(name)) {
        return Some(Word::Month(index as u8 + 1));
    }
    if word == b"sept" {
        return Some(Word::Month(9));
    }
    if let Some(index) = WEEKDAYS.iter().position(|name| is(name)) {
        return Some(Word::Day(index as u8));
    }
    match word {
        b"tues" => return Some(Word::Day(2)),
        b"wednes" => return Some(Word::Day(3)),
        b"thur" | b"thurs" => return Some(Word::Day(4)),
        _ => {}
    }
    if let Some(zone) = zone(word, local) {
        return Some(zone);
    }
    if word == b"dst" {
        return Some(Word::Summer);
    }
    let unit = |word: &[u8]| UNITS.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, unit)| *unit);
    let singular = word.strip_suffix(b"s");
    if let Some(unit) = unit(word).or_else(|| unit(singular?)) {
        return Some(Word::Unit(unit));
    }
    if let Some((_, found)) = RELATIVE.iter().find(|(name, _)| name.as_bytes() == word) {
        return Some(*found);
    }
    if let [letter] = word {
        return military(*letter);
    }
    if word.contains(&b'.') {
        let bare: Vec<u8> = word.iter().copied().filter(|byte| *byte != b'.').collect();
        return zone(&bare, local);
    }
    None
}

fn zone(word: &[u8], local: &[(String, bool)]) -> Option<Word> {
    let universal = matches!(word, b"gmt" | b"ut" | b"utc");
    if !universal
        && let Some((_, summer)) = local.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
    {
        return Some(Word::Local(*summer));
    }
    ZONES.iter().find(|(name, _)| name.as_bytes() == word).map(|(_, zone)| *zone)
}

/// The zones of one letter: A to M go east, N to Y west, J is not used.
fn military(letter: u8) -> Option<Word> {
    let hours = match letter {
        b'a'..=b'i' => i64::from(letter - b'a') + 1,
        b'k'..=b'm' => i64::from(letter - b'k') + 10,
        b't' => return Some(Word::LetterT),
        b'n'..=b'y' => -(i64::from(letter - b'n') + 1),
        b'z' => 0,
        _ => return None,
    };
    Some(Word::Zone(hours * 60))
}
