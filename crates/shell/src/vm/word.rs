//! Words under construction: text with its quoting, field splitting (POSIX XCU 2.6.5), and what becomes of it.

use crate::expand::pattern;
use crate::options::Opt;
use crate::text::Str;
use crate::vm::code::{Quoting, WordEnd};
use crate::vm::{Unwind, Vm};

/// What a stretch of a word's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text(Quoting),
    /// Between two elements of `"$@"`: a field ends here.
    Break,
    /// Between two elements of `$@` without quotes: as if the first character of `IFS` stood here, unless that
    /// is a blank or nothing.
    ListBreak,
    /// The same as `Break` for `"${a[@]#p}"` and other operators: in an assignment they join as `$*` does.
    OperatedBreak,
    /// The same as `ListBreak` for them.
    OperatedListBreak,
    /// The same for `$*`, whose elements are joined by the first character of `IFS` where nothing is split.
    StarBreak,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    end: usize,
    kind: Kind,
}

/// A word under construction.
#[derive(Clone, Debug)]
pub(crate) struct Builder {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    /// There was a quoted part: the word exists even if it is empty.
    quoted: bool,
    /// What `bytes` may grow to.
    limit: usize,
    /// It would have grown beyond that: something was left out, and the word cannot be used.
    over: bool,
    /// Where the part of an expression's subscript begins that is being expanded.
    mark: usize,
}

impl Builder {
    fn new(limit: usize) -> Builder {
        Builder { bytes: Vec::new(), segments: Vec::new(), quoted: false, limit, over: false, mark: 0 }
    }

    /// Appends text.
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8], quoting: Quoting) {
        if text.is_empty() {
            return;
        }
        if text.len() > self.limit - self.bytes.len() {
            self.over = true;
            return;
        }
        self.bytes.extend_from_slice(text);
        self.close(quoting);
    }

    #[inline]
    fn close(&mut self, quoting: Quoting) {
        let end = self.bytes.len();
        match self.segments.last_mut() {
            Some(last) if last.kind == Kind::Text(quoting) => last.end = end,
            _ => self.segments.push(Segment { end, kind: Kind::Text(quoting) }),
        }
    }

    /// Whether there is no room for one more field.
    fn is_full(&mut self) -> bool {
        self.over |= self.segments.len() >= self.limit / std::mem::size_of::<Segment>();
        self.over
    }

    /// Ends a field.
    pub(crate) fn field_break(&mut self) {
        if self.is_full() {
            return;
        }
        let end = self.bytes.len();
        self.segments.push(Segment { end, kind: Kind::Break });
    }

    /// Ends a field of `"${a[@]#p}"`, or of the same without quotes.
    fn operated_break(&mut self, quoted: bool) {
        if self.is_full() {
            return;
        }
        let end = self.bytes.len();
        let kind = if quoted { Kind::OperatedBreak } else { Kind::OperatedListBreak };
        self.segments.push(Segment { end, kind });
    }

    /// Ends a field of `$@` without quotes.
    fn list_break(&mut self) {
        if self.is_full() {
            return;
        }
        let end = self.bytes.len();
        self.segments.push(Segment { end, kind: Kind::ListBreak });
    }

    /// Ends a field of `$*`.
    fn star_break(&mut self) {
        if self.is_full() {
            return;
        }
        let end = self.bytes.len();
        self.segments.push(Segment { end, kind: Kind::StarBreak });
    }

    pub(crate) fn quote(&mut self) {
        self.quoted = true;
        self.close(Quoting::Quoted);
    }

    /// A part of a subscript inside an expression begins.
    pub(crate) fn begin_subscript_part(&mut self) {
        self.mark = self.bytes.len();
    }

    /// It has ended: what it has given is text, whatever evaluates the expression.
    pub(crate) fn end_subscript_part(&mut self) {
        let special = |b: &u8| b"[]$`\\'\"".contains(b);
        if !self.bytes.get(self.mark..).is_some_and(|text| text.iter().any(special)) {
            return;
        }
        let text = self.bytes.split_off(self.mark);
        while let Some(last) = self.segments.last_mut().filter(|last| last.end > self.mark) {
            last.end = self.mark;
            if last.kind != Kind::Text(Quoting::Quoted) {
                self.segments.pop();
            }
        }
        let mut out = Vec::with_capacity(text.len() + 8);
        for b in text {
            if special(&b) {
                out.push(b'\\');
            }
            out.push(b);
        }
        self.push(&out, Quoting::Quoted);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.segments.clear();
        self.quoted = false;
        self.over = false;
    }

    /// As one string, which is assigned or not; `star` joins the elements of `$*`.
    fn join(&self, star: &[u8], assigned: bool) -> Str {
        if !self.segments.iter().any(|segment| !matches!(segment.kind, Kind::Text(_))) {
            return Str::new(&self.bytes);
        }
        let mut out = Vec::with_capacity(self.bytes.len() + 8);
        let mut start = 0;
        for segment in &self.segments {
            match segment.kind {
                Kind::StarBreak => out.extend_from_slice(star),
                Kind::OperatedBreak | Kind::OperatedListBreak if assigned && !star.is_empty() => {
                    out.extend_from_slice(star);
                }
                Kind::Break | Kind::ListBreak | Kind::OperatedBreak | Kind::OperatedListBreak => {
                    out.push(b' ');
                }
                Kind::Text(_) => {
                    out.extend_from_slice(self.bytes.get(start..segment.end).unwrap_or_default());
                    start = segment.end;
                }
            }
        }
        out.into()
    }

    /// As one string with a backslash before the characters that `special` names, which is told whether they are quoted.
    fn escaped(&self, star: &[u8], mut special: impl FnMut(u8, bool) -> bool) -> Str {
        let mut out = Vec::with_capacity(self.bytes.len() + 8);
        let mut start = 0;
        for segment in &self.segments {
            let text = self.bytes.get(start..segment.end).unwrap_or_default();
            match segment.kind {
                Kind::StarBreak => out.extend_from_slice(star),
                Kind::Break | Kind::ListBreak | Kind::OperatedBreak | Kind::OperatedListBreak => {
                    out.push(b' ');
                }
                Kind::Text(quoting) => {
                    for &b in text {
                        if special(b, quoting == Quoting::Quoted) {
                            out.push(b'\\');
                        }
                        out.push(b);
                    }
                }
            }
            start = segment.end;
        }
        out.into()
    }
}

