//! Patches as text: unified, context and normal hunks, the headers before them, and those of git.

use bstr::{BString, ByteSlice};

use super::ed::{self, Edit};
use crate::diff::text::Text;

/// The form of a patch's hunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Unified,
    Context,
    Normal,
    Ed,
    /// A header of git alone: a file is renamed, copied, or gets another mode.
    Header,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Same,
    Delete,
    Insert,
}

/// A hunk. Line numbers count from 1; of no lines the line before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hunk {
    pub(super) old_start: usize,
    pub(super) new_start: usize,
    /// In the order of a unified diff; lines end with a newline unless the file does not.
    pub(super) lines: Vec<(Mark, BString)>,
    /// What stands behind `@@` or the asterisks.
    pub(super) function: BString,
}

impl Hunk {
    pub(super) fn old_lines(&self) -> impl Iterator<Item = &BString> {
        self.lines.iter().filter(|(mark, _)| *mark != Mark::Insert).map(|(_, line)| line)
    }

    pub(super) fn new_lines(&self) -> impl Iterator<Item = &BString> {
        self.lines.iter().filter(|(mark, _)| *mark != Mark::Delete).map(|(_, line)| line)
    }

    pub(super) fn old_count(&self) -> usize {
        self.old_lines().count()
    }

    pub(super) fn new_count(&self) -> usize {
        self.new_lines().count()
    }

    /// Lines of context at the beginning and at the end.
    pub(super) fn context(&self) -> (usize, usize) {
        let same = |(mark, _): &&(Mark, BString)| *mark == Mark::Same;
        (self.lines.iter().take_while(same).count(), self.lines.iter().rev().take_while(same).count())
    }

    /// The other way round.
    pub(super) fn reverse(&mut self) {
        std::mem::swap(&mut self.old_start, &mut self.new_start);
        for (mark, _) in &mut self.lines {
            *mark = match mark {
                Mark::Same => Mark::Same,
                Mark::Delete => Mark::Insert,
                Mark::Insert => Mark::Delete,
            };
        }
        // Deletions stand before insertions.
        let mut at = 0;
        while at < self.lines.len() {
            let count = self.lines.iter().skip(at).take_while(|(mark, _)| *mark != Mark::Same).count();
            if let Some(part) = self.lines.get_mut(at..at + count) {
                part.sort_by_key(|(mark, _)| *mark == Mark::Insert);
            }
            at += count.max(1);
        }
    }
}

/// A name in a header, with what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Heading {
    pub(super) name: BString,
    /// The line as it is, without its mark.
    pub(super) text: BString,
    /// The time is the epoch: the file did not exist.
    pub(super) epoch: bool,
    /// The time as it is written, empty if there is none.
    pub(super) time: BString,
}

/// What git says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Git {
    pub(super) old: BString,
    pub(super) new: BString,
    pub(super) rename: bool,
    pub(super) copy: bool,
    pub(super) from: Option<BString>,
    pub(super) to: Option<BString>,
    pub(super) new_mode: Option<u32>,
    pub(super) created: bool,
    pub(super) deleted: bool,
    pub(super) binary: bool,
}

/// The changes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePatch {
    pub(super) form: Form,
    pub(super) old: Option<Heading>,
    pub(super) new: Option<Heading>,
    pub(super) index: Option<BString>,
    pub(super) git: Option<Git>,
    pub(super) hunks: Vec<Hunk>,
    /// Commands, in the form for `ed`.
    pub(super) script: Vec<Edit>,
    /// The lines before the hunks, and the number of the first hunk's line.
    pub(super) leading: Vec<BString>,
    pub(super) line: usize,
}

impl FilePatch {
    /// The other way round.
    pub(super) fn reverse(&mut self) {
        std::mem::swap(&mut self.old, &mut self.new);
        if let Some(git) = &mut self.git {
            std::mem::swap(&mut git.old, &mut git.new);
            std::mem::swap(&mut git.from, &mut git.to);
            std::mem::swap(&mut git.created, &mut git.deleted);
            git.new_mode = None;
        }
        self.hunks.iter_mut().for_each(Hunk::reverse);
    }
}

/// What is wrong with a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Malformed {
    /// At this line, with its text.
    At(usize, BString),
    End,
}

