//! Scripts for `ed` as `diff -e` writes them: `a`, `c`, `d`, `i`, and `s/.//`, which takes the dot off a line.

use bstr::{BString, ByteSlice};

/// A command with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    /// First and last line; `None`: the one where the last command ended. `usize::MAX` is the last of the file.
    range: Option<(usize, usize)>,
    letter: u8,
    text: Vec<BString>,
}

fn number(text: &[u8]) -> Option<(usize, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"$") {
        return Some((usize::MAX, rest));
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(digits);
    Some((digits.to_str().ok()?.parse().ok()?, rest))
}

/// A command of a script: its lines, its letter, and whether text follows.
pub(super) fn command(line: &[u8]) -> Option<Edit> {
    let (range, rest) = match number(line) {
        None => (None, line),
        Some((first, rest)) => match rest.strip_prefix(b",") {
            None => (Some((first, first)), rest),
            Some(rest) => {
                let (last, rest) = number(rest)?;
                (Some((first, last)), rest)
            }
        },
    };
    match rest {
        [letter @ (b'a' | b'c' | b'd' | b'i')] => Some(Edit { range, letter: *letter, text: Vec::new() }),
        b"s/.//" => Some(Edit { range, letter: b's', text: Vec::new() }),
        _ => None,
    }
}

impl Edit {
    /// Whether lines of text follow it, up to one with a dot alone.
    pub(super) fn takes_text(&self) -> bool {
        matches!(self.letter, b'a' | b'c' | b'i')
    }

    pub(super) fn push(&mut self, line: BString) {
        self.text.push(line);
    }
}

/// There is no such line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoLine;

/// What a script makes of the lines of a file, which have no newlines here.
pub(super) fn apply(lines: &mut Vec<BString>, script: &[Edit]) -> Result<(), NoLine> {
    // The current line, counted from 1.
    let mut current = lines.len();
    for edit in script {
        let count = lines.len();
        let place = |line: usize| if line == usize::MAX { count } else { line };
        let (first, last) =
            edit.range.map_or((current, current), |(first, last)| (place(first), place(last)));
        let least = usize::from(!matches!(edit.letter, b'a' | b'i'));
        if first < least || last < first || last > count {
            return Err(NoLine);
        }
        // Where the text goes, and how many lines it takes the place of.
        let (at, gone) = match edit.letter {
            b'a' => (last, 0),
            b'i' => (last.saturating_sub(1), 0),
            b's' => {
                let line = lines.get_mut(last - 1).filter(|line| !line.is_empty()).ok_or(NoLine)?;
                let first = line.chars().next().map_or(1, char::len_utf8).min(line.len());
                line.drain(..first);
                current = last;
                continue;
            }
            _ => (first - 1, last + 1 - first),
        };
        lines.splice(at..at + gone, edit.text.iter().cloned());
        current = match edit.text.len() {
            0 if edit.letter == b'd' => (at + 1).min(lines.len()),
            added => at + added,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(lines: &str, script: &str) -> Result<String, NoLine> {
        let mut all: Vec<BString> = lines.split_whitespace().map(BString::from).collect();
        let mut edits = Vec::new();
        let mut rest = script.split(' ');
        while let Some(line) = rest.next() {
            let mut edit = command(line.as_bytes()).unwrap();
            if edit.takes_text() {
                rest.by_ref().take_while(|line| *line != ".").for_each(|line| edit.push(line.into()));
            }
            edits.push(edit);
        }
        apply(&mut all, &edits)?;
        Ok(bstr::join(" ", &all).to_str().unwrap().into())
    }

    #[test]
    fn commands_work_on_lines() {
        assert_eq!(run("1 2 3 4", "3,4c x y . 1d").unwrap(), "2 x y");
        assert_eq!(run("1 2", "2a .. . s/.// a z .").unwrap(), "1 2 . z");
        assert_eq!(run("1 2", "0a top . $d").unwrap(), "top 1");
        assert_eq!(run("1 2", "3d"), Err(NoLine));
        assert_eq!(run("1 2", "0d"), Err(NoLine));
        assert_eq!(run("", "0a x ."), Ok("x".into()));
    }
}