/// Where in a regular expression a character stands: in a bracket expression nothing needs a backslash, nor is one
/// anything but itself.
#[derive(Default)]
enum RegexPlace {
    #[default]
    Outside,
    /// Behind an unquoted backslash.
    Escaped,
    /// Behind `[` or `[^`: a `]` stands for itself.
    Begun {
        negated: bool,
    },
    Inside {
        last: u8,
    },
    /// In `[:`, `[.` or `[=`, with the character that ends it before `]`.
    Named {
        kind: u8,
        last: u8,
    },
}

impl RegexPlace {
    fn is_outside(&self) -> bool {
        matches!(self, Self::Outside | Self::Escaped)
    }

    fn pass(&mut self, b: u8, quoted: bool) {
        *self = match *self {
            Self::Outside if quoted => Self::Outside,
            Self::Outside if b == b'\\' => Self::Escaped,
            Self::Outside if b == b'[' => Self::Begun { negated: false },
            Self::Outside | Self::Escaped => Self::Outside,
            Self::Begun { negated: false } if b == b'^' => Self::Begun { negated: true },
            Self::Begun { .. } => Self::Inside { last: b },
            Self::Inside { last: b'[' } if b":.=".contains(&b) => Self::Named { kind: b, last: 0 },
            Self::Inside { .. } if b == b']' => Self::Outside,
            Self::Inside { .. } => Self::Inside { last: b },
            Self::Named { kind, last } if b == b']' && last == kind => Self::Inside { last: b },
            Self::Named { kind, .. } => Self::Named { kind, last: b },
        };
    }
}

/// `IFS`, ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ifs {
    /// A bit for each byte in it.
    set: [u64; 4],
    /// Of these, the whitespace.
    white: [u64; 4],
    /// Its first character, with which `$*` joins.
    pub(crate) first: Str,
    /// Its characters of several bytes.
    wide: Vec<Str>,
}

impl Default for Ifs {
    fn default() -> Self {
        Ifs::new(b" \t\n")
    }
}

impl Ifs {
    pub(crate) fn new(text: &[u8]) -> Ifs {
        let mut ifs = Ifs { set: [0; 4], white: [0; 4], first: Str::EMPTY, wide: Vec::new() };
        for one in pattern::chars(text) {
            let &[b] = one else {
                ifs.wide.push(Str::new(one));
                continue;
            };
            let (word, bit) = (usize::from(b >> 6), 1u64 << (b & 63));
            if let Some(place) = ifs.set.get_mut(word) {
                *place |= bit;
            }
            if matches!(b, b' ' | b'\t' | b'\n')
                && let Some(place) = ifs.white.get_mut(word)
            {
                *place |= bit;
            }
        }
        let length = pattern::char_len(text);
        ifs.first = Str::new(text.get(..length).unwrap_or_default());
        ifs
    }

    #[inline]
    pub(crate) fn contains(&self, b: u8) -> bool {
        self.set.get(usize::from(b >> 6)).is_some_and(|word| word & 1 << (b & 63) != 0)
    }

    /// Whether there are characters of several bytes in it.
    #[inline]
    pub(crate) fn has_wide(&self) -> bool {
        !self.wide.is_empty()
    }

