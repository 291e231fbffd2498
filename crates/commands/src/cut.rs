//! `cut`: selects parts of lines.

use bstr::BString;
use wasmsh_os::Input;

use crate::lines::{body, next_line, or_stdin};
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "cut",
    usage: &["OPTION... [FILE]..."],
    about: "Print selected parts of lines from each FILE to standard output.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::value("b,bytes", "LIST", "select only these bytes"),
        Opt::value("c,characters", "LIST", "select only these characters"),
        Opt::value("d,delimiter", "DELIM", "use DELIM instead of TAB for field delimiter"),
        Opt::value(
            "f,fields",
            "LIST",
            "select only these fields;  also print any line\nthat contains no delimiter character, unless\nthe -s option is specified",
        ),
        Opt::flag("n", "(ignored)"),
        Opt::flag("complement", "complement the set of selected bytes, characters\nor fields"),
        Opt::flag("s,only-delimited", "do not print lines not containing delimiters"),
        Opt::value(
            "output-delimiter",
            "STRING",
            "use STRING as the output delimiter\nthe default is to use the input delimiter",
        ),
        Opt::flag("z,zero-terminated", "line delimiter is NUL, not newline"),
    ],
    more: "Use one, and only one of -b, -c or -f.  Each LIST is made up of one\n\
           range, or many ranges separated by commas.  Selected input is written\n\
           in the same order that it is read, and is written exactly once.\n\
           Each range is one of:\n\n\
           \x20 N     N'th byte, character or field, counted from 1\n\
           \x20 N-    from N'th byte, character or field, to end of line\n\
           \x20 N-M   from N'th to M'th (included) byte, character or field\n\
           \x20 -M    from first to M'th (included) byte, character or field",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let mut list: Option<(bool, BString)> = None;
    let (mut complement, mut only_delimited, mut end) = (false, false, b'\n');
    let (mut delimiter, mut output): (Option<BString>, Option<BString>) = (None, None);
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" | "c" | "f" => {
                if list.is_some() {
                    return Err(Fail::Usage("only one list may be specified".into()));
                }
                list = Some((name == "f", value.unwrap_or_default()));
            }
            "d" => {
                if value.as_ref().is_some_and(|value| value.len() > 1) {
                    return Err(Fail::Usage("the delimiter must be a single character".into()));
                }
                delimiter = value;
            }
            "complement" => complement = true,
            "s" => only_delimited = true,
            // An empty delimiter is a NUL.
            "output-delimiter" => output = value.map(|text| if text.is_empty() { "\0".into() } else { text }),
            "z" => end = 0,
            _ => {}
        }
    }
    let Some((fields, list)) = list else {
        return Err(Fail::Usage("you must specify a list of bytes, characters, or fields".into()));
    };
    if !fields && delimiter.is_some() {
        let message = "an input delimiter may be specified only when operating on fields";
        return Err(Fail::Usage(message.into()));
    }
    if !fields && only_delimited {
        let message = "suppressing non-delimited lines makes sense\n\tonly when operating on fields";
        return Err(Fail::Usage(message.into()));
    }
    let ranges = ranges(t, &list, fields, complement)?;
    let separator = match &delimiter {
        // An empty delimiter is a NUL.
        Some(text) => text.first().copied().unwrap_or(0),
        None => b'\t',
    };
    let selection = Selection { ranges, separator, output, only_delimited, end };
    for file in or_stdin(options.operands()) {
        let Some(mut input) = t.open_or_tell(&file).await? else { continue };
        if fields && separator == end {
            selection.lines(t, &mut input, &file).await?;
            continue;
        }
        while let Some(line) = next_line(t, &mut input, &file, end).await? {
            let line = body(line, end);
            if fields {
                selection.fields(line, t.out.buffer())
            } else {
                selection.bytes(line, t.out.buffer())
            }
            t.out.drain().await?;
        }
    }
    Ok(())
}

