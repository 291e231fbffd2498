//! What `grep` looks for: patterns of all kinds behind one search for lines.

use memchr::memmem;
use wasmsh_regex::{Regex, Syntax};

use crate::perl::{Perl, PerlOptions};

/// How patterns are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Basic,
    Extended,
    Fixed,
    Perl,
}

enum Engine {
    /// Matches nowhere.
    Nothing,
    /// Matches everywhere: the empty pattern.
    Everything,
    Literal(Box<memmem::Finder<'static>>),
    /// `anywhere` finds a line among many: `^` and `$` match at every line, and no match goes on into the next one;
    /// `line` is for one line alone.
    Regex {
        line: Box<Regex>,
        anywhere: Option<Box<Regex>>,
    },
    Perl(Box<Perl>),
}

/// The patterns of a search.
pub(crate) struct Matcher {
    engine: Engine,
    delimiter: u8,
    words: bool,
    lines: bool,
    utf8: bool,
    /// The pattern for a line has its ends in it.
    whole: bool,
}

type Found = Result<Option<(usize, usize)>, String>;

impl Matcher {
    pub(crate) fn nothing() -> Matcher {
        Matcher {
            engine: Engine::Nothing,
            delimiter: b'\n',
            words: false,
            lines: false,
            utf8: true,
            whole: false,
        }
    }

    /// Whether there is no pattern at all.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self.engine, Engine::Nothing)
    }

    /// `None`: no pattern at all.
    pub(crate) fn new(
        patterns: Option<Vec<&[u8]>>,
        kind: Kind,
        ignore_case: bool,
        words: bool,
        lines: bool,
        utf8: bool,
        delimiter: u8,
    ) -> Result<Matcher, String> {
        let matcher =
            |engine| Matcher { engine, delimiter, words: words && !lines, lines, utf8, whole: false };
        let Some(mut patterns) = patterns else { return Ok(matcher(Engine::Nothing)) };
        patterns.sort_unstable();
        patterns.dedup();
        if kind == Kind::Perl {
            return Ok(matcher(Engine::Perl(Box::new(perl(&patterns, ignore_case, words, lines)?))));
        }
        if !words && !lines && patterns.iter().any(|pattern| pattern.is_empty()) {
            // Others must still be well-formed.
            if kind == Kind::Fixed || patterns.len() == 1 {
                return Ok(matcher(Engine::Everything));
            }
        }
        let plain = |pattern: &[u8]| match kind {
            Kind::Fixed => true,
            _ => !pattern.iter().any(|byte| b"\\.[]*^$+?(){}|".contains(byte)),
        };
        if let [only] = &patterns[..]
            && !ignore_case
            && !lines
            && !only.is_empty()
            && plain(only)
            && (!utf8 || std::str::from_utf8(only).is_ok())
        {
            return Ok(matcher(Engine::Literal(Box::new(memmem::Finder::new(only).into_owned()))));
        }
        if kind != Kind::Fixed && patterns.iter().any(|pattern| has_confusing_bracket(pattern)) {
            return Err("character class syntax is [[:space:]], not [:space:]".into());
        }
        let mut syntax = if kind == Kind::Extended { Syntax::EXTENDED } else { Syntax::BASIC };
        syntax.ignore_case = ignore_case;
        syntax.utf8 = utf8;
        syntax.lone_close_is_literal = true;
        let escaped: Vec<Vec<u8>>;
        if kind == Kind::Fixed {
            escaped = patterns.iter().map(|pattern| escape(pattern)).collect();
            patterns = escaped.iter().map(|pattern| &pattern[..]).collect();
        }
        let compile = |syntax: &Syntax| Regex::any_of(&patterns, syntax).map_err(|error| error.to_string());
        if lines
            && let Some(regex) = Regex::whole_of(&patterns, &syntax).map_err(|error| error.to_string())?
        {
            let engine = Engine::Regex { line: Box::new(regex), anywhere: None };
            return Ok(Matcher { whole: true, ..matcher(engine) });
        }
        let line = Box::new(compile(&syntax)?);
        // `\`` and `\'` are the ends of a line only where there is one line; what a back-reference or a word boundary
        // costs grows with what is searched.
        let one_line = kind != Kind::Fixed
            && patterns.iter().any(|pattern| {
                pattern.windows(2).any(|pair| {
                    matches!(pair, [b'\\', b'0'..=b'9' | b'`' | b'\'' | b'b' | b'B' | b'<' | b'>'])
                })
            });
        let anywhere = if one_line || lines || words || delimiter != b'\n' {
            None
        } else {
            syntax.multiline = true;
            syntax.within_lines = true;
            Some(Box::new(compile(&syntax)?))
        };
        Ok(matcher(Engine::Regex { line, anywhere }))
    }

