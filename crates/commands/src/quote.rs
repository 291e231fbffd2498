//! How names and arguments are shown in messages and listings, as gnulib's `quotearg` does it.

use std::fmt::Write;

use bstr::ByteSlice;
use unicode_width::UnicodeWidthChar;

/// In the quotation marks of the locale: ‘x’ where text is UTF-8, 'x' elsewhere; unprintable characters escaped as in C.
pub(crate) fn quote(text: &[u8], utf8: bool) -> String {
    let (open, close) = if utf8 { ("‘", "’") } else { ("'", "'") };
    let mut result = String::from(open);
    escape_c(text, utf8, close, &mut result);
    result.push_str(close);
    result
}

fn escape_c(text: &[u8], utf8: bool, close: &str, result: &mut String) {
    for (start, end, character) in text.char_indices() {
        let bytes = text.get(start..end).unwrap_or_default();
        let valid = std::str::from_utf8(bytes).is_ok();
        match character {
            '\\' => result.push_str("\\\\"),
            '\'' if close == "'" => result.push_str("\\'"),
            '\u{2019}' if close == "’" && valid => result.push_str("\\’"),
            '\x07' => result.push_str("\\a"),
            '\x08' => result.push_str("\\b"),
            '\x0c' => result.push_str("\\f"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\x0b' => result.push_str("\\v"),
            _ if is_printable(character, valid, utf8) => result.push(character),
            _ => {
                for byte in bytes {
                    let _ = write!(result, "\\{byte:03o}");
                }
            }
        }
    }
}

fn is_printable(character: char, valid: bool, utf8: bool) -> bool {
    valid && (character.is_ascii() || utf8) && !character.is_control() && character.width().is_some()
}

/// A file's name in a message: as it is when a shell would read it back so, otherwise quoted for the shell.
pub(crate) fn quote_name(name: &[u8]) -> String {
    shell_escape(name, false, true)
}

/// A file's name in a message that always has quotation marks.
pub(crate) fn quote_always(name: &[u8]) -> String {
    shell_escape(name, true, false)
}

/// Quoted for a shell (gnulib's `shell-escape` styles): `always`, or only where needed; `colon`: a colon needs it too.
pub(crate) fn shell_escape(name: &[u8], always: bool, colon: bool) -> String {
    let mut needs = name.is_empty() || always;
    let mut single_quotes = false;
    let mut other = false;
    let mut escapes = false;
    for (index, (start, end, character)) in name.char_indices().enumerate() {
        let valid = name.get(start..end).is_some_and(|bytes| std::str::from_utf8(bytes).is_ok());
        match character {
            '\'' => {
                single_quotes = true;
                needs = true;
            }
            '"' | '$' | '`' | '\\' | '!' => {
                other = true;
                needs = true;
            }
            ' ' | '&' | '(' | ')' | '*' | ';' | '<' | '=' | '>' | '[' | '|' | '^' | '?' => needs = true,
            '~' | '#' if index == 0 => needs = true,
            '{' | '}' if name.len() == 1 => needs = true,
            ':' if colon => needs = true,
            _ if !is_printable(character, valid, true) => {
                needs = true;
                escapes = true;
            }
            _ => {}
        }
    }
    if !needs {
        return name.to_str_lossy().into_owned();
    }
    if single_quotes && !other && !escapes {
        return format!("\"{}\"", name.to_str_lossy());
    }
    let mut result = String::from("'");
    // Inside `$'…'`.
    let mut escaping = false;
    for (start, end, character) in name.char_indices() {
        let bytes = name.get(start..end).unwrap_or_default();
        let valid = std::str::from_utf8(bytes).is_ok();
        if is_printable(character, valid, true) {
            if escaping {
                result.push_str("''");
                escaping = false;
            }
            if character == '\'' {
                result.push_str("'\\''");
            } else {
                result.push(character);
            }
            continue;
        }
        if !escaping {
            result.push_str("'$'");
            escaping = true;
        }
        match character {
            '\x07' => result.push_str("\\a"),
            '\x08' => result.push_str("\\b"),
            '\x0c' => result.push_str("\\f"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            '\x0b' => result.push_str("\\v"),
            _ => {
                for byte in bytes {
                    let _ = write!(result, "\\{byte:03o}");
                }
            }
        }
    }
    result.push('\'');
    // A name that begins with an escape has no empty string before it, as gnulib writes it: ''$'\n'.
    result
}

/// With the escapes of C, between `mark`s if there is one; without one blanks are escaped too.
pub(crate) fn c_style(text: &[u8], mark: Option<char>) -> String {
    let mut result = String::new();
    result.extend(mark);
    let mut inner = String::new();
    escape_c(text, true, "", &mut inner);
    match mark {
        Some(mark) => result.push_str(&inner.replace(mark, &format!("\\{mark}"))),
        None => result.push_str(&inner.replace(' ', "\\ ")),
    }
    result.extend(mark);
    result
}
