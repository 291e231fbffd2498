//! Files as lines, and lines as classes: two lines of one class count as the same.

use std::borrow::Cow;
use std::collections::HashMap;

/// A file that was read, as lines.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    /// Where each line begins, and the end of the last.
    starts: Vec<usize>,
}

impl Text {
    pub(crate) fn new(bytes: Vec<u8>) -> Text {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1));
        if starts.last() != Some(&bytes.len()) {
            starts.push(bytes.len());
        }
        Text { bytes, starts }
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// A line with its newline, which the last may lack.
    pub(crate) fn line(&self, index: usize) -> &[u8] {
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(start), Some(end)) => self.bytes.get(*start..*end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Whether the last line has no newline.
    pub(crate) fn lacks_newline(&self) -> bool {
        !self.bytes.is_empty() && !self.bytes.ends_with(b"\n")
    }

    /// Whether it is no text: a NUL in its first block.
    pub(crate) fn is_binary(&self) -> bool {
        memchr::memchr(0, self.bytes.get(..self.bytes.len().min(4096)).unwrap_or_default()).is_some()
    }

    /// Takes off the carriage returns before newlines.
    pub(crate) fn strip_carriage_returns(&mut self) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut rest = &self.bytes[..];
        while let Some(found) = memchr::memmem::find(rest, b"\r\n") {
            let (before, after) = rest.split_at(found);
            bytes.extend_from_slice(before);
            rest = after.get(1..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest);
        *self = Text::new(bytes);
    }
}

/// Which white space does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Space {
    #[default]
    Counts,
    /// `-E`: a tab is the spaces that it stands for.
    Tabs,
    /// `-Z`.
    Trailing,
    /// `-Z` and `-E`.
    TabsAndTrailing,
    /// `-b`.
    Amount,
    /// `-w`.
    All,
}

/// When two lines are the same.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sameness {
    pub(crate) space: Space,
    pub(crate) ignore_case: bool,
    pub(crate) tab_size: usize,
    /// A last line without a newline is another one than with it.
    pub(crate) newline_counts: bool,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

impl Sameness {
    fn is_plain(&self) -> bool {
        self.space == Space::Counts && !self.ignore_case
    }

    /// The line, as it counts.
    pub(crate) fn normal<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        let (text, newline) = match line.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (line, false),
        };
        // With trailing white space a missing newline does not count either.
        let marked = !newline && self.newline_counts && self.space < Space::Trailing;
        if self.is_plain() {
            return if newline || marked { Cow::Borrowed(line) } else { Cow::Owned([line, b"\n"].concat()) };
        }
        let mut out = Vec::with_capacity(line.len() + 1);
        let mut column = 0;
        let mut blanks = false;
        for &byte in text {
            match self.space {
                Space::All if is_space(byte) => continue,
                Space::Amount if is_space(byte) => {
                    blanks = true;
                    continue;
                }
                Space::Tabs | Space::TabsAndTrailing if byte == b'\t' => {
                    let width = self.tab_size.max(1);
                    let count = width - column % width;
                    out.extend(std::iter::repeat_n(b' ', count));
                    column += count;
                    continue;
                }
                _ => {}
            }
            if std::mem::take(&mut blanks) {
                out.push(b' ');
            }
            column = if byte == b'\x08' { column.saturating_sub(1) } else { column + 1 };
            out.push(if self.ignore_case { byte.to_ascii_lowercase() } else { byte });
        }
        if matches!(self.space, Space::Trailing | Space::TabsAndTrailing) {
            while out.last().is_some_and(|byte| is_space(*byte)) {
                out.pop();
            }
        }
        if !marked {
            out.push(b'\n');
        }
        Cow::Owned(out)
    }
}

/// The classes of the lines of some texts.
pub(crate) fn classes(texts: &[&Text], sameness: &Sameness) -> Vec<Vec<u32>> {
    let mut known: HashMap<Cow<'_, [u8]>, u32> = HashMap::new();
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let mut lines = Vec::with_capacity(text.len());
        for index in 0..text.len() {
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            let class = *known.entry(sameness.normal(text.line(index))).or_insert(next);
            lines.push(class);
        }
        all.push(lines);
    }
    all
}
