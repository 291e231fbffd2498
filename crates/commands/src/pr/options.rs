//! The options of `pr`, and the layout that follows from them.

use bstr::{BString, ByteSlice};

use crate::lines::or_stdin;
use crate::number::{Trouble, parse_size};
use crate::{Fail, Tool};

/// A tab: its character, and how many columns there are from one stop to the next.
#[derive(Clone, Copy)]
pub(super) struct Tab {
    pub(super) letter: u8,
    pub(super) width: i64,
}

/// How lines are numbered.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    pub(super) separator: u8,
    pub(super) digits: usize,
    /// Columns of the number and its separator.
    pub(super) width: i64,
}

/// How characters that cannot be printed are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Raw,
    Hat,
    Octal,
}

/// The layout of the pages.
pub(super) struct Plan {
    /// Columns of text; with `merge`, as many as there are files.
    pub(super) columns: usize,
    pub(super) across: bool,
    pub(super) merge: bool,
    /// Columns of letters in a column of text.
    pub(super) column: i64,
    pub(super) separator: BString,
    /// Columns are aligned.
    pub(super) align: bool,
    /// The columns that a line may take, its number included; `None`: all it needs.
    pub(super) limit: Option<i64>,
    pub(super) width: i64,
    pub(super) margin: i64,
    pub(super) numbers: Option<Numbers>,
    /// The number of the first printed line, if it was given.
    pub(super) first_number: Option<i64>,
    pub(super) tab_in: Tab,
    pub(super) tab_out: Tab,
    /// Tabs of the input become spaces; spaces become tabs of the output.
    pub(super) expand: bool,
    pub(super) tabify: bool,
    pub(super) show: Show,
    pub(super) double: bool,
    /// Lines of text on a page.
    pub(super) body: u64,
    /// Pages have a header and a trailer.
    pub(super) framed: bool,
    /// Form feeds of the input are written.
    pub(super) keep_feeds: bool,
    pub(super) form_feed: bool,
    pub(super) header: Option<BString>,
    pub(super) date: BString,
    pub(super) first_page: u64,
    pub(super) last_page: u64,
    pub(super) quiet: bool,
}

/// Lines of the header, and of the trailer.
pub(super) const HEADER: u64 = 5;

fn number(t: &Tool, text: &[u8], least: i64, what: &str) -> Result<i64, Fail> {
    let said = format!("{what}: {}", t.quote(text));
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let too_large = || Fail::Message(format!("{said}: Value too large for defined data type"), 1);
    let value = match parse_size(digits, b"") {
        Ok(value) => {
            i64::try_from(value).ok().filter(|value| *value <= i64::from(i32::MAX)).ok_or_else(too_large)?
        }
        Err(Trouble::Overflow) => return Err(too_large()),
        Err(_) => return Err(Fail::Message(said, 1)),
    };
    let value = if negative { -value } else { value };
    if value < least {
        return Err(Fail::Message(format!("{said}: Numerical result out of range"), 1));
    }
    Ok(value)
}

/// A page is made in memory: its numbers are at most this wide.
const WIDEST_NUMBER: i64 = 1 << 20;

/// `[CHAR[WIDTH]]` of an option.
fn letter_and_width(option: &str, text: &[u8], letter: &mut u8, width: &mut i64) -> Result<(), Fail> {
    let mut rest = text;
    if let Some((first, behind)) = text.split_first().filter(|(first, _)| !first.is_ascii_digit()) {
        (*letter, rest) = (*first, behind);
    }
    if rest.is_empty() {
        return Ok(());
    }
    match rest.to_str().ok().and_then(|digits| digits.parse::<i32>().ok()).filter(|value| *value > 0) {
        Some(value) => *width = i64::from(value),
        None => {
            let message = format!(
                "'-{option}' extra characters or invalid number in the argument: ‘{}’",
                rest.as_bstr()
            );
            return Err(Fail::Usage(message));
        }
    }
    Ok(())
}

/// `FIRST[:LAST]`. `None`: such pages cannot be.
fn pages(text: &[u8], option: &str) -> Result<Option<(u64, u64)>, Fail> {
    let invalid = || Fail::Message(format!("invalid {option}argument '{}'", text.as_bstr()), 1);
    let (first, last) = text.split_once_str(":").map_or((text, None), |(first, last)| (first, Some(last)));
    let page = |digits: &[u8]| match parse_size(digits, b"") {
        Ok(value) => Ok(value),
        Err(Trouble::Overflow) => {
            Err(Fail::Message(format!("{option}argument '{}' too large", text.as_bstr()), 1))
        }
        Err(_) => Err(invalid()),
    };
    let first = page(first)?;
    let last = last.map_or(Ok(u64::MAX), page)?;
    Ok((first > 0 && last >= first).then_some((first, last)))
}