    /// The first line from `from` (the beginning of a line) on that is selected, with its end.
    pub(crate) fn next_line(&self, block: &[u8], from: usize, invert: bool) -> Found {
        let line_at = |at: usize| {
            let rest = block.get(at..).unwrap_or_default();
            at + memchr::memchr(self.delimiter, rest).map_or(rest.len(), |found| found + 1)
        };
        let mut at = from;
        while at < block.len() {
            if !invert && let Some(candidate) = self.candidate(block, at)? {
                let exact = matches!(self.engine, Engine::Regex { .. });
                let Some(found) = candidate else { return Ok(None) };
                let before = block.get(at..found).unwrap_or_default();
                // A match behind the last line end is one of the line that is not there.
                if found >= block.len() && block.last() == Some(&self.delimiter) {
                    return Ok(None);
                }
                let start = memchr::memrchr(self.delimiter, before).map_or(at, |last| at + last + 1);
                let end = line_at(start);
                if exact || self.matches(self.body(block, start, end))? {
                    return Ok(Some((start, end)));
                }
                at = end;
                continue;
            }
            let end = line_at(at);
            if self.matches(self.body(block, at, end))? != invert {
                return Ok(Some((at, end)));
            }
            at = end;
        }
        Ok(None)
    }

    fn body<'a>(&self, block: &'a [u8], start: usize, end: usize) -> &'a [u8] {
        let line = block.get(start..end).unwrap_or_default();
        line.strip_suffix(&[self.delimiter]).unwrap_or(line)
    }

    /// A place in the first line that may match: outer `None`: cannot be told for many lines at once; inner: there is none.
    #[expect(
        clippy::option_option,
        reason = "the two mean different things, and this is asked for every line"
    )]
    fn candidate(&self, block: &[u8], at: usize) -> Result<Option<Option<usize>>, String> {
        Ok(match &self.engine {
            Engine::Nothing => Some(None),
            Engine::Literal(finder) => {
                Some(finder.find(block.get(at..).unwrap_or_default()).map(|found| at + found))
            }
            Engine::Regex { anywhere: Some(regex), .. } => {
                Some(regex.find_end(block, at).map_err(|error| error.to_string())?)
            }
            _ => None,
        })
    }

    fn matches(&self, line: &[u8]) -> Result<bool, String> {
        match &self.engine {
            Engine::Nothing => Ok(false),
            Engine::Everything => Ok(true),
            Engine::Literal(finder) if !self.words && !self.lines => Ok(finder.find(line).is_some()),
            Engine::Regex { line: regex, .. } if !self.words && (!self.lines || self.whole) => {
                regex.is_match(line).map_err(|error| error.to_string())
            }
            _ => Ok(self.find(line, 0)?.is_some()),
        }
    }

    /// The first match in a line from `from` on, under the rules of `-w` and `-x`.
    pub(crate) fn find(&self, line: &[u8], from: usize) -> Found {
        let mut at = from;
        loop {
            let found = self.raw(line, at)?;
            let Some((start, end)) = found else { return Ok(None) };
            if self.lines {
                if start == 0 && end == line.len() {
                    return Ok(found);
                }
                // A longer or shorter one may be the whole line, but only from its beginning.
                return Ok(if from == 0 && self.whole(line)? { Some((0, line.len())) } else { None });
            }
            if !self.words || self.is_word(line, start, end) {
                return Ok(found);
            }
            // A shorter match at the same place may be a word.
            let mut limit = end;
            while limit > start {
                limit -= 1;
                let Some(cut) = line.get(..limit) else { break };
                match self.raw(cut, start)? {
                    Some((from, to)) if from == start => {
                        if self.is_word(line, from, to) {
                            return Ok(Some((from, to)));
                        }
                        limit = to;
                    }
                    _ => break,
                }
            }
            at = start + 1;
            if at > line.len() {
                return Ok(None);
            }
        }
    }

    fn whole(&self, line: &[u8]) -> Result<bool, String> {
        match &self.engine {
            Engine::Regex { line: regex, .. } => {
                let found = regex.find_at(line, 0).map_err(|error| error.to_string())?;
                Ok(found.is_some_and(|span| span.start == 0 && span.end == line.len()))
            }
            _ => Ok(false),
        }
    }

    fn raw(&self, line: &[u8], from: usize) -> Found {
        match &self.engine {
            Engine::Nothing => Ok(None),
            Engine::Everything => Ok((from <= line.len()).then_some((from, from))),
            Engine::Literal(finder) => Ok(finder
                .find(line.get(from..).unwrap_or_default())
                .map(|found| (from + found, from + found + finder.needle().len()))),
            Engine::Regex { line: regex, .. } => {
                let found = regex.find_at(line, from).map_err(|error| error.to_string())?;
                Ok(found.map(|span| (span.start, span.end)))
            }
            Engine::Perl(perl) => perl.find(line, from),
        }
    }

    fn is_word(&self, line: &[u8], start: usize, end: usize) -> bool {
        let is_part = |character: Option<char>, byte: Option<&u8>| match character {
            Some(character) if self.utf8 => character.is_alphanumeric() || character == '_',
            _ => byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'),
        };
        let before = line.get(..start).unwrap_or_default();
        let after = line.get(end..).unwrap_or_default();
        let left = is_part(bstr::decode_last_utf8(before).0, before.last());
        let right = is_part(bstr::decode_utf8(after).0, after.first());
        !left && !right
    }
}

