//! A line of a permuted index: what of its context a keyword is shown with, and where.

use bstr::BString;

use super::text::{Keyword, Source, is_white};

/// Who reads the index.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Plain,
    Roff,
    Tex,
}

/// How lines are laid out.
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) width: i64,
    pub(super) gap: i64,
    /// What marks a field that was cut.
    pub(super) flag: BString,
    /// The macro of roff or TeX.
    pub(super) name: BString,
    /// References are made, or read from the lines.
    pub(super) automatic: bool,
    pub(super) references: bool,
    pub(super) right: bool,
    pub(super) traditional: bool,
    /// The width of the widest one.
    pub(super) reference_width: i64,
    /// The length of the longest word.
    pub(super) longest: i64,
}

/// A piece of the text; an empty one may end before it begins.
#[derive(Clone, Copy, Default)]
struct Field {
    start: usize,
    end: usize,
    cut: bool,
}

fn signed(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Field {
    fn len(self) -> i64 {
        signed(self.end) - signed(self.start)
    }
}

/// A place so many columns away.
fn moved(at: usize, by: i64) -> usize {
    at.saturating_add_signed(isize::try_from(by).unwrap_or(isize::MAX))
}

fn blanks(count: i64, out: &mut Vec<u8>) {
    out.resize(out.len() + usize::try_from(count).unwrap_or(0), b' ');
}

/// The fields of a line.
struct Fields {
    tail: Field,
    before: Field,
    key: Field,
    head: Field,
}

impl Layout {
    /// Takes the references of a text into account.
    pub(super) fn measure(&mut self, source: &Source) {
        self.longest = self.longest.max(signed(source.longest));
        let widest = if self.automatic {
            let line = source.keywords.last().map_or(1, |word| word.line);
            signed(source.name.len() + 1 + line.to_string().len())
        } else if self.references {
            source.keywords.iter().map(|word| signed(source.reference(word).len())).max().unwrap_or(0)
        } else {
            0
        };
        self.reference_width = self.reference_width.max(widest);
    }

    fn has_references(&self) -> bool {
        self.automatic || self.references
    }

    /// Half of what is left for the text.
    fn half(&self) -> i64 {
        let taken = if self.has_references() && !self.right { self.reference_width + self.gap } else { 0 };
        (self.width - taken).max(0) / 2
    }

    fn divide(&self, source: &Source, word: &Keyword) -> Fields {
        let flags = 2 * signed(self.flag.len());
        // System V has no room for marks on the left, and one more on the right.
        let before_flags = if self.traditional { 0 } else { flags };
        let before_most = (self.half() - self.gap - before_flags).max(0);
        let key_most = self.half() - flags - i64::from(self.traditional);
        // As far as words are whole: from `start` on, or back from `end`.
        let forward = |start: usize, most: i64, least: usize| {
            let end = moved(start, most.max(0)).min(word.right);
            source.word_around(end).map_or(end, |(start, _)| start).max(least)
        };
        let backward = |end: usize, most: i64| {
            let start = moved(end, -most).max(word.left);
            source.word_around(start).map_or(start, |(_, end)| end)
        };
        let mut key = Field { start: word.start, end: forward(word.start, key_most, word.end), cut: false };
        key.cut = key.end < word.right;
        key.end = source.pass_back(key.end, key.start);
        let mut before = Field { end: source.pass_back(word.start, word.left), ..Field::default() };
        let start = backward(before.end, before_most);
        before.cut = source.pass_back(start, word.left) > word.left;
        before.start = source.pass(start, word.start);
        // What is shown begins not much farther back than the line is wide, and behind the word or mark that is there.
        let window = usize::try_from(self.half() + self.longest).unwrap_or(usize::MAX);
        let least = match word.start.checked_sub(window).filter(|start| *start > word.left) {
            Some(start) => source.word_around(start + 1).map_or(start + 1, |(_, end)| end),
            None => word.left,
        };
        let (mut tail, mut head) = (Field::default(), Field::default());
        let most = before_most - before.len() - self.gap;
        if most > 0 {
            let start = source.pass(key.end, word.right);
            let end = forward(start, most - 1, start);
            if end > start {
                key.cut = false;
                tail = Field { start, end: source.pass_back(end, start), cut: end < word.right };
            }
        }
        let most = key_most - key.len() - self.gap;
        if most > 0 {
            let end = source.pass_back(before.start, word.left);
            let start = backward(end, most).max(least);
            if end > start {
                before.cut = false;
                head = Field { start: source.pass(start, end), end, cut: start > word.left };
            }
        }
        Fields { tail, before, key, head }
    }

    /// Writes the line of a keyword.
    pub(super) fn write(&self, source: &Source, index: usize, out: &mut Vec<u8>) {
        let Some(word) = source.keywords.get(index) else { return };
        let fields = self.divide(source, word);
        let reference: Vec<u8> = if self.automatic {
            [&source.name[..], b":", word.line.to_string().as_bytes()].concat()
        } else if self.references {
            source.reference(word).to_vec()
        } else {
            Vec::new()
        };
        match self.format {
            Format::Plain => self.plain(source, &fields, &reference, out),
            Format::Roff => self.roff(source, &fields, &reference, out),
            Format::Tex => self.tex(source, word, &fields, &reference, out),
        }
        out.push(b'\n');
    }

    /// A field with its mark in front (`front`) or behind.
    fn field(&self, source: &Source, field: Field, front: bool, out: &mut Vec<u8>) {
        if field.cut && front {
            out.extend_from_slice(&self.flag);
        }
        self.text(source.text.get(field.start..field.end).unwrap_or_default(), out);
        if field.cut && !front {
            out.extend_from_slice(&self.flag);
        }
    }

    fn marked(&self, field: Field) -> i64 {
        field.len() + if field.cut { signed(self.flag.len()) } else { 0 }
    }

    fn plain(&self, source: &Source, fields: &Fields, reference: &[u8], out: &mut Vec<u8>) {
        let half = self.half();
        if !self.right {
            self.text(reference, out);
            let colon = i64::from(self.automatic);
            if self.automatic {
                out.push(b':');
            }
            blanks(self.reference_width + self.gap - signed(reference.len()) - colon, out);
        }
        let free = half - self.gap - self.marked(fields.before);
        if fields.tail.len() > 0 {
            self.field(source, fields.tail, false, out);
            blanks(free - self.marked(fields.tail), out);
        } else {
            blanks(free, out);
        }
        self.field(source, fields.before, true, out);
        blanks(self.gap, out);
        self.field(source, fields.key, false, out);
        let free = half - self.marked(fields.key);
        let right = self.right && self.has_references();
        if fields.head.len() > 0 {
            blanks(free - self.marked(fields.head), out);
            self.field(source, fields.head, true, out);
        } else if right {
            blanks(free, out);
        }
        if right {
            blanks(self.gap, out);
            self.text(reference, out);
        }
    }

    fn roff(&self, source: &Source, fields: &Fields, reference: &[u8], out: &mut Vec<u8>) {
        out.push(b'.');
        out.extend_from_slice(&self.name);
        let all = [(fields.tail, false), (fields.before, true), (fields.key, false), (fields.head, true)];
        for (field, front) in all {
            out.extend_from_slice(b" \"");
            self.field(source, field, front, out);
            out.push(b'"');
        }
        if self.has_references() {
            out.extend_from_slice(b" \"");
            self.text(reference, out);
            out.push(b'"');
        }
    }

    fn tex(&self, source: &Source, word: &Keyword, fields: &Fields, reference: &[u8], out: &mut Vec<u8>) {
        out.push(b'\\');
        out.extend_from_slice(&self.name);
        out.push(b' ');
        let word_end = word.end.min(fields.key.end);
        let key = Field { end: word_end, ..fields.key };
        let after = Field { start: word_end, ..fields.key };
        for field in [fields.tail, fields.before, key, after, fields.head] {
            out.push(b'{');
            self.text(source.text.get(field.start..field.end).unwrap_or_default(), out);
            out.push(b'}');
        }
        if self.has_references() {
            out.push(b'{');
            self.text(reference, out);
            out.push(b'}');
        }
    }

    /// Text, as the reader of the index takes it.
    fn text(&self, text: &[u8], out: &mut Vec<u8>) {
        for &byte in text {
            match (self.format, byte) {
                (_, byte) if is_white(byte) => out.push(b' '),
                (Format::Roff, b'"') => out.extend_from_slice(b"\"\""),
                (Format::Tex, b'$' | b'%' | b'&' | b'#' | b'_') => out.extend([b'\\', byte]),
                (Format::Tex, b'{' | b'}') => out.extend([b'$', b'\\', byte, b'$']),
                (Format::Tex, b'\\') => out.extend_from_slice(b"\\backslash{}"),
                _ => out.push(byte),
            }
        }
    }
}