#[allow(clippy::too_many_lines, reason = "one arm for each option")]
pub(super) fn read(t: &mut Tool) -> Result<(Plan, Vec<BString>), Fail> {
    let (mut tab_in, mut tab_out) = (Tab { letter: b'\t', width: 8 }, Tab { letter: b'\t', width: 8 });
    let (mut expand, mut tabify, mut across, mut merge, mut join) = (false, false, false, false, false);
    let (mut columns, mut digits) = (1_i64, BString::default());
    let (mut length, mut margin, mut first_number) = (66, 0, None);
    let (mut narrow, mut wide) = (None, None);
    let (mut old_separator, mut separator) = (None::<BString>, None::<BString>);
    let (mut number_separator, mut number_digits, mut numbered) = (b'\t', 5_i64, false);
    let (mut header, mut date, mut show) = (None, None, Show::Raw);
    let (mut double, mut form_feed, mut quiet, mut bare, mut paged) = (false, false, false, false, true);
    let mut range = None;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let text = value.clone().unwrap_or_default();
        match name {
            "pages" => {
                let found = pages(&text, "--pages ")?;
                let wrong = || Fail::Message(format!("invalid page range {}", t.quote(&text)), 1);
                range = Some(found.ok_or_else(wrong)?);
            }
            "columns" => {
                columns = number(t, &text, 1, "invalid number of columns")?;
                digits.clear();
            }
            "#" => {
                digits.extend_from_slice(&text);
                columns = number(t, &digits, 1, "invalid number of columns")?;
            }
            "a" => across = true,
            "c" => show = Show::Hat,
            "d" => double = true,
            "D" => date = Some(text),
            "e" => {
                letter_and_width("e", &text, &mut tab_in.letter, &mut tab_in.width)?;
                expand = true;
            }
            "F" => form_feed = true,
            "h" => header = Some(text),
            "i" => {
                letter_and_width("i", &text, &mut tab_out.letter, &mut tab_out.width)?;
                tabify = true;
            }
            "J" => join = true,
            "l" => length = number(t, &text, 1, "'-l PAGE_LENGTH' invalid number of lines")?,
            "m" => merge = true,
            "n" => {
                letter_and_width("n", &text, &mut number_separator, &mut number_digits)?;
                numbered = true;
            }
            "N" => {
                let what = "'-N NUMBER' invalid starting line number";
                first_number = Some(number(t, &text, i64::from(i32::MIN), what)?);
            }
            "o" => margin = number(t, &text, 0, "'-o MARGIN' invalid line offset")?,
            "r" => quiet = true,
            "s" => old_separator = Some(value.unwrap_or_default()),
            "S" => separator = Some(text),
            "t" => bare = true,
            "T" => (bare, paged) = (true, false),
            "v" => show = Show::Octal,
            "w" => narrow = Some(number(t, &text, 1, "'-w PAGE_WIDTH' invalid number of characters")?),
            "W" => wide = Some(number(t, &text, 1, "'-W PAGE_WIDTH' invalid number of characters")?),
            _ => {}
        }
    }
    let mut files = Vec::new();
    for operand in options.operands() {
        if let Some(text) = operand.strip_prefix(b"+").filter(|_| range.is_none()) {
            range = pages(text, "+ ")?;
            if range.is_some() {
                continue;
            }
        }
        files.push(operand);
    }
    if merge && across {
        return Err(Fail::Message("cannot specify both printing across and printing in parallel".into(), 1));
    }
    if merge && columns > 1 {
        return Err(Fail::Message("cannot specify number of columns when printing in parallel".into(), 1));
    }
    let files = or_stdin(files);
    if merge {
        columns = i64::try_from(files.len()).unwrap_or(i64::MAX);
    }
    let many = columns > 1;
    let width = wide.or(narrow.filter(|_| many || merge || header.is_some())).or(narrow).unwrap_or(72);
    // `-s` alone joins; with a width its lines are aligned.
    if old_separator.is_some() && narrow.is_none() && wide.is_none() && (many || merge) {
        join = true;
    }
    let sized = narrow.is_some() || wide.is_some();
    let separator = match (separator, old_separator) {
        (Some(separator), _) => separator,
        (None, Some(one)) if !one.is_empty() || sized => one,
        (None, Some(_)) => "\t".into(),
        (None, None) => if join { "\t" } else { " " }.into(),
    };
    if number_digits > WIDEST_NUMBER {
        return Err(Fail::Message("memory exhausted".into(), 1));
    }
    let numbers = numbered.then(|| Numbers {
        separator: number_separator,
        digits: number_digits as usize,
        width: number_digits + if number_separator == b'\t' { 8 - number_digits % 8 } else { 1 },
    });
    let number_width = numbers.map_or(0, |numbers| numbers.width);
    let between = (columns - 1).saturating_mul(i64::try_from(separator.len()).unwrap_or(i64::MAX));
    let column =
        width.saturating_sub(between).saturating_sub(if merge { number_width } else { 0 }) / columns.max(1);
    if column < 1 {
        return Err(Fail::Message("page width too narrow".into(), 1));
    }
    let limit = !join && (many || wide.is_some() || merge && narrow.is_some());
    let length = length as u64;
    let framed = !bare && length > 2 * HEADER;
    let mut body = if framed { length - 2 * HEADER } else { length };
    if double {
        body = (body / 2).max(1);
    }
    let (first_page, last_page) = range.unwrap_or((1, u64::MAX));
    let plan = Plan {
        columns: usize::try_from(columns).unwrap_or(1),
        across,
        merge,
        column,
        separator,
        align: !join,
        limit: limit.then_some(column),
        width,
        margin,
        numbers,
        first_number,
        tab_in,
        tab_out,
        expand: expand || many && !join,
        tabify: tabify || many,
        show,
        double,
        body,
        framed,
        keep_feeds: !framed && (paged || merge),
        form_feed,
        header,
        date: date.unwrap_or_else(|| default_date(t)),
        first_page,
        last_page,
        quiet,
    };
    Ok((plan, files))
}

fn default_date(t: &Tool) -> BString {
    let set = |name| t.ctx.env(name).filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_TIME")).or_else(|| set("LANG"));
    let posix = locale.is_none_or(|locale| locale == "C" || locale == "POSIX");
    let old = posix && t.ctx.env("POSIXLY_CORRECT").is_some();
    if old { "%b %e %H:%M %Y".into() } else { "%Y-%m-%d %H:%M".into() }
}