/// Whether a pattern has `[:name:]` where `[[:name:]]` is meant.
fn has_confusing_bracket(pattern: &[u8]) -> bool {
    let mut rest = pattern;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [_, behind @ ..]) => behind,
            (b'[', inside) => {
                let inside = inside.strip_prefix(b"^").unwrap_or(inside);
                let mut at = usize::from(inside.first() == Some(&b']'));
                let end = loop {
                    match (inside.get(at), inside.get(at + 1)) {
                        (None, _) => return false,
                        (Some(b']'), _) => break at,
                        (Some(b'['), Some(mark @ (b':' | b'.' | b'='))) => {
                            let behind = inside.get(at + 2..).unwrap_or_default();
                            let Some(close) = memmem::find(behind, &[*mark, b']']) else { return false };
                            at += close + 4;
                        }
                        _ => at += 1,
                    }
                };
                if let Some([b':', .., b':']) = inside.get(..end)
                    && end > 2
                {
                    return true;
                }
                inside.get(end + 1..).unwrap_or_default()
            }
            _ => tail,
        };
    }
    false
}

/// A fixed string as a basic regular expression.
fn escape(text: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(text.len());
    for byte in text {
        if b"\\.[*^$".contains(byte) {
            pattern.push(b'\\');
        }
        pattern.push(*byte);
    }
    pattern
}

fn perl(patterns: &[&[u8]], ignore_case: bool, words: bool, lines: bool) -> Result<Perl, String> {
    let [pattern] = patterns else {
        return Err("the -P option only supports a single pattern".into());
    };
    Perl::new(pattern, PerlOptions { ignore_case, words, lines, ..PerlOptions::default() })
}
