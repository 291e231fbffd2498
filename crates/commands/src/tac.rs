//! `tac`: writes the records of files last first.

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Exhausted, Regex, Span, Syntax};

use crate::lines::or_stdin;
use crate::quote::quote_name;
use crate::{Command, Done, Fail, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "tac",
    usage: &["[OPTION]... [FILE]..."],
    about: "Write each FILE to standard output, last line first.\n\n\
            With no FILE, or when FILE is -, read standard input.",
    options: &[
        Opt::flag("b,before", "attach the separator before instead of after"),
        Opt::flag("r,regex", "interpret the separator as a regular expression"),
        Opt::value("s,separator", "STRING", "use STRING as the separator instead of newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut before, mut regex, mut separator) = (false, false, BString::from("\n"));
    let mut options = t.options();
    while let Some((name, value)) = options.next()? {
        match name {
            "b" => before = true,
            "r" => regex = true,
            _ => separator = value.unwrap_or_default(),
        }
    }
    if separator.is_empty() {
        if regex {
            return Err(Fail::Message("separator cannot be empty".into(), 1));
        }
        separator = "\0".into();
    }
    let pattern = match regex {
        false => None,
        true => Some(
            Regex::new(&basic(&separator), &Syntax { multiline: true, ..Syntax::BASIC })
                .map_err(|error| Fail::Message(error.to_string(), 1))?,
        ),
    };
    for file in or_stdin(options.operands()) {
        let mut input = match t.open(&file).await {
            Ok(input) => input,
            Err(error) => {
                t.error(format!(
                    "failed to open {} for reading: {}",
                    crate::quote::quote_always(&file),
                    error.strerror()
                ))
                .await?;
                continue;
            }
        };
        let mut text = Vec::new();
        if let Err(error) = input.read_to_end(&mut text).await {
            t.error(format!("{}: read error: {}", quote_name(&file), error.strerror())).await?;
            continue;
        }
        // Where records are cut: before or behind each separator.
        let mut cuts = Vec::new();
        match &pattern {
            None => {
                // Found from behind, as the records are written.
                let mut limit = text.len();
                while let Some(at) = text.get(..limit).and_then(|part| part.rfind(&separator)) {
                    cuts.push(if before { at } else { at + separator.len() });
                    limit = at;
                }
            }
            Some(pattern) => {
                let mut limit = text.len();
                while let Some(span) = last_match(pattern, text.get(..limit).unwrap_or_default())
                    .map_err(|error| Fail::Message(error.to_string(), 1))?
                {
                    cuts.push(if before { span.start } else { span.end });
                    limit = span.start;
                    t.ctx.tick().await;
                }
            }
        }
        let mut end = text.len();
        for cut in cuts {
            if cut < end {
                t.out.write(text.get(cut..end).unwrap_or_default()).await?;
            }
            end = cut;
        }
        t.out.write(text.get(..end).unwrap_or_default()).await?;
    }
    Ok(())
}

/// The match that begins last, before the end of the text; an empty one is one too.
fn last_match(pattern: &Regex, text: &[u8]) -> Result<Option<Span>, Exhausted> {
    // Parts at the end that double in length, so that what is searched stays in proportion to how far the match is.
    let (mut length, mut high) = (1_usize, text.len());
    loop {
        let low = text.len().saturating_sub(length);
        let (mut last, mut from) = (None, low);
        while from < high
            && let Some(span) = pattern.find_at(text, from)?.filter(|span| span.start < high)
        {
            from = span.start + 1;
            last = Some(span);
        }
        if last.is_some() || low == 0 {
            return Ok(last);
        }
        high = low;
        length = length.saturating_mul(2);
    }
}

/// A regular expression in the syntax of Emacs, which `tac -r` reads, as basic one: `+` and `?` are operators, `\{` and
/// `[:digit:]` nothing special, and a point is no newline.
pub(crate) fn basic(pattern: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(pattern.len());
    // Whether an operator would have nothing to repeat.
    let mut begins = true;
    let mut rest = pattern;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let began = std::mem::replace(&mut begins, false);
        match byte {
            b'\\' => {
                let Some((&letter, behind)) = rest.split_first() else {
                    all.push(byte);
                    break;
                };
                rest = behind;
                match letter {
                    b'+' | b'?' | b'{' | b'}' => all.push(letter),
                    _ => all.extend([byte, letter]),
                }
                begins = matches!(letter, b'(' | b'|');
            }
            b'+' | b'?' if !began => all.extend([b'\\', byte]),
            b'.' => all.extend_from_slice(b"[^\n]"),
            b'^' if began => {
                all.push(byte);
                begins = true;
            }
            b'[' => {
                let negated = usize::from(rest.starts_with(b"^"));
                let close = rest.iter().skip(negated + 1).position(|byte| *byte == b']');
                let Some(close) = close.map(|close| close + negated + 1) else {
                    all.push(byte);
                    continue;
                };
                let inner = rest.get(..close).unwrap_or_default();
                all.push(byte);
                // A bracket before a colon, which would begin a class, may as well stand at the end.
                let moved = inner.find("[:").is_some();
                let colon = inner.replace("[:", ":");
                all.extend_from_slice(if moved { &colon } else { inner });
                if moved {
                    all.push(b'[');
                }
                all.push(b']');
                rest = rest.get(close + 1..).unwrap_or_default();
            }
            _ => all.push(byte),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn emacs_syntax_becomes_basic() {
        let basic = |text: &str| String::from_utf8(super::basic(text.as_bytes())).unwrap();
        assert_eq!(basic("a+b?c*"), "a\\+b\\?c*");
        assert_eq!(basic("+a\\+\\(?\\)"), "+a+\\(?\\)");
        assert_eq!(basic("x\\{2\\}."), "x{2}[^\n]");
        assert_eq!(basic("[[:x:]]+"), "[:x:[]]\\+");
        assert_eq!(basic("[]+]"), "[]+]");
    }
}
