//! `nl`: numbers lines.

use bstr::BString;
use wasmsh_regex::{Regex, Syntax};

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "nl",
    usage: &["[OPTION]... [FILE]..."],
    about: "Write each FILE to standard output, with line numbers added.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value("b,body-numbering", "STYLE", "use STYLE for numbering body lines"),
        Opt::value("d,section-delimiter", "CC", "use CC for logical page delimiters"),
        Opt::value("f,footer-numbering", "STYLE", "use STYLE for numbering footer lines"),
        Opt::value("h,header-numbering", "STYLE", "use STYLE for numbering header lines"),
        Opt::value("i,line-increment", "NUMBER", "line number increment at each line"),
        Opt::value("l,join-blank-lines", "NUMBER", "group of NUMBER empty lines counted as one"),
        Opt::value("n,number-format", "FORMAT", "insert line numbers according to FORMAT"),
        Opt::flag("p,no-renumber", "do not reset line numbers for each section"),
        Opt::value("s,number-separator", "STRING", "add STRING after (possible) line number"),
        Opt::value("v,starting-line-number", "NUMBER", "first line number for each section"),
        Opt::value("w,number-width", "NUMBER", "use NUMBER columns for line numbers"),
    ],
    more: "Default options are: -bt -d'\\:' -fn -hn -i1 -l1 -n'rn' -s<TAB> -v1 -w6\n\n\
           CC are two delimiter characters used to construct logical page delimiters;\n\
           a missing second character implies ':'.\n\n\
           STYLE is one of:\n\n\
           \x20 a      number all lines\n\
           \x20 t      number only nonempty lines\n\
           \x20 n      number no lines\n\
           \x20 pBRE   number only lines that contain a match for the basic regular\n\
           \x20        expression, BRE\n\n\
           FORMAT is one of:\n\n\
           \x20 ln     left justified, no leading zeros\n\
           \x20 rn     right justified, no leading zeros\n\
           \x20 rz     right justified, leading zeros",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

enum Style {
    All,
    Text,
    None,
    Matching(Regex),
}

fn style(t: &Tool, text: &[u8], part: &str) -> Result<Style, Fail> {
    Ok(match text {
        b"a" => Style::All,
        b"t" => Style::Text,
        b"n" => Style::None,
        [b'p', pattern @ ..] => Style::Matching(
            Regex::new(pattern, &Syntax::BASIC).map_err(|error| Fail::Message(error.to_string(), 1))?,
        ),
        _ => return Err(Fail::Usage(format!("invalid {part} numbering style: {}", t.quote(text)))),
    })
}

fn number(t: &Tool, text: &[u8], what: &str, least: i64) -> Result<i64, Fail> {
    let value = std::str::from_utf8(text).ok().and_then(|text| text.trim_start().parse().ok());
    let invalid = format!("invalid {what}: {}", t.quote(text));
    match value {
        None => Err(Fail::Message(invalid, 1)),
        Some(value) if value < least => {
            Err(Fail::Message(format!("{invalid}: Numerical result out of range"), 1))
        }
        Some(value) => Ok(value),
    }
}

fn field_width(t: &Tool, text: &[u8]) -> Result<u64, Fail> {
    let what = "line number field width";
    let value = number(t, text, what, 1)?;
    match i32::try_from(value) {
        Ok(value) => Ok(u64::from(value.unsigned_abs())),
        Err(_) => {
            let invalid = format!("invalid {what}: {}", t.quote(text));
            Err(Fail::Message(format!("{invalid}: Value too large for defined data type"), 1))
        }
    }
}

async fn run(t: &mut Tool) -> Done {
    let mut styles = [Style::None, Style::Text, Style::None];
    let mut delimiter = *b"\\:";
    let mut single_delimiter: Option<Vec<u8>> = None;
    let (mut step, mut blanks, mut first, mut width) = (1, 1, 1, 6_u64);
    let mut format = BString::from("rn");
    let mut separator = BString::from("\t");
    let mut renumber = true;
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        let value = value.unwrap_or_default();
        match name {
            "h" => styles[0] = style(t, &value, "header")?,
            "b" => styles[1] = style(t, &value, "body")?,
            "f" => styles[2] = style(t, &value, "footer")?,
            "d" => match &value[..] {
                [] => single_delimiter = Some(Vec::new()),
                [one] => (delimiter, single_delimiter) = ([*one, b':'], None),
                [one, two] => (delimiter, single_delimiter) = ([*one, *two], None),
                more => single_delimiter = Some(more.to_vec()),
            },
            "i" => step = number(t, &value, "line number increment", i64::MIN)?,
            "l" => blanks = number(t, &value, "line number of blank lines", 0)?,
            "n" => {
                if !matches!(&value[..], b"ln" | b"rn" | b"rz") {
                    return Err(Fail::Usage(format!("invalid line numbering format: {}", t.quote(&value))));
                }
                format = value;
            }
            "p" => renumber = false,
            "s" => separator = value,
            "v" => first = number(t, &value, "starting line number", i64::MIN)?,
            _ => width = field_width(t, &value)?,
        }
    }
    let mark = match single_delimiter {
        Some(text) => text,
        None => delimiter.to_vec(),
    };
    let mut line_number = Some(first);
    let mut section = 1;
    let mut empty = 0;
    for file in or_stdin(options.operands()) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        while let Some(line) = next_line(t, &mut input, &file, b'\n').await? {
            let text = body(line, b'\n');
            let count = if mark.is_empty() || text.is_empty() || !text.len().is_multiple_of(mark.len()) {
                0
            } else if text.chunks(mark.len()).all(|chunk| chunk == mark) {
                text.len() / mark.len()
            } else {
                0
            };
            if (1..=3).contains(&count) {
                // Three marks begin a header, two a body, one a footer.
                section = 3 - count;
                if renumber && (count == 3 || section > 0) {
                    line_number = Some(first);
                }
                t.out.put(b"\n");
                continue;
            }
            let numbered = match styles.get(section) {
                Some(Style::All) => {
                    if blanks > 1 && text.is_empty() {
                        empty += 1;
                        let numbered = empty == blanks;
                        if numbered {
                            empty = 0;
                        }
                        numbered
                    } else {
                        empty = 0;
                        true
                    }
                }
                Some(Style::Text) => !text.is_empty(),
                Some(Style::Matching(pattern)) => {
                    pattern.is_match(text).map_err(|error| Fail::Message(error.to_string(), 1))?
                }
                Some(Style::None) | None => false,
            };
            if numbered {
                let Some(value) = line_number else {
                    return Err(Fail::Message("line number overflow".into(), 1));
                };
                let shown = value.to_string();
                let missing = width.saturating_sub(shown.len() as u64);
                let (sign, digits) = shown.split_at(usize::from(value < 0));
                match &format[..] {
                    b"ln" => {
                        t.out.put(shown.as_bytes());
                        t.pad(missing, b' ').await?;
                    }
                    b"rz" => {
                        t.out.put(sign.as_bytes());
                        t.pad(missing, b'0').await?;
                        t.out.put(digits.as_bytes());
                    }
                    _ => {
                        t.pad(missing, b' ').await?;
                        t.out.put(shown.as_bytes());
                    }
                }
                t.out.put(&separator);
                line_number = value.checked_add(step);
            } else {
                t.pad(width + separator.len() as u64, b' ').await?;
            }
            t.out.put(text);
            t.out.put(b"\n");
            t.out.drain().await?;
        }
    }
    Ok(())
}
