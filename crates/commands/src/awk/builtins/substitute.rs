//! `sub`, `gsub` and `gensub`.

use wasmsh_regex::{Captures, Regex};

use super::super::code::Target;
use super::super::machine::{Machine, Step, fatal};
use super::super::value::{Text, Value};

impl Machine<'_> {
    /// Replaces matches; `replace` writes what takes the place of one, and says whether it did and whether to go on.
    fn replace_all(
        &self,
        regex: &Regex,
        subject: &[u8],
        captures: bool,
        mut replace: impl FnMut(&Captures, &mut Vec<u8>) -> (bool, bool),
    ) -> Step<Option<Vec<u8>>> {
        let mut out = Vec::new();
        let (mut copied, mut from) = (0, 0);
        let mut changed = false;
        let mut previous_end = None;
        let mut one: Captures = vec![None];
        while from <= subject.len() {
            if captures {
                match self.find(regex, subject, from)? {
                    Some(found) => one = found,
                    None => break,
                }
            } else {
                match regex.find_at(subject, from).or_else(|error| fatal(error.to_string()))? {
                    Some(span) => one[0] = Some(span),
                    None => break,
                }
            }
            let Some(whole) = one.first().copied().flatten() else { break };
            let is_empty = whole.start == whole.end;
            if !(is_empty && previous_end == Some(whole.start)) {
                let before = out.len();
                out.extend_from_slice(subject.get(copied..whole.start).unwrap_or_default());
                let (replaced, go_on) = replace(&one, &mut out);
                if replaced {
                    changed = true;
                    copied = whole.end;
                } else {
                    out.truncate(before);
                }
                if !go_on {
                    break;
                }
            }
            previous_end = Some(whole.end);
            from = whole.end;
            if is_empty {
                let rest = subject.get(from..).unwrap_or_default();
                from += if self.utf8 { bstr::decode_utf8(rest).1.max(1) } else { 1 };
            }
            self.check_size(out.len())?;
        }
        if !changed {
            return Ok(None);
        }
        out.extend_from_slice(subject.get(copied..).unwrap_or_default());
        self.check_size(out.len())?;
        Ok(Some(out))
    }

    /// pattern, text, target → count
    pub(in super::super) fn substitute(&mut self, global: bool, target: Target) -> Step<()> {
        let subject = self.target_value(target)?;
        let was_regex = matches!(subject, Value::Regex(_));
        let subject = subject.to_text(&self.convfmt);
        // Pattern and text lie below what leads to the target.
        let depth = target.depth();
        let (replacement, pattern) = self.below(depth);
        let replacement = replacement.to_text(&self.convfmt);
        let regex = self.dynamic(&pattern)?;
        let plain = memchr::memchr2(b'&', b'\\', &replacement).is_none();
        let posix = self.modes.posix;
        let mut count = 0_u64;
        let result = self.replace_all(&regex, &subject, false, |found, out| {
            count += 1;
            if plain {
                out.extend_from_slice(&replacement);
            } else {
                let whole = found.first().copied().flatten();
                expand(&replacement, whole.map_or(&[][..], |span| span.of(&subject)), posix, out);
            }
            (true, global)
        })?;
        match result {
            Some(text) => {
                let text: Text = text.into();
                self.assign_target(target, if was_regex { Value::Regex(text) } else { Value::Text(text) })?;
            }
            None => self.drop_target(target),
        }
        self.push(Value::Number(count as f64));
        Ok(())
    }

    /// pattern, text, how[, target] → new text
    pub(super) async fn gensub(&mut self, count: usize) -> Step<Value> {
        let subject = if count > 3 { self.pop() } else { self.whole() };
        let subject = subject.to_text(&self.convfmt);
        let how = self.pop();
        let replacement = self.pop_text();
        let pattern = self.pop();
        let how_text = how.to_text(&self.convfmt);
        let all = matches!(how_text.first(), Some(b'g' | b'G'));
        let number = self.number(&how);
        if !all && number < 1.0 {
            let shown = bstr::BStr::new(&how_text[..]);
            self.warn(format!("gensub: third argument `{shown}' treated as 1")).await?;
        }
        let wanted = if all { 1 } else { number.max(1.0) as u64 };
        let regex = self.dynamic(&pattern)?;
        let mut number = 0;
        let result = self.replace_all(&regex, &subject, true, |found, out| {
            number += 1;
            if number < wanted {
                return (false, true);
            }
            let group =
                |index: usize| found.get(index).copied().flatten().map_or(&[][..], |span| span.of(&subject));
            let mut rest = &replacement[..];
            while let Some((&byte, next)) = rest.split_first() {
                rest = next;
                match (byte, rest.first()) {
                    (b'&', _) => out.extend_from_slice(group(0)),
                    (b'\\', Some(digit @ b'0'..=b'9')) => {
                        out.extend_from_slice(group(usize::from(digit - b'0')));
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    (b'\\', Some(escaped)) => {
                        out.push(*escaped);
                        rest = rest.get(1..).unwrap_or_default();
                    }
                    _ => out.push(byte),
                }
            }
            (true, all)
        })?;
        Ok(Value::Text(result.map_or(subject, Into::into)))
    }
}

/// The replacement of `sub`: `&` is the match; of backslashes before it each pair is one, and an odd one makes it an
/// ampersand. Other backslashes stay, but POSIX has each pair be one.
fn expand(replacement: &[u8], matched: &[u8], posix: bool, out: &mut Vec<u8>) {
    let mut rest = replacement;
    while let Some((&byte, next)) = rest.split_first() {
        match byte {
            b'&' => {
                out.extend_from_slice(matched);
                rest = next;
            }
            b'\\' => {
                let count = rest.iter().take_while(|byte| **byte == b'\\').count();
                let behind = rest.get(count..).unwrap_or_default();
                if behind.first() == Some(&b'&') {
                    out.resize(out.len() + count / 2, b'\\');
                    if count % 2 == 1 {
                        out.push(b'&');
                        rest = behind.get(1..).unwrap_or_default();
                    } else {
                        rest = behind;
                    }
                } else {
                    let kept = if posix { count.div_ceil(2) } else { count };
                    out.resize(out.len() + kept, b'\\');
                    rest = behind;
                }
            }
            _ => {
                out.push(byte);
                rest = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backslashes_before_an_ampersand() {
        for (count, expected) in [(0, "B"), (1, "&"), (2, r"\B"), (3, r"\&"), (4, r"\\B"), (5, r"\\&")] {
            let mut out = Vec::new();
            expand(format!("{}&", r"\".repeat(count)).as_bytes(), b"B", false, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