    /// Whether a character of several bytes is in it.
    pub(crate) fn contains_wide(&self, one: &[u8]) -> bool {
        self.wide.iter().any(|other| &**other == one)
    }

    #[inline]
    pub(crate) fn is_white(&self, b: u8) -> bool {
        self.white.get(usize::from(b >> 6)).is_some_and(|word| word & 1 << (b & 63) != 0)
    }

    /// Whether splitting leaves `text` whole.
    #[inline]
    pub(crate) fn leaves(&self, text: &[u8]) -> bool {
        !text.iter().any(|b| self.contains(*b)) && self.wide.is_empty()
    }
}

/// A field: its text, and its text as a pattern if it is one.
struct Field {
    text: Vec<u8>,
    pattern: Vec<u8>,
    magic: bool,
    quoted: bool,
}

impl Field {
    fn new() -> Field {
        Field { text: Vec::new(), pattern: Vec::new(), magic: false, quoted: false }
    }

    fn exists(&self) -> bool {
        self.quoted || !self.text.is_empty()
    }
}

/// Arguments that are longer count for what all arguments of a command may hold; of the others their number is
/// bounded.
const LARGE: usize = 4096;

impl Vm {
    /// Whether there may be no more arguments than now.
    #[inline]
    pub(crate) fn check_args(&mut self) -> Result<(), Unwind> {
        if self.args.len() > self.expansion_limit / std::mem::size_of::<Str>() {
            return Err(self.too_large());
        }
        Ok(())
    }

    #[inline]
    pub(crate) fn begin_word(&mut self) {
        let builder = self.spare.pop().unwrap_or_else(|| Builder::new(self.expansion_limit));
        self.words.push(builder);
    }

    /// The word under construction.
    #[inline]
    pub(crate) fn word(&mut self) -> &mut Builder {
        if self.words.is_empty() {
            self.words.push(Builder::new(self.expansion_limit));
        }
        let last = self.words.len() - 1;
        &mut self.words[last]
    }

    pub(crate) fn end_word(&mut self, end: WordEnd) -> Result<(), Unwind> {
        let Some(mut builder) = self.words.pop() else { return Ok(()) };
        if builder.over {
            return Err(self.too_large());
        }
        if builder.bytes.len() > LARGE {
            self.large_args = self.large_args.saturating_add(builder.bytes.len());
            if self.large_args > self.expansion_limit {
                return Err(self.too_large());
            }
        }
        match end {
            WordEnd::Single => {
                let text = builder.join(&self.shell.ifs.first, true);
                self.args.push(text);
            }
            WordEnd::Operand => {
                let text = builder.join(&self.shell.ifs.first, false);
                self.args.push(text);
            }
            WordEnd::Pattern => {
                let text =
                    builder.escaped(&self.shell.ifs.first, |b, quoted| quoted && pattern::is_special(b));
                self.args.push(text);
            }
            WordEnd::Regex => {
                let mut place = RegexPlace::default();
                let text = builder.escaped(&self.shell.ifs.first, |b, quoted| {
                    let escape = quoted && place.is_outside() && b"\\.[]{}()*+?^$|".contains(&b);
                    place.pass(b, quoted);
                    escape
                });
                self.args.push(text);
            }
            WordEnd::Replacement => {
                let text =
                    builder.escaped(&self.shell.ifs.first, |b, quoted| quoted && (b == b'&' || b == b'\\'));
                self.args.push(text);
            }
            WordEnd::Fields => self.fields(&builder)?,
            WordEnd::Redirect => {
                let before = self.args.len();
                self.fields(&builder)?;
                if self.args.len() != before + 1 {
                    self.args.truncate(before);
                    self.args.push(Str::EMPTY);
                    self.ambiguous = true;
                }
            }
        }
        builder.clear();
        if self.spare.len() < 8 && builder.bytes.capacity() <= 4096 {
            self.spare.push(builder);
        }
        Ok(())
    }

