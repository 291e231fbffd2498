//! Files as lines, and lines as classes: two lines of one class count as the same.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;

use wasmsh_os::Ctx;

/// A file that was read, as lines.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    /// Where each line begins, and the end of the last.
    starts: Vec<usize>,
}

impl Text {
    pub(crate) fn new(bytes: Vec<u8>) -> Text {
        let end = bytes.len();
        // Lines of text are rarely shorter on average.
        let mut starts = Vec::with_capacity(bytes.len() / 16 + 2);
        starts.push(0);
        starts.extend(memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1));
        if starts.last() != Some(&end) {
            starts.push(end);
        }
        Text { bytes, starts }
    }

    /// How many lines there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn start(&self, index: usize) -> usize {
        self.starts.get(index).copied().unwrap_or(self.bytes.len())
    }

    /// A line with its newline, which the last may lack.
    pub(crate) fn line(&self, index: usize) -> &[u8] {
        self.bytes.get(self.start(index)..self.start(index + 1)).unwrap_or_default()
    }

    /// Some lines, as they stand.
    pub(crate) fn lines(&self, lines: Range<usize>) -> &[u8] {
        self.bytes.get(self.start(lines.start)..self.start(lines.end)).unwrap_or_default()
    }

    /// Whether the last line has no newline.
    pub(crate) fn lacks_newline(&self) -> bool {
        !self.bytes.is_empty() && !self.bytes.ends_with(b"\n")
    }

    /// The contents without the carriage returns before newlines.
    pub(crate) fn without_carriage_returns(contents: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(contents.len());
        let mut rest = contents;
        while let Some(found) = memchr::memmem::find(rest, b"\r\n") {
            let (before, after) = rest.split_at(found);
            bytes.extend_from_slice(before);
            rest = after.get(1..).unwrap_or_default();
        }
        bytes.extend_from_slice(rest);
        bytes
    }
}

/// Whether contents are no text: a NUL in their first block.
pub(crate) fn is_binary(contents: &[u8]) -> bool {
    memchr::memchr(0, contents.get(..contents.len().min(4096)).unwrap_or_default()).is_some()
}

/// Lines at both ends of two texts that are the same, and are left out of the comparison.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    pub(crate) prefix: usize,
    pub(crate) suffix: usize,
}

impl Ends {
    /// The ends that are the same line by line, but for `horizon` lines of each, which are kept for the comparison.
    /// `newline_counts`: a last line without a newline is another one than with it.
    pub(crate) fn find(old: &Text, new: &Text, horizon: usize, newline_counts: bool) -> Ends {
        let mut same = 0;
        for (a, b) in old.bytes.chunks(BLOCK).zip(new.bytes.chunks(BLOCK)) {
            if a == b {
                same += a.len();
            } else {
                same += a.iter().zip(b).take_while(|(a, b)| a == b).count();
                break;
            }
        }
        let lines = |text: &Text| text.starts.partition_point(|start| *start <= same).saturating_sub(1);
        let mut prefix = lines(old).min(lines(new));
        // A line that ends here in one text, and not yet in the other, is another line.
        if prefix > 0 && old.line(prefix - 1) != new.line(prefix - 1) {
            prefix -= 1;
        }
        let most = old.len().min(new.len()) - prefix;
        let same = |at: usize| {
            let (a, b) = (old.line(old.len() - at), new.line(new.len() - at));
            a == b
                || (!newline_counts
                    && at == 1
                    && a.strip_suffix(b"\n").unwrap_or(a) == b.strip_suffix(b"\n").unwrap_or(b))
        };
        let suffix = (1..=most).take_while(|at| same(*at)).count();
        Ends { prefix: prefix.saturating_sub(horizon), suffix: suffix.saturating_sub(horizon) }
    }

    /// The lines of a text between them.
    pub(crate) fn between(self, text: &Text) -> Range<usize> {
        self.prefix..text.len() - self.suffix
    }
}

/// Bytes that are compared at once.
const BLOCK: usize = 64;

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

/// The classes of lines of some texts.
pub(crate) async fn classes<const N: usize>(
    ctx: &Ctx,
    texts: [(&Text, Range<usize>); N],
    sameness: &Sameness,
) -> [Vec<u32>; N] {
    let mut table = Table::new(texts.iter().map(|(_, lines)| lines.len()).sum());
    let mut all = [const { Vec::new() }; N];
    for ((text, lines), classes) in texts.into_iter().zip(&mut all) {
        classes.reserve_exact(lines.len());
        for index in lines {
            if index % 4096 == 0 {
                ctx.tick().await;
            }
            classes.push(table.class(text.line(index), sameness));
        }
    }
    all
}

/// The lines that were seen, each once, by their hash.
struct Table<'a> {
    state: foldhash::fast::FixedState,
    /// Numbers of classes plus one, where the hash says or behind; zero: none. Its length is a power of two.
    slots: Vec<u32>,
    known: Vec<(u32, Cow<'a, [u8]>)>,
    /// The class that may come next: what followed the class before when it was first seen.
    next: usize,
}

impl<'a> Table<'a> {
    /// For so many lines.
    fn new(lines: usize) -> Table<'a> {
        Table {
            state: foldhash::fast::FixedState::with_seed(lines as u64),
            slots: vec![0; (lines + lines / 2).next_power_of_two().max(16)],
            known: Vec::with_capacity(lines / 2 + 16),
            next: 0,
        }
    }

    fn class(&mut self, line: &'a [u8], sameness: &Sameness) -> u32 {
        let line = sameness.normal(line);
        // Two files have most of their lines in the same order.
        if let Some((_, known)) = self.known.get(self.next)
            && *known == line
        {
            self.next += 1;
            return self.next as u32 - 1;
        }
        let hash = {
            let mut hasher = self.state.build_hasher();
            hasher.write(&line);
            hasher.finish() as u32
        };
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let Some(slot) = self.slots.get_mut(at) else { return 0 };
            if *slot == 0 {
                self.known.push((hash, line));
                *slot = self.known.len() as u32;
                self.next = self.known.len();
                return *slot - 1;
            }
            let class = *slot - 1;
            if self.known.get(class as usize).is_some_and(|(other, known)| *other == hash && *known == line) {
                self.next = class as usize + 1;
                return class;
            }
            at = (at + 1) & mask;
        }
    }
}
