//! Perl's regular expressions for `grep -P` and `rg -P`, on `fancy-regex`: what PCRE writes differently is rewritten.

use fancy_regex::{Regex, RegexBuilder};

/// A pattern of Perl.
pub(crate) struct Perl {
    regex: Regex,
}

/// How it matches.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PerlOptions {
    pub(crate) ignore_case: bool,
    pub(crate) words: bool,
    pub(crate) lines: bool,
    /// `\d`, `\w`, `\s`, `\b` know letters and digits beyond ASCII.
    pub(crate) unicode_classes: bool,
    /// `^` and `$` match at every line.
    pub(crate) multiline: bool,
    /// A dot matches a newline.
    pub(crate) dot_all: bool,
}

type Spans = Vec<Option<(usize, usize)>>;

impl Perl {
    pub(crate) fn new(pattern: &[u8], options: PerlOptions) -> Result<Perl, String> {
        let text = std::str::from_utf8(pattern).map_err(|_| "UTF-8 error: pattern is not valid UTF-8")?;
        let mut text = rewrite(text, options.unicode_classes);
        if options.lines {
            text = format!("^(?:{text})$");
        } else if options.words {
            text = if options.unicode_classes {
                format!("(?<!\\w)(?:{text})(?!\\w)")
            } else {
                format!("(?<![0-9A-Za-z_])(?:{text})(?![0-9A-Za-z_])")
            };
        }
        let mut flags = String::new();
        if options.multiline {
            flags.push('m');
        }
        if options.dot_all {
            flags.push('s');
        }
        if !flags.is_empty() {
            text = format!("(?{flags}){text}");
        }
        let regex = RegexBuilder::new(&text)
            .case_insensitive(options.ignore_case)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Perl { regex })
    }

    /// The first match from `from` on. Only text matches: a byte that is none ends it.
    pub(crate) fn find(&self, haystack: &[u8], from: usize) -> Result<Option<(usize, usize)>, String> {
        let mut from = from;
        loop {
            let (text, base) = text_at(haystack, from);
            let within = from - base;
            if !text.is_char_boundary(within) {
                from += 1;
                continue;
            }
            match self.regex.find_from_pos(text, within) {
                Ok(Some(found)) => return Ok(Some((base + found.start(), base + found.end()))),
                Ok(None) if base + text.len() < haystack.len() => from = base + text.len() + 1,
                Ok(None) => return Ok(None),
                Err(error) => return Err(format!("exceeded PCRE's backtracking limit: {error}")),
            }
        }
    }

    /// As [`Perl::find`], with the groups.
    pub(crate) fn captures(&self, haystack: &[u8], from: usize) -> Result<Option<Spans>, String> {
        let Some((start, _)) = self.find(haystack, from)? else { return Ok(None) };
        let (text, base) = text_at(haystack, start);
        let captures = self
            .regex
            .captures_from_pos(text, start - base)
            .map_err(|error| format!("exceeded PCRE's backtracking limit: {error}"))?;
        Ok(captures.map(|captures| {
            (0..captures.len())
                .map(|group| captures.get(group).map(|span| (base + span.start(), base + span.end())))
                .collect()
        }))
    }

    /// The number of a group that has a name.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|other| other == Some(name))
    }
}

/// The stretch of valid text around `from`, and where it begins.
fn text_at(haystack: &[u8], from: usize) -> (&str, usize) {
    let mut base = 0;
    loop {
        let rest = haystack.get(base..).unwrap_or_default();
        match std::str::from_utf8(rest) {
            Ok(text) => return (text, base),
            Err(error) => {
                let valid = error.valid_up_to();
                if from <= base + valid {
                    let text = rest.get(..valid).unwrap_or_default();
                    return (std::str::from_utf8(text).unwrap_or_default(), base);
                }
                base += valid + error.error_len().unwrap_or(rest.len() - valid).max(1);
            }
        }
        if base > from {
            return ("", from);
        }
    }
}

