//! `--transform`: names changed by expressions of sed, on `wasmsh-regex`; and the parts of names that tar leaves out.

use bstr::{BString, ByteSlice};
use wasmsh_regex::{Regex, Syntax};

/// A `s/regex/replacement/flags` of `--transform`.
pub(super) struct Substitution {
    regex: Regex,
    replacement: Vec<Piece>,
    global: bool,
    /// Which match is the first to be replaced.
    number: usize,
    /// Which names it applies to: those of files, of hard links' targets, of symbolic links' targets.
    files: bool,
    hard_links: bool,
    symbolic_links: bool,
}

enum Piece {
    Text(Vec<u8>),
    Group(usize),
    /// `\L`, `\U`, `\l`, `\u`, `\E`.
    Case(u8),
}

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    File,
    HardLink,
    SymbolicLink,
}

/// Reads the argument of `--transform`: expressions separated by semicolons.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Substitution>, String> {
    let mut all = Vec::new();
    let mut rest = text;
    let (mut files, mut hard_links, mut symbolic_links) = (true, true, true);
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix(b"flags=") {
            let end = after.find_byte(b';').unwrap_or(after.len());
            for flag in after.get(..end).unwrap_or_default() {
                set_scope(*flag, &mut files, &mut hard_links, &mut symbolic_links);
            }
            rest = after.get(end + 1..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(all);
            }
            continue;
        }
        let Some(after) = rest.strip_prefix(b"s") else { return Err("Invalid transform expression".into()) };
        let Some((&delimiter, after)) = after.split_first() else {
            return Err("Invalid transform expression".into());
        };
        let Some((pattern, after)) = part(after, delimiter) else {
            return Err("Invalid transform expression".into());
        };
        let Some((replacement, after)) = part(after, delimiter) else {
            return Err("Invalid transform expression".into());
        };
        let mut syntax = Syntax::BASIC;
        let (mut global, mut number) = (false, 1);
        let mut scope = (files, hard_links, symbolic_links);
        let mut flags = after;
        while let Some((&flag, after)) = flags.split_first() {
            match flag {
                b';' => break,
                b'g' => global = true,
                b'i' => syntax.ignore_case = true,
                b'x' => syntax.extended = true,
                b'0'..=b'9' => {
                    let count = flags.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let digits = flags.get(..count).unwrap_or_default();
                    number = digits.to_str().ok().and_then(|digits| digits.parse().ok()).unwrap_or(1);
                    flags = flags.get(count..).unwrap_or_default();
                    continue;
                }
                b'r' | b'R' | b's' | b'S' | b'h' | b'H' => {
                    set_scope(flag, &mut scope.0, &mut scope.1, &mut scope.2);
                }
                _ => return Err("Unknown flag in transform expression".into()),
            }
            flags = after;
        }
        let regex = Regex::new(&pattern, &syntax)
            .map_err(|error| format!("Invalid transform expression: {error}"))?;
        all.push(Substitution {
            regex,
            replacement: pieces(&replacement),
            global,
            number,
            files: scope.0,
            hard_links: scope.1,
            symbolic_links: scope.2,
        });
        rest = flags.strip_prefix(b";").unwrap_or_default();
        if rest.is_empty() {
            return Ok(all);
        }
    }
}

fn set_scope(flag: u8, files: &mut bool, hard_links: &mut bool, symbolic_links: &mut bool) {
    match flag {
        b'r' => *files = true,
        b'R' => *files = false,
        b'h' => *hard_links = true,
        b'H' => *hard_links = false,
        b's' => *symbolic_links = true,
        b'S' => *symbolic_links = false,
        _ => {}
    }
}

/// Up to the delimiter, which a backslash makes ordinary.
fn part(text: &[u8], delimiter: u8) -> Option<(Vec<u8>, &[u8])> {
    let mut part = Vec::new();
    let mut rest = text;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        if byte == delimiter {
            return Some((part, rest));
        }
        if byte == b'\\'
            && let Some((&next, after)) = rest.split_first()
        {
            if next != delimiter {
                part.push(b'\\');
            }
            part.push(next);
            rest = after;
        } else {
            part.push(byte);
        }
    }
}

fn pieces(text: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let piece = match byte {
            b'&' => Piece::Group(0),
            b'\\' => match bytes.next() {
                Some(digit @ b'0'..=b'9') => Piece::Group(usize::from(digit - b'0')),
                Some(case @ (b'L' | b'U' | b'l' | b'u' | b'E')) => Piece::Case(case),
                Some(b'n') => {
                    literal.push(b'\n');
                    continue;
                }
                Some(b't') => {
                    literal.push(b'\t');
                    continue;
                }
                Some(other) => {
                    literal.push(other);
                    continue;
                }
                None => continue,
            },
            _ => {
                literal.push(byte);
                continue;
            }
        };
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(piece);
    }
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    pieces
}