    /// Field splitting and pathname expansion.
    fn fields(&mut self, builder: &Builder) -> Result<(), Unwind> {
        let glob = !self.opt(Opt::NoGlob);
        let plain = |segment: &Segment| matches!(segment.kind, Kind::Text(Quoting::Quoted));
        let plain = builder.segments.iter().all(plain);
        if plain {
            if builder.quoted || !builder.bytes.is_empty() {
                self.args.push(Str::new(&builder.bytes));
            }
            return Ok(());
        }
        let mut start = 0;
        let mut field = Field::new();
        // Whitespace has ended a field: a following other separator belongs to it.
        let mut after_white = false;
        for segment in &builder.segments {
            let text = builder.bytes.get(start..segment.end).unwrap_or_default();
            start = segment.end;
            match segment.kind {
                Kind::ListBreak | Kind::StarBreak | Kind::OperatedListBreak
                    if self.shell.ifs.first.first().is_some_and(|b| !self.shell.ifs.is_white(*b)) =>
                {
                    if field.exists() {
                        self.field(&mut field, glob)?;
                    } else if after_white {
                        after_white = false;
                    } else {
                        field.quoted = true;
                        self.field(&mut field, glob)?;
                    }
                }
                Kind::Break
                | Kind::StarBreak
                | Kind::ListBreak
                | Kind::OperatedBreak
                | Kind::OperatedListBreak => {
                    self.field(&mut field, glob)?;
                    after_white = false;
                }
                Kind::Text(Quoting::Quoted) => {
                    field.quoted = true;
                    field.text.extend_from_slice(text);
                    for &b in text {
                        if pattern::is_special(b) {
                            field.pattern.push(b'\\');
                        }
                        field.pattern.push(b);
                    }
                    after_white = false;
                }
                Kind::Text(Quoting::Literal) => {
                    field.text.extend_from_slice(text);
                    field.pattern.extend_from_slice(text);
                    field.magic |= text.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'(' | b'\\'));
                    if !text.is_empty() {
                        after_white = false;
                    }
                }
                Kind::Text(Quoting::Expanded) => {
                    let mut inside = 0usize;
                    for (at, &b) in text.iter().enumerate() {
                        if b >= 0x80 && self.shell.ifs.has_wide() {
                            // Characters of several bytes are looked at as a whole.
                            if inside > 0 {
                                inside -= 1;
                                continue;
                            }
                            let rest = text.get(at..).unwrap_or_default();
                            let one = rest.get(..pattern::char_len(rest)).unwrap_or_default();
                            inside = one.len().saturating_sub(1);
                            if self.shell.ifs.contains_wide(one) {
                                if field.exists() {
                                    self.field(&mut field, glob)?;
                                } else if after_white {
                                    after_white = false;
                                } else {
                                    field.quoted = true;
                                    self.field(&mut field, glob)?;
                                }
                            } else {
                                field.text.extend_from_slice(one);
                                field.pattern.extend_from_slice(one);
                                after_white = false;
                            }
                        } else if !self.shell.ifs.contains(b) {
                            field.text.push(b);
                            field.pattern.push(b);
                            field.magic |= matches!(b, b'*' | b'?' | b'[' | b'(' | b'\\');
                            after_white = false;
                        } else if self.shell.ifs.is_white(b) {
                            if field.exists() {
                                self.field(&mut field, glob)?;
                                after_white = true;
                            }
                        } else if field.exists() {
                            self.field(&mut field, glob)?;
                        } else if after_white {
                            after_white = false;
                        } else {
                            field.quoted = true;
                            self.field(&mut field, glob)?;
                        }
                    }
                }
            }
        }
        self.field(&mut field, glob)
    }

    /// Takes a field as an argument, or the names that match it.
    fn field(&mut self, field: &mut Field, glob: bool) -> Result<(), Unwind> {
        if !field.exists() {
            return Ok(());
        }
        let done = std::mem::replace(field, Field::new());
        if glob && done.magic && pattern::has_magic(&done.pattern) {
            self.pathname_expansion(&done.pattern, done.text)
        } else {
            self.args.push(done.text.into());
            self.check_args()
        }
    }

    /// An unquoted expansion as a word of its own.
    #[inline]
    pub(crate) fn push_split(&mut self, text: Str) -> Result<(), Unwind> {
        if text.is_empty() {
            return Ok(());
        }
        let magic = |b: &u8| matches!(b, b'*' | b'?' | b'[' | b'\\' | b'(');
        if self.shell.ifs.leaves(&text) && !text.iter().any(magic) {
            self.args.push(text);
            return Ok(());
        }
        self.begin_word();
        self.word().push(&text, Quoting::Expanded);
        self.end_word(WordEnd::Fields)
    }

    /// Appends the elements of an unquoted `$*`.
    pub(crate) fn push_star(&mut self, values: &[Str], quoting: Quoting) {
        let word = self.word();
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                word.star_break();
            }
            word.push(value, quoting);
        }
    }

    /// The same after an operator such as `#`.
    pub(crate) fn push_operated(&mut self, values: &[Str], quoting: Quoting) {
        let quoted = quoting == Quoting::Quoted;
        let word = self.word();
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                word.operated_break(quoted);
            }
            word.push(value, quoting);
            if quoted {
                word.quote();
            }
        }
    }

    /// Appends the elements of `$@` and the like to the word: each is a field of its own.
    pub(crate) fn push_many(&mut self, values: &[Str], quoting: Quoting) {
        let word = self.word();
        for (i, value) in values.iter().enumerate() {
            if i > 0 {
                if quoting == Quoting::Quoted { word.field_break() } else { word.list_break() }
            }
            word.push(value, quoting);
            if quoting == Quoting::Quoted {
                word.quote();
            }
        }
    }
}