/// Reads a patch.
pub(super) struct Parser<'a> {
    text: &'a Text,
    at: usize,
}

fn line_body(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// Reads `3` or `3,5`: start, and count or end. What follows is returned too.
fn range(text: &[u8]) -> Option<(usize, Option<usize>, &[u8])> {
    let number = |text: &[u8]| -> Option<(usize, usize)> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        Some((text.get(..count)?.to_str().ok()?.parse().ok()?, count))
    };
    let (first, used) = number(text)?;
    let rest = text.get(used..)?;
    match rest.strip_prefix(b",") {
        Some(after) => {
            let (second, used) = number(after)?;
            Some((first, Some(second), after.get(used..)?))
        }
        None => Some((first, None, rest)),
    }
}

/// `-1,3 +1,4 @@ function`.
fn unified_heading(line: &[u8]) -> Option<(usize, usize, usize, usize, &[u8])> {
    let rest = line.strip_prefix(b"@@ -")?;
    let (old_start, old_count, rest) = range(rest)?;
    let (new_start, new_count, rest) = range(rest.strip_prefix(b" +")?)?;
    let rest = rest.strip_prefix(b" @@")?;
    Some((old_start, old_count.unwrap_or(1), new_start, new_count.unwrap_or(1), rest))
}

/// `1,3c1,4`: the two ranges and the letter.
fn normal_heading(line: &[u8]) -> Option<(usize, usize, u8, usize, usize)> {
    let (old_start, old_end, rest) = range(line)?;
    let (&letter, rest) = rest.split_first()?;
    if !matches!(letter, b'a' | b'c' | b'd') {
        return None;
    }
    let (new_start, new_end, rest) = range(rest)?;
    rest.is_empty().then_some((
        old_start,
        old_end.unwrap_or(old_start),
        letter,
        new_start,
        new_end.unwrap_or(new_start),
    ))
}

/// `3a`, `1,2d`: a command of ed.
fn is_ed(line: &[u8]) -> bool {
    range(line).is_some_and(|(.., rest)| matches!(rest, b"a" | b"c" | b"d" | b"i"))
}

/// A name at the beginning of a text, perhaps in quotation marks, and the time behind a tab.
fn heading(text: &[u8]) -> Heading {
    let body = line_body(text);
    let (name, rest) = if body.first() == Some(&b'"') {
        unquote(body)
    } else {
        let end = body.find_byte(b'\t').unwrap_or_else(|| body.find(b"  ").unwrap_or(body.len()));
        (body.get(..end).unwrap_or_default().trim_ascii_end().into(), body.get(end..).unwrap_or_default())
    };
    let time = rest.trim_ascii();
    let epoch = (time.starts_with(b"1970-01-01 ") || time.starts_with(b"1969-12-31 "))
        && crate::date_parse::parse(time, wasmsh_os::Timestamp::default(), &jiff::tz::TimeZone::UTC)
            .is_some_and(|time| time == wasmsh_os::Timestamp::default());
    Heading {
        name,
        text: body.into(),
        time: time.into(),
        epoch: epoch || time == b"Thu Jan  1 00:00:00 1970",
    }
}