/// Writes what PCRE has and `fancy-regex` has not in other words: `\Q…\E`, `\h`, `\R`, `\N`, and classes that are ASCII.
fn rewrite(pattern: &str, unicode_classes: bool) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    let mut class_begins = false;
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let began = std::mem::replace(&mut class_begins, false);
        match character {
            '\\' => {
                let Some(letter) = after.chars().next() else {
                    out.push('\\');
                    break;
                };
                let behind = after.get(letter.len_utf8()..).unwrap_or_default();
                rest = behind;
                let class = |inside: &str| if in_class { inside.to_owned() } else { format!("[{inside}]") };
                match letter {
                    'Q' => {
                        let (quoted, behind) = match behind.split_once("\\E") {
                            Some((quoted, behind)) => (quoted, behind),
                            None => (behind, ""),
                        };
                        for character in quoted.chars() {
                            if !character.is_alphanumeric() && character.is_ascii() {
                                out.push('\\');
                            }
                            out.push(character);
                        }
                        rest = behind;
                        continue;
                    }
                    'E' => continue,
                    'h' => out.push_str(&class("\\x20\\t\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000")),
                    'H' if !in_class => {
                        out.push_str("[^\\x20\\t\\u00a0\\u1680\\u2000-\\u200a\\u202f\\u205f\\u3000]");
                    }
                    'V' if !in_class => out.push_str("[^\\n\\x0b\\x0c\\r\\u0085\\u2028\\u2029]"),
                    'v' => out.push_str(&class("\\n\\x0b\\x0c\\r\\u0085\\u2028\\u2029")),
                    'R' if !in_class => out.push_str("(?:\\r\\n|[\\n\\x0b\\x0c\\r\\u0085\\u2028\\u2029])"),
                    'N' if !in_class => out.push_str("[^\\n]"),
                    'd' if !unicode_classes => out.push_str(&class("0-9")),
                    'w' if !unicode_classes => out.push_str(&class("0-9A-Za-z_")),
                    's' if !unicode_classes => out.push_str(&class("\\t\\n\\x0b\\x0c\\r\\x20")),
                    'D' if !unicode_classes && !in_class => out.push_str("[^0-9]"),
                    'W' if !unicode_classes && !in_class => out.push_str("[^0-9A-Za-z_]"),
                    'S' if !unicode_classes && !in_class => out.push_str("[^\\t\\n\\x0b\\x0c\\r\\x20]"),
                    'e' => out.push_str("\\x1b"),
                    'o' if behind.starts_with('{') => {
                        let (digits, tail) = behind.split_once('}').unwrap_or((behind, ""));
                        let value =
                            u32::from_str_radix(digits.trim_start_matches('{'), 8).unwrap_or_default();
                        out.push_str(&format!("\\x{{{value:x}}}"));
                        rest = tail;
                    }
                    '0' => {
                        let count =
                            behind.bytes().take(2).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
                        let (digits, tail) = behind.split_at(count);
                        let value = u32::from_str_radix(digits, 8).unwrap_or_default();
                        out.push_str(&format!("\\x{{{value:x}}}"));
                        rest = tail;
                    }
                    _ => {
                        out.push('\\');
                        out.push(letter);
                    }
                }
                continue;
            }
            '[' if !in_class => {
                in_class = true;
                class_begins = true;
                out.push('[');
                let negated = after.strip_prefix('^');
                rest = negated.unwrap_or(after);
                if negated.is_some() {
                    out.push('^');
                }
                continue;
            }
            ']' if in_class && began => out.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '[' if after.starts_with(':') && after.contains(":]") => {
                let end = after.find(":]").map_or(after.len(), |end| end + 2);
                out.push('[');
                out.push_str(after.get(..end).unwrap_or_default());
                rest = after.get(end..).unwrap_or_default();
                continue;
            }
            // Sets within sets, and their operators, are no matter of Perl.
            '[' if in_class => out.push_str("\\["),
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(pattern: &str, text: &str) -> Option<(usize, usize)> {
        Perl::new(pattern.as_bytes(), PerlOptions::default()).unwrap().find(text.as_bytes(), 0).unwrap()
    }

    #[test]
    fn what_is_written_otherwise() {
        assert_eq!(find(r"\Qa.b\E+", "xa.bb"), Some((1, 5)));
        assert_eq!(find(r"\Qa.b", "a.b"), Some((0, 3)));
        assert_eq!(find(r"x\Ky", "xy"), Some((1, 2)));
        assert_eq!(find(r"\d", "٣"), None);
        assert_eq!(find(r"[]a]+", "x]a"), Some((1, 3)));
        assert_eq!(find(r"[^]a]", "]ax"), Some((2, 3)));
        assert_eq!(find(r"[[:digit:]&&x]+", "a&&1"), Some((1, 4)));
        assert_eq!(find(r"\h+", "a\t b"), Some((1, 3)));
        assert_eq!(find(r"[\w.]+@", " a.b@"), Some((1, 5)));
    }

    #[test]
    fn what_is_no_text_is_left_out() {
        let perl = Perl::new(b"b", PerlOptions::default()).unwrap();
        assert_eq!(perl.find(b"a\xffb", 0).unwrap(), Some((2, 3)));
        assert_eq!(perl.find(b"a\xffb\xff", 3).unwrap(), None);
    }
}