/// The name after all substitutions.
pub(super) fn apply(all: &[Substitution], name: &[u8], role: Role) -> BString {
    let mut name = BString::from(name);
    for substitution in all {
        let wanted = match role {
            Role::File => substitution.files,
            Role::HardLink => substitution.hard_links,
            Role::SymbolicLink => substitution.symbolic_links,
        };
        if wanted {
            name = substitution.replace(&name);
        }
    }
    name
}

impl Substitution {
    fn replace(&self, name: &[u8]) -> BString {
        let mut out = Vec::new();
        let (mut from, mut copied, mut count) = (0, 0, 0);
        while from <= name.len() {
            // A pattern that takes too long matches nothing.
            let Ok(Some(captures)) = self.regex.captures_at(name, from) else { break };
            let Some(found) = captures.first().copied().flatten() else { break };
            count += 1;
            if count >= self.number {
                out.extend_from_slice(name.get(copied..found.start).unwrap_or_default());
                let (mut all, mut one) = (b'E', b'E');
                for piece in &self.replacement {
                    let text = match piece {
                        Piece::Text(text) => &text[..],
                        Piece::Group(group) => captures
                            .get(*group)
                            .copied()
                            .flatten()
                            .and_then(|span| name.get(span.start..span.end))
                            .unwrap_or_default(),
                        Piece::Case(case @ (b'l' | b'u')) => {
                            one = *case;
                            continue;
                        }
                        Piece::Case(case) => {
                            all = *case;
                            continue;
                        }
                    };
                    let start = out.len();
                    out.extend_from_slice(text);
                    let new = out.get_mut(start..).unwrap_or_default();
                    match all {
                        b'L' => new.make_ascii_lowercase(),
                        b'U' => new.make_ascii_uppercase(),
                        _ => {}
                    }
                    if let Some(first) = new.first_mut() {
                        match one {
                            b'l' => first.make_ascii_lowercase(),
                            b'u' => first.make_ascii_uppercase(),
                            _ => {}
                        }
                        one = b'E';
                    }
                }
                copied = found.end;
                if !self.global {
                    break;
                }
            }
            from = if found.end == found.start { found.end + 1 } else { found.end };
        }
        out.extend_from_slice(name.get(copied..).unwrap_or_default());
        out.into()
    }
}

/// What must not be at the beginning of a name, and the rest: slashes, and all up to the last `..`.
pub(super) fn unsafe_prefix(name: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    let mut at = 0;
    while at <= name.len() {
        let rest = name.get(at..).unwrap_or_default();
        let length = rest.find_byte(b'/').unwrap_or(rest.len());
        if rest.get(..length) == Some(b"..") {
            end = at + 2;
        }
        at += length + 1;
    }
    while name.get(end) == Some(&b'/') {
        end += 1;
    }
    name.split_at(end.min(name.len()))
}

/// The name without its first parts. `None`: nothing is left.
pub(super) fn strip_components(name: &[u8], count: usize) -> Option<&[u8]> {
    let mut rest = name;
    for _ in 0..count {
        rest = rest.trim_start_with(|letter| letter == '/');
        let slash = rest.find_byte(b'/')?;
        rest = rest.get(slash..)?.trim_start_with(|letter| letter == '/');
    }
    if count > 0 && rest.is_empty() { None } else { Some(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transformed(expression: &str, name: &str) -> String {
        apply(&parse(expression.as_bytes()).unwrap(), name.as_bytes(), Role::File).to_string()
    }

    #[test]
    fn expressions_are_those_of_sed() {
        assert_eq!(transformed("s/a/b/", "aa"), "ba");
        assert_eq!(transformed("s,a,b,g;s/^/x\\//", "aa"), "x/bb");
        assert_eq!(transformed("s/\\(.*\\)\\.c/\\U\\1\\E.x/", "foo.c"), "FOO.x");
        assert_eq!(transformed("s/(a+)/<&>/x2", "aabaa"), "aab<aa>");
        assert!(parse(b"y/a/b/").is_err());
        assert!(parse(b"s/a/b").is_err());
    }

    #[test]
    fn names_lose_what_leads_out() {
        assert_eq!(unsafe_prefix(b"/a/b"), (&b"/"[..], &b"a/b"[..]));
        assert_eq!(unsafe_prefix(b"a/../../b"), (&b"a/../../"[..], &b"b"[..]));
        assert_eq!(unsafe_prefix(b"a/..b"), (&b""[..], &b"a/..b"[..]));
        assert_eq!(strip_components(b"a/b/c", 2), Some(&b"c"[..]));
        assert_eq!(strip_components(b"a/b/", 2), None);
    }
}