/// A name in quotation marks with escapes as in C, and what follows.
fn unquote(text: &[u8]) -> (BString, &[u8]) {
    let mut name = Vec::new();
    let mut rest = text.get(1..).unwrap_or_default();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => break,
            b'\\' => {
                let digits = rest.iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                if digits > 0 {
                    let value = rest
                        .iter()
                        .take(digits)
                        .fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                    name.push(value as u8);
                    rest = rest.get(digits..).unwrap_or_default();
                } else if let Some((&letter, after)) = rest.split_first() {
                    name.push(match letter {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        other => other,
                    });
                    rest = after;
                }
            }
            _ => name.push(byte),
        }
    }
    (name.into(), rest)
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a Text) -> Parser<'a> {
        Parser { text, at: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<&'a [u8]> {
        let at = self.at + ahead;
        (at < self.text.len()).then(|| self.text.line(at))
    }

    fn malformed(&self) -> Malformed {
        match self.peek(0) {
            Some(line) => Malformed::At(self.at + 1, line_body(line).into()),
            None => Malformed::End,
        }
    }

    /// The next file's changes. `None`: there is nothing more that is a patch. `form`: only of this form.
    pub(super) fn next(&mut self, wanted: Option<Form>) -> Result<Option<FilePatch>, Malformed> {
        let begin = self.at;
        let mut patch = FilePatch {
            form: Form::Header,
            old: None,
            new: None,
            index: None,
            git: None,
            hunks: Vec::new(),
            script: Vec::new(),
            leading: Vec::new(),
            line: 0,
        };
        let is = |form: Form| wanted.is_none_or(|wanted| wanted == form);
        loop {
            let Some(line) = self.peek(0) else {
                // A header of git can stand alone.
                return Ok(patch.git.is_some().then_some(patch));
            };
            let next = self.peek(1).unwrap_or_default();
            if let Some(rest) = line.strip_prefix(b"diff --git ") {
                if patch.git.is_some() {
                    return Ok(Some(patch));
                }
                patch.git = Some(git_names(rest));
            } else if let Some(git) = &mut patch.git {
                git_line(git, line_body(line));
            }
            if let Some(rest) = line.strip_prefix(b"Index: ") {
                patch.index = Some(line_body(rest).trim_ascii().into());
            } else if let Some(rest) = line.strip_prefix(b"--- ")
                && !(line.ends_with(b" ----\n") && patch.form == Form::Header && patch.old.is_some())
            {
                patch.old = Some(heading(rest));
            } else if let Some(rest) = line.strip_prefix(b"+++ ") {
                patch.new = Some(heading(rest));
            } else if let Some(rest) = line.strip_prefix(b"*** ")
                && next.starts_with(b"--- ")
            {
                // The headers of a context diff: the second is marked as a unified diff's first.
                patch.old = Some(heading(rest));
                patch.new = next.strip_prefix(b"--- ").map(heading);
                patch.leading.push(line_body(line).into());
                patch.leading.push(line_body(next).into());
                self.at += 2;
                continue;
            }
            if is(Form::Unified)
                && unified_heading(line_body(line)).is_some()
                && (patch.new.is_some() || wanted.is_some() || patch.old.is_some())
            {
                patch.form = Form::Unified;
            } else if is(Form::Context) && line.starts_with(b"***************") && next.starts_with(b"*** ") {
                patch.form = Form::Context;
            } else if is(Form::Normal)
                && normal_heading(line_body(line)).is_some()
                && (next.starts_with(b"< ") || next.starts_with(b"> "))
            {
                patch.form = Form::Normal;
            } else if is(Form::Ed) && is_ed(line_body(line)) && begin == self.at {
                patch.form = Form::Ed;
                self.script(&mut patch);
                return Ok(Some(patch));
            } else {
                patch.leading.push(line_body(line).into());
                self.at += 1;
                continue;
            }
            patch.line = self.at + 1;
            match patch.form {
                Form::Unified => self.unified(&mut patch)?,
                Form::Context => self.context(&mut patch)?,
                _ => self.normal(&mut patch)?,
            }
            return Ok(Some(patch));
        }
    }

    /// The commands of a script for `ed`, up to the first line that is none.
    fn script(&mut self, patch: &mut FilePatch) {
        while let Some(mut edit) = self.peek(0).and_then(|line| ed::command(line_body(line))) {
            self.at += 1;
            while edit.takes_text()
                && let Some(line) = self.peek(0)
            {
                self.at += 1;
                if line_body(line) == b"." {
                    break;
                }
                edit.push(line_body(line).into());
            }
            patch.script.push(edit);
        }
    }

    fn unified(&mut self, patch: &mut FilePatch) -> Result<(), Malformed> {
        while let Some((old_start, mut old_left, new_start, mut new_left, function)) =
            self.peek(0).and_then(|line| unified_heading(line_body(line)))
        {
            self.at += 1;
            let mut hunk = Hunk { old_start, new_start, lines: Vec::new(), function: function.into() };
            while old_left > 0 || new_left > 0 {
                let Some(line) = self.peek(0) else { return Err(Malformed::End) };
                let (mark, body) = match line {
                    [b' ', body @ ..] => (Mark::Same, body),
                    [b'\t', ..] => (Mark::Same, line),
                    [b'\n'] => (Mark::Same, line),
                    [b'-', body @ ..] => (Mark::Delete, body),
                    [b'+', body @ ..] => (Mark::Insert, body),
                    [b'\\', ..] => {
                        chop(&mut hunk.lines);
                        self.at += 1;
                        continue;
                    }
                    _ => return Err(self.malformed()),
                };
                let (takes_old, takes_new) = (mark != Mark::Insert, mark != Mark::Delete);
                if (takes_old && old_left == 0) || (takes_new && new_left == 0) {
                    return Err(self.malformed());
                }
                old_left -= usize::from(takes_old);
                new_left -= usize::from(takes_new);
                hunk.lines.push((mark, body.into()));
                self.at += 1;
            }
            if self.peek(0).is_some_and(|line| line.starts_with(b"\\")) {
                chop(&mut hunk.lines);
                self.at += 1;
            }
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    /// The lines of one half of a context hunk, which may be left out.
    fn half(&mut self, count: usize) -> Result<Vec<(u8, BString)>, Malformed> {
        let mut lines: Vec<(u8, BString)> = Vec::new();
        while lines.len() < count {
            let Some(line) = self.peek(0) else { break };
            let (mark, body) = match line {
                [mark @ (b' ' | b'!' | b'+' | b'-'), b' ', body @ ..] => (*mark, body),
                [mark @ (b' ' | b'!' | b'+' | b'-'), b'\t', ..] => (*mark, line.get(1..).unwrap_or_default()),
                [b'\n'] => (b' ', line),
                [mark @ (b'!' | b'+' | b'-'), b'\n'] => (*mark, &b"\n"[..]),
                _ => break,
            };
            lines.push((mark, body.into()));
            self.at += 1;
        }
        if !lines.is_empty() && lines.len() < count {
            return Err(self.malformed());
        }
        if self.peek(0).is_some_and(|line| line.starts_with(b"\\ ")) {
            if let Some((_, last)) = lines.last_mut() {
                let length = line_body(last).len();
                last.truncate(length);
            }
            self.at += 1;
        }
        Ok(lines)
    }

    fn context(&mut self, patch: &mut FilePatch) -> Result<(), Malformed> {
        while let Some(stars) = self.peek(0).filter(|line| line.starts_with(b"***************")) {
            let function = line_body(stars).trim_start_with(|letter| letter == '*');
            self.at += 1;
            let Some((old_start, old_end)) =
                self.peek(0).and_then(|line| half_heading(line_body(line), b"*** ", b" ****"))
            else {
                return Err(self.malformed());
            };
            self.at += 1;
            let count = |start: usize, end: usize| if end == 0 || end < start { 0 } else { end - start + 1 };
            let old = self.half(count(old_start, old_end))?;
            let Some((new_start, new_end)) =
                self.peek(0).and_then(|line| half_heading(line_body(line), b"--- ", b" ----"))
            else {
                return Err(self.malformed());
            };
            self.at += 1;
            let new = self.half(count(new_start, new_end))?;
            let mut hunk = Hunk { old_start, new_start, lines: Vec::new(), function: function.into() };
            // A half without changes is left out.
            let same = |lines: &[(u8, BString)]| -> Vec<(u8, BString)> {
                lines.iter().filter(|(mark, _)| *mark == b' ').cloned().collect()
            };
            let old = if old.is_empty() { same(&new) } else { old };
            let new = if new.is_empty() { same(&old) } else { new };
            let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
            loop {
                let mut changed = false;
                while let Some((_, line)) = old.next_if(|(mark, _)| *mark != b' ') {
                    hunk.lines.push((Mark::Delete, line));
                    changed = true;
                }
                while let Some((_, line)) = new.next_if(|(mark, _)| *mark != b' ') {
                    hunk.lines.push((Mark::Insert, line));
                    changed = true;
                }
                match (old.next(), new.next()) {
                    (Some((_, line)), Some(_)) => hunk.lines.push((Mark::Same, line)),
                    (None, None) if !changed => break,
                    (None, None) => {}
                    _ => return Err(self.malformed()),
                }
            }
            // Of no lines the line before is named, as in other forms.
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    fn normal(&mut self, patch: &mut FilePatch) -> Result<(), Malformed> {
        while let Some((old_start, old_end, letter, new_start, new_end)) =
            self.peek(0).and_then(|line| normal_heading(line_body(line)))
        {
            self.at += 1;
            let mut hunk = Hunk { old_start, new_start, ..Hunk::default() };
            let (old, new) = match letter {
                b'a' => (0, (new_end + 1).saturating_sub(new_start)),
                b'd' => ((old_end + 1).saturating_sub(old_start), 0),
                _ => ((old_end + 1).saturating_sub(old_start), (new_end + 1).saturating_sub(new_start)),
            };
            self.side(&mut hunk, old, b"< ", Mark::Delete)?;
            if letter == b'c' {
                if self.peek(0).is_none_or(|line| !line.starts_with(b"---")) {
                    return Err(self.malformed());
                }
                self.at += 1;
            }
            self.side(&mut hunk, new, b"> ", Mark::Insert)?;
            patch.hunks.push(hunk);
        }
        Ok(())
    }

    fn side(&mut self, hunk: &mut Hunk, count: usize, lead: &[u8], mark: Mark) -> Result<(), Malformed> {
        for _ in 0..count {
            let Some(line) = self.peek(0) else { return Err(Malformed::End) };
            let Some(body) =
                line.strip_prefix(lead).or_else(|| (line == b"<\n" || line == b">\n").then_some(&b"\n"[..]))
            else {
                return Err(self.malformed());
            };
            hunk.lines.push((mark, body.into()));
            self.at += 1;
        }
        if self.peek(0).is_some_and(|line| line.starts_with(b"\\ ")) {
            chop(&mut hunk.lines);
            self.at += 1;
        }
        Ok(())
    }
}

/// `*** 1,3 ****`.
fn half_heading(line: &[u8], lead: &[u8], end: &[u8]) -> Option<(usize, usize)> {
    let (start, last, rest) = range(line.strip_prefix(lead)?)?;
    rest.starts_with(end.trim_ascii_end()).then_some((start, last.unwrap_or(start)))
}

/// The last line has no newline.
fn chop(lines: &mut [(Mark, BString)]) {
    if let Some((_, line)) = lines.last_mut() {
        let length = line_body(line).len();
        line.truncate(length);
    }
}

/// `a/x b/y`.
fn git_names(text: &[u8]) -> Git {
    let body = line_body(text);
    let mut git = Git::default();
    if body.first() == Some(&b'"') {
        let (old, rest) = unquote(body);
        git.old = old;
        git.new = heading(rest.trim_ascii()).name;
    } else if let Some(middle) = body.find(b" b/") {
        git.old = body.get(..middle).unwrap_or_default().into();
        git.new = body.get(middle + 1..).unwrap_or_default().into();
    } else if let Some(middle) = body.find_byte(b' ') {
        git.old = body.get(..middle).unwrap_or_default().into();
        git.new = body.get(middle + 1..).unwrap_or_default().into();
    }
    git
}

fn git_line(git: &mut Git, line: &[u8]) {
    let mode = |text: &[u8]| text.to_str().ok().and_then(|digits| u32::from_str_radix(digits.trim(), 8).ok());
    let name = |text: &[u8]| heading(text).name;
    if let Some(rest) = line.strip_prefix(b"rename from ") {
        git.rename = true;
        git.from = Some(name(rest));
    } else if let Some(rest) = line.strip_prefix(b"rename to ") {
        git.to = Some(name(rest));
    } else if let Some(rest) = line.strip_prefix(b"copy from ") {
        git.copy = true;
        git.from = Some(name(rest));
    } else if let Some(rest) = line.strip_prefix(b"copy to ") {
        git.to = Some(name(rest));
    } else if let Some(rest) = line.strip_prefix(b"new file mode ") {
        git.created = true;
        git.new_mode = mode(rest);
    } else if line.starts_with(b"deleted file mode ") {
        git.deleted = true;
    } else if let Some(rest) = line.strip_prefix(b"new mode ") {
        git.new_mode = mode(rest);
    } else if line.starts_with(b"GIT binary patch") {
        git.binary = true;
    }
}