/// Ranges of positions from 0, without their ends, ascending, joined where they touch.
fn ranges(t: &Tool, list: &[u8], fields: bool, complement: bool) -> Result<Vec<(usize, usize)>, Fail> {
    let zero = || {
        Fail::Usage(
            if fields {
                "fields are numbered from 1"
            } else {
                "byte/character positions are numbered from 1"
            }
            .into(),
        )
    };
    let invalid = |text: &[u8]| {
        let what = if fields { "field" } else { "byte/character position" };
        let value = if fields { "value" } else { "" };
        let space = if value.is_empty() { "" } else { " " };
        Fail::Usage(format!("invalid {what}{space}{value} {}", t.quote(text)))
    };
    let mut all: Vec<(usize, usize)> = Vec::new();
    for item in list.split(|byte| matches!(byte, b',' | b' ' | b'\t')) {
        let number = |digits: &[u8], rest: &[u8]| -> Result<usize, Fail> {
            let mut value = 0_usize;
            for (index, digit) in digits.iter().enumerate() {
                if !digit.is_ascii_digit() {
                    return Err(invalid(rest.get(index..).unwrap_or_default()));
                }
                value = value
                    .checked_mul(10)
                    .and_then(|tens| tens.checked_add(usize::from(digit - b'0')))
                    .filter(|value| *value < usize::MAX)
                    .ok_or_else(|| {
                        let what = if fields { "field number" } else { "byte/character offset" };
                        Fail::Usage(format!("{what} {} is too large", t.quote(digits)))
                    })?;
            }
            Ok(value)
        };
        let range = match memchr::memchr(b'-', item) {
            None => {
                let value = number(item, item)?;
                if value == 0 {
                    return Err(zero());
                }
                (value - 1, value)
            }
            Some(at) => {
                let (low, high) =
                    (item.get(..at).unwrap_or_default(), item.get(at + 1..).unwrap_or_default());
                if high.contains(&b'-') {
                    return Err(Fail::Usage(
                        if fields { "invalid field range" } else { "invalid byte or character range" }.into(),
                    ));
                }
                let (first, last) = (number(low, item)?, number(high, high)?);
                if low.is_empty() && high.is_empty() {
                    return Err(Fail::Usage("invalid range with no endpoint: -".into()));
                }
                if !low.is_empty() && first == 0 {
                    return Err(zero());
                }
                let first = if low.is_empty() { 1 } else { first };
                let last = if high.is_empty() { usize::MAX } else { last };
                if last < first {
                    return Err(Fail::Usage("invalid decreasing range".into()));
                }
                (first - 1, last)
            }
        };
        all.push(range);
    }
    all.sort_unstable();
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (start, end) in all {
        match joined.last_mut() {
            // Ranges that only touch stay apart: an output delimiter stands between them.
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    if complement {
        let mut others = Vec::new();
        let mut at = 0;
        for (start, end) in joined {
            if start > at {
                others.push((at, start));
            }
            at = end;
        }
        if at < usize::MAX {
            others.push((at, usize::MAX));
        }
        joined = others;
    }
    Ok(joined)
}

struct Selection {
    ranges: Vec<(usize, usize)>,
    separator: u8,
    output: Option<BString>,
    only_delimited: bool,
    end: u8,
}

impl Selection {
    fn contains(&self, field: usize) -> bool {
        let index = self.ranges.partition_point(|&(_, end)| end <= field);
        self.ranges.get(index).is_some_and(|&(start, _)| start <= field)
    }

    /// What ends lines is the delimiter too: the whole input is one line, and its lines are the fields. What ends the
    /// last of them delimits nothing.
    async fn lines(&self, t: &mut Tool, input: &mut Input, file: &[u8]) -> Done {
        let (mut field, mut first) = (0, true);
        while let Some(line) = next_line(t, input, file, self.end).await? {
            let text = body(line, self.end);
            let out = t.out.buffer();
            if field == 0 && text.len() == line.len() {
                // Not delimited at all.
                if !self.only_delimited {
                    out.extend_from_slice(text);
                    out.push(self.end);
                }
                return Ok(());
            }
            if self.contains(field) {
                match &self.output {
                    _ if first => {}
                    Some(output) => out.extend_from_slice(output),
                    None => out.push(self.separator),
                }
                first = false;
                out.extend_from_slice(text);
            }
            field += 1;
            t.out.drain().await?;
        }
        if field > 1 || (field == 1 && !(self.only_delimited && first)) {
            t.out.put_byte(self.end);
        }
        Ok(())
    }

    fn bytes(&self, line: &[u8], out: &mut Vec<u8>) {
        let mut first = true;
        for &(start, end) in &self.ranges {
            if start >= line.len() {
                break;
            }
            if let (Some(output), false) = (&self.output, first) {
                out.extend_from_slice(output);
            }
            first = false;
            out.extend_from_slice(line.get(start..end.min(line.len())).unwrap_or_default());
        }
        out.push(self.end);
    }

    fn fields(&self, line: &[u8], out: &mut Vec<u8>) {
        let mut separators = memchr::memchr_iter(self.separator, line);
        let mut next_separator = separators.next();
        if next_separator.is_none() {
            if !self.only_delimited {
                out.extend_from_slice(line);
                out.push(self.end);
            }
            return;
        }
        let (mut field, mut start) = (0, 0);
        let mut first = true;
        let mut ranges = self.ranges.iter();
        let mut range = ranges.next();
        while let Some(&(low, high)) = range {
            let end = next_separator.unwrap_or(line.len());
            if field >= high {
                range = ranges.next();
                continue;
            }
            if field >= low {
                // All that is left, in one piece.
                if high == usize::MAX && self.output.is_none() {
                    if !first {
                        out.push(self.separator);
                    }
                    out.extend_from_slice(line.get(start..).unwrap_or_default());
                    break;
                }
                if !first {
                    match &self.output {
                        Some(output) => out.extend_from_slice(output),
                        None => out.push(self.separator),
                    }
                }
                first = false;
                out.extend_from_slice(line.get(start..end).unwrap_or_default());
            }
            if next_separator.is_none() {
                break;
            }
            field += 1;
            start = end + 1;
            next_separator = separators.next();
        }
        out.push(self.end);
    }
}
