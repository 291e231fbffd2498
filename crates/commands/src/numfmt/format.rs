//! The argument of `numfmt --format`.

use bstr::{BString, ByteSlice};

use crate::{Fail, Tool};

/// A format: what stands around the number, and how it is shown.
#[derive(Default)]
pub(crate) struct Format {
    pub(crate) before: BString,
    pub(crate) after: BString,
    pub(crate) padding: Option<i64>,
    pub(crate) precision: Option<usize>,
    pub(crate) zeros: bool,
    pub(crate) grouping: bool,
}

impl Format {
    pub(crate) fn parse(t: &Tool, text: &[u8]) -> Result<Format, Fail> {
        let shown = || t.quote(text);
        let wrong = |message: String| Err(Fail::Message(message, 1));
        let mut format = Format::default();
        let mut at = 0;
        let byte = |at: usize| text.get(at).copied();
        // Up to the directive; two signs stand for one.
        loop {
            match (byte(at), byte(at + 1)) {
                (Some(b'%'), Some(b'%')) => {
                    format.before.extend_from_slice(b"%%");
                    at += 2;
                }
                (Some(b'%'), _) => break,
                (Some(other), _) => {
                    format.before.push(other);
                    at += 1;
                }
                (None, _) => return wrong(format!("format {} has no % directive", shown())),
            }
        }
        at += 1;
        loop {
            match byte(at) {
                Some(b' ') => {}
                Some(b'\'') => format.grouping = true,
                Some(b'0') => format.zeros = true,
                _ => break,
            }
            at += 1;
        }
        let (width, length) = number(text.get(at..).unwrap_or_default());
        let Some(width) = width else { return wrong(format!("invalid format {} (width overflow)", shown())) };
        at += length;
        if width != 0 {
            if width < 0 {
                format.zeros = false;
            }
            format.padding = Some(width);
        }
        if byte(at).is_none() {
            return wrong(format!("format {} ends in %", shown()));
        }
        if byte(at) == Some(b'.') {
            at += 1;
            let rest = text.get(at..).unwrap_or_default();
            let (precision, length) = number(rest);
            let signed = rest.first().is_some_and(|sign| matches!(sign, b'-' | b'+' | b' '));
            let precision = precision.and_then(|precision| usize::try_from(precision).ok());
            match precision {
                Some(precision) if !signed => format.precision = Some(precision),
                _ => return wrong(format!("invalid precision in format {}", shown())),
            }
            at += length;
        }
        if byte(at) != Some(b'f') {
            return wrong(format!("invalid format {}, directive must be %[0]['][-][N][.][N]f", shown()));
        }
        at += 1;
        while let Some(next) = byte(at) {
            if next == b'%' {
                if byte(at + 1) != Some(b'%') {
                    return wrong(format!("format {} has too many % directives", shown()));
                }
                format.after.push(b'%');
                at += 1;
            }
            format.after.push(next);
            at += 1;
        }
        // Only one of each pair is written, but only before the number.
        format.before = format.before.replace("%%", "%").into();
        Ok(format)
    }
}

/// A number with an optional sign at the start of the text (0 if there is none; `None`: too large), and its length.
fn number(text: &[u8]) -> (Option<i64>, usize) {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text.iter().skip(sign).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return (Some(0), 0);
    }
    let value =
        text.get(..sign + digits).and_then(|text| text.to_str().ok()).and_then(|text| text.parse().ok());
    (value, sign + digits)
}
