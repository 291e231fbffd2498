//! Reads a BRE or an ERE into its tree.
//!
//! Where POSIX leaves a construct undefined, what GNU's `regcomp` does is followed.

use thiserror::Error;

use crate::Syntax;
use crate::ast::{Assert, Node};
use crate::class::{Class, Item, Named};

/// How deep groups may nest. Every level costs native stack in the compiler behind.
const DEPTH: usize = 250;
/// `RE_DUP_MAX` of GNU: how often an interval may repeat.
const REPEAT_MAX: u32 = 32_767;

/// Why a text is no regular expression; worded as `regerror` of the GNU C library words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseError {
    /// A group is not closed.
    #[error("Unmatched ( or \\(")]
    UnmatchedOpen,
    /// A group is closed that was not opened.
    #[error("Unmatched ) or \\)")]
    UnmatchedClose,
    /// A bracket expression has no end.
    #[error("Unmatched [, [^, [:, [., or [=")]
    UnmatchedBracket,
    /// An interval has no end.
    #[error("Unmatched \\{{")]
    UnmatchedBrace,
    /// Not numbers, or the first is above the second.
    #[error("Invalid content of \\{{\\}}")]
    BadInterval,
    /// A range whose end comes before its start.
    #[error("Invalid range end")]
    BadRange,
    /// `[:name:]` with no such name.
    #[error("Invalid character class name")]
    BadClass,
    /// `[.name.]` or `[=name=]` with no such element.
    #[error("Invalid collation character")]
    BadCollation,
    /// Nothing to repeat.
    #[error("Invalid preceding regular expression")]
    NothingToRepeat,
    /// `\1` before the first group is closed.
    #[error("Invalid back reference")]
    BadBackReference,
    /// The pattern ends in a backslash.
    #[error("Trailing backslash")]
    TrailingBackslash,
    /// It nests or repeats too much.
    #[error("Regular expression too big")]
    TooBig,
}

/// A parsed pattern.
pub(crate) struct Parsed {
    pub(crate) root: Node,
    /// Groups, without the whole match.
    pub(crate) groups: u32,
    pub(crate) back_references: bool,
}

/// An alternation that is being read: the pattern itself, or a group.
#[derive(Default)]
struct Level {
    /// The group's number; 0 for the pattern.
    group: u32,
    /// Finished alternatives.
    alternatives: Vec<Node>,
    /// The present alternative.
    sequence: Vec<Node>,
}

impl Level {
    fn end_alternative(&mut self) {
        let mut sequence = std::mem::take(&mut self.sequence);
        let node = match (sequence.len(), sequence.pop()) {
            (_, None) => Node::Empty,
            (1, Some(node)) => node,
            (_, Some(last)) => {
                sequence.push(last);
                Node::Concat(sequence)
            }
        };
        self.alternatives.push(node);
    }

    fn finish(mut self) -> Node {
        self.end_alternative();
        match (self.alternatives.len(), self.alternatives.pop()) {
            (1, Some(node)) => node,
            (_, Some(last)) => {
                self.alternatives.push(last);
                Node::Alternate(self.alternatives)
            }
            (_, None) => Node::Empty,
        }
    }
}

/// Reads `pattern`.
pub(crate) fn parse(pattern: &[u8], syntax: &Syntax) -> Result<Parsed, ParseError> {
    let mut parser = Parser {
        pattern,
        at: 0,
        syntax,
        groups: 0,
        closed: Vec::new(),
        back_references: false,
        levels: vec![Level::default()],
    };
    parser.run()?;
    if parser.levels.len() > 1 {
        return Err(ParseError::UnmatchedOpen);
    }
    let root = parser.levels.pop().map_or(Node::Empty, Level::finish);
    Ok(Parsed { root, groups: parser.groups, back_references: parser.back_references })
}

struct Parser<'a> {
    pattern: &'a [u8],
    at: usize,
    syntax: &'a Syntax,
    groups: u32,
    /// Numbers of the groups that have been closed: what a back-reference may name.
    closed: Vec<u32>,
    back_references: bool,
    /// Never empty.
    levels: Vec<Level>,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), ParseError> {
        while let Some(byte) = self.peek(0) {
            if self.syntax.extended
                && self.syntax.strict_operators
                && matches!(byte, b'*' | b'+' | b'?' | b'{')
            {
                let before = self.levels.last().and_then(|level| level.sequence.last());
                if matches!(before, None | Some(Node::Assert(_))) {
                    return Err(ParseError::NothingToRepeat);
                }
            }
            match byte {
                b'\\' => self.escape()?,
                b'[' => {
                    self.at += 1;
                    let class = self.bracket()?;
                    self.push(Node::Class(class));
                }
                b'.' => self.take(1, Node::Any),
                b'*' if self.syntax.extended || !self.at_start() => {
                    self.at += 1;
                    self.repeat(0, None)?;
                    self.check_once()?;
                }
                b'^' if self.syntax.extended || self.at_anchor() => {
                    self.take(1, Node::Assert(Assert::LineStart));
                }
                b'$' if self.syntax.extended || self.at_end_of_basic() => {
                    self.take(1, Node::Assert(Assert::LineEnd));
                }
                b'(' if self.syntax.extended => self.open(1)?,
                b')' if self.syntax.extended => self.close(1)?,
                b'|' if self.syntax.extended => self.alternative(1),
                b'+' if self.syntax.extended => {
                    self.at += 1;
                    self.repeat(1, None)?;
                }
                b'?' if self.syntax.extended => {
                    self.at += 1;
                    self.repeat(0, Some(1))?;
                }
                b'{' if self.syntax.extended && !self.at_start() => {
                    let open = self.at;
                    self.at += 1;
                    match self.interval(self.syntax.strict_operators)? {
                        Some((min, max)) => self.repeat(min, max)?,
                        None => {
                            self.at = open;
                            self.take(1, Node::Char('{'));
                        }
                    }
                }
                _ => {
                    let node = self.character();
                    self.push(node);
                }
            }
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, node: Node) {
        if let Some(level) = self.levels.last_mut() {
            level.sequence.push(node);
        }
    }

    fn take(&mut self, length: usize, node: Node) {
        self.at += length;
        self.push(node);
    }

    /// Nothing stands before in this alternative: where a BRE's `^` is an anchor.
    fn at_anchor(&self) -> bool {
        self.levels.last().is_none_or(|level| level.sequence.is_empty())
    }

    /// Nothing that could be repeated stands before, in this alternative: where a BRE's `*` is a character.
    fn at_start(&self) -> bool {
        self.levels.last().is_none_or(|level| {
            if self.syntax.extended {
                level.sequence.is_empty()
            } else {
                level.sequence.iter().all(|node| matches!(node, Node::Assert(Assert::LineStart)))
            }
        })
    }

    /// A BRE's `$` is an anchor at the end, and before `\)` and `\|`.
    fn at_end_of_basic(&self) -> bool {
        let rest = self.pattern.get(self.at + 1..).unwrap_or_default();
        rest.is_empty() || rest.starts_with(b"\\)") || rest.starts_with(b"\\|") && self.syntax.gnu
    }

    /// The character at the position: a UTF-8 sequence, or a byte.
    fn character(&mut self) -> Node {
        let (node, length) = character(self.rest(), self.syntax.utf8);
        self.at += length;
        node
    }

    fn escape(&mut self) -> Result<(), ParseError> {
        let Some(byte) = self.peek(1) else { return Err(ParseError::TrailingBackslash) };
        let extended = self.syntax.extended;
        match byte {
            b'(' if !extended => return self.open(2),
            b')' if !extended => return self.close(2),
            b'{' if !extended => {
                let at_start = self.at_start();
                self.at += 2;
                if at_start {
                    self.push(Node::Char('{'));
                    return Ok(());
                }
                let (min, max) = self.interval(true)?.ok_or(ParseError::BadInterval)?;
                self.repeat(min, max)?;
                return self.check_once();
            }
            b'}' if !extended => self.take(2, Node::Char('}')),
            b'1'..=b'9' if self.syntax.back_references => {
                let number = u32::from(byte - b'0');
                if !self.closed.contains(&number) {
                    return Err(ParseError::BadBackReference);
                }
                self.back_references = true;
                self.take(2, Node::BackReference(number));
            }
            _ if self.syntax.gnu => match byte {
                b'|' if !extended => self.alternative(2),
                b'+' | b'?' if !extended => {
                    if self.at_start() {
                        self.take(2, Node::Char(char::from(byte)));
                    } else {
                        self.at += 2;
                        let max = (byte == b'?').then_some(1);
                        return self.repeat(u32::from(byte == b'+'), max);
                    }
                }
                b'w' => self.take(2, Node::Class(Class::named(Named::Word, false))),
                b'W' => self.take(2, Node::Class(Class::named(Named::Word, true))),
                b's' => self.take(2, Node::Class(Class::named(Named::Space, false))),
                b'S' => self.take(2, Node::Class(Class::named(Named::Space, true))),
                b'b' => self.take(2, Node::Assert(Assert::WordBoundary)),
                b'B' => self.take(2, Node::Assert(Assert::NotWordBoundary)),
                b'<' => self.take(2, Node::Assert(Assert::WordStart)),
                b'>' => self.take(2, Node::Assert(Assert::WordEnd)),
                b'`' => self.take(2, Node::Assert(Assert::BufferStart)),
                b'\'' => self.take(2, Node::Assert(Assert::BufferEnd)),
                _ => self.escaped_character(),
            },
            _ => self.escaped_character(),
        }
        Ok(())
    }

    fn escaped_character(&mut self) {
        self.at += 1;
        let node = self.character();
        self.push(node);
    }

    fn open(&mut self, length: usize) -> Result<(), ParseError> {
        if self.levels.len() > DEPTH {
            return Err(ParseError::TooBig);
        }
        self.at += length;
        self.groups += 1;
        self.levels.push(Level { group: self.groups, ..Level::default() });
        Ok(())
    }

    fn close(&mut self, length: usize) -> Result<(), ParseError> {
        if self.levels.len() < 2 {
            if self.syntax.extended && self.syntax.lone_close_is_literal {
                self.take(length, Node::Char(')'));
                return Ok(());
            }
            return Err(ParseError::UnmatchedClose);
        }
        self.at += length;
        if let Some(level) = self.levels.pop() {
            let group = level.group;
            self.closed.push(group);
            self.push(Node::Group(group, Box::new(level.finish())));
        }
        Ok(())
    }

    fn alternative(&mut self, length: usize) {
        self.at += length;
        if let Some(level) = self.levels.last_mut() {
            level.end_alternative();
        }
    }

    /// What may not stand behind a repetition of a BRE.
    fn check_once(&self) -> Result<(), ParseError> {
        let again = self.rest().starts_with(b"*") || self.rest().starts_with(b"\\{");
        if again && self.syntax.repeat_once && !self.syntax.extended {
            return Err(ParseError::NothingToRepeat);
        }
        Ok(())
    }

    fn repeat(&mut self, min: u32, max: Option<u32>) -> Result<(), ParseError> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        match level.sequence.pop() {
            // GNU's ERE passes over an operator that has nothing before it.
            None => {}
            // An anchor repeated is the anchor, or nothing.
            Some(Node::Assert(assert)) => {
                let node = Node::Assert(assert);
                level.sequence.push(if min == 0 { Node::Empty } else { node });
            }
            // `a**` is `a*`; also keeps a row of operators from nesting.
            Some(Node::Repeat { node, min: inner_min, max: inner_max })
                if inner_max.is_none() && min <= 1 && (max.is_none() || inner_min == 0) =>
            {
                level.sequence.push(Node::Repeat { node, min: inner_min.min(min), max: None });
            }
            Some(node) => {
                if depth_of_repeats(&node) > DEPTH {
                    return Err(ParseError::TooBig);
                }
                level.sequence.push(Node::Repeat { node: Box::new(node), min, max });
            }
        }
        Ok(())
    }

    /// What follows `{` or `\{`. `None`: in an ERE, an ordinary brace.
    fn interval(&mut self, strict: bool) -> Result<Option<(u32, Option<u32>)>, ParseError> {
        let min = self.number();
        let max = if self.peek(0) == Some(b',') {
            self.at += 1;
            self.number()
        } else {
            min
        };
        let open_ended = self.pattern.get(self.at.wrapping_sub(1)) == Some(&b',');
        let close: &[u8] = if self.syntax.extended { b"}" } else { b"\\}" };
        if !self.rest().starts_with(close) {
            return match (strict, self.rest().is_empty()) {
                (false, _) => Ok(None),
                (true, true) => Err(ParseError::UnmatchedBrace),
                (true, false) if self.syntax.extended => Err(ParseError::BadInterval),
                (true, false) => {
                    let closed = self.rest().windows(2).any(|pair| pair == b"\\}");
                    Err(if closed { ParseError::BadInterval } else { ParseError::UnmatchedBrace })
                }
            };
        }
        if min.is_none() && max.is_none() && !open_ended {
            return Err(ParseError::BadInterval);
        }
        self.at += close.len();
        let (min, max) = (min.unwrap_or(0), if open_ended { None } else { max });
        if min > REPEAT_MAX || max.is_some_and(|max| max > REPEAT_MAX) {
            return Err(ParseError::TooBig);
        }
        if max.is_some_and(|max| max < min) {
            return Err(ParseError::BadInterval);
        }
        Ok(Some((min, max)))
    }

    fn number(&mut self) -> Option<u32> {
        let mut value = None;
        while let Some(digit @ b'0'..=b'9') = self.peek(0) {
            let so_far: u32 = value.unwrap_or(0);
            value = Some(so_far.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
            self.at += 1;
        }
        value
    }

    /// What follows `[`.
    fn bracket(&mut self) -> Result<Class, ParseError> {
        let mut class = Class::default();
        if self.peek(0) == Some(b'^') {
            class.negated = true;
            self.at += 1;
        }
        let first = self.at;
        loop {
            match self.peek(0) {
                None => return Err(ParseError::UnmatchedBracket),
                Some(b']') if self.at > first => {
                    self.at += 1;
                    return Ok(class);
                }
                Some(b'[') if self.peek(1) == Some(b':') => {
                    let name = self.delimited(b':')?;
                    let mut named = Named::from_name(&name).ok_or(ParseError::BadClass)?;
                    if self.syntax.ignore_case && matches!(named, Named::Upper | Named::Lower) {
                        named = Named::Alpha;
                    }
                    class.items.push(Item::Named(named));
                }
                // Not first and not last, it can only make a range.
                Some(b'-') if self.at > first && self.peek(1) != Some(b']') => {
                    return Err(if self.peek(1).is_none() {
                        ParseError::UnmatchedBracket
                    } else {
                        ParseError::BadRange
                    });
                }
                Some(_) => {
                    let start = self.range_end()?;
                    let is_range = self.peek(0) == Some(b'-') && !matches!(self.peek(1), None | Some(b']'));
                    if !is_range {
                        class.items.push(start.item());
                        continue;
                    }
                    self.at += 1;
                    let end = self.range_end()?;
                    class.items.extend(range(start, end)?);
                }
            }
        }
    }

    /// A character, or `[.x.]`, or `[=x=]`.
    fn range_end(&mut self) -> Result<RangeEnd, ParseError> {
        let (node, length) = match (self.peek(0), self.peek(1)) {
            (Some(b'['), Some(kind @ (b'.' | b'='))) => {
                let element = self.delimited(kind)?;
                let (node, length) = character(&element, self.syntax.utf8);
                if length != element.len() || length == 0 {
                    // In the C.UTF-8 locale a character has no name but itself.
                    return Err(ParseError::BadCollation);
                }
                (node, 0)
            }
            _ => character(self.rest(), self.syntax.utf8),
        };
        self.at += length;
        match node {
            Node::Char(char) => Ok(RangeEnd::Char(char)),
            Node::Byte(byte) => Ok(RangeEnd::Byte(byte)),
            _ => Err(ParseError::UnmatchedBracket),
        }
    }

    /// The inside of `[:name:]` and its like; the position is at the first bracket.
    fn delimited(&mut self, mark: u8) -> Result<Vec<u8>, ParseError> {
        let inside = self.pattern.get(self.at + 2..).unwrap_or_default();
        let length =
            inside.windows(2).position(|pair| pair == [mark, b']']).ok_or(ParseError::UnmatchedBracket)?;
        self.at += length + 4;
        Ok(inside.get(..length).unwrap_or_default().to_vec())
    }
}

/// One end of a range.
#[derive(Clone, Copy)]
enum RangeEnd {
    Char(char),
    Byte(u8),
}

impl RangeEnd {
    fn item(self) -> Item {
        match self {
            Self::Char(char) => Item::Range(char, char),
            Self::Byte(byte) => Item::Byte(byte),
        }
    }
}

fn range(start: RangeEnd, end: RangeEnd) -> Result<Vec<Item>, ParseError> {
    match (start, end) {
        (RangeEnd::Char(first), RangeEnd::Char(last)) if first <= last => Ok(vec![Item::Range(first, last)]),
        (RangeEnd::Byte(first), RangeEnd::Byte(last)) if first <= last => {
            Ok((first..=last).map(Item::Byte).collect())
        }
        // From ASCII up into bytes: only where characters are bytes.
        (RangeEnd::Char(first), RangeEnd::Byte(last)) if first.is_ascii() => {
            let mut items = vec![Item::Range(first, '\x7f')];
            items.extend((0x80..=last).map(Item::Byte));
            Ok(items)
        }
        _ => Err(ParseError::BadRange),
    }
}

/// The first character of `text` and its length in bytes, which is 0 only for an empty text.
fn character(text: &[u8], utf8: bool) -> (Node, usize) {
    let Some(&first) = text.first() else { return (Node::Empty, 0) };
    if first.is_ascii() {
        return (Node::Char(char::from(first)), 1);
    }
    if utf8 {
        let head = text.get(..text.len().min(4)).unwrap_or_default();
        let valid = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => {
                head.get(..error.valid_up_to()).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or("")
            }
        };
        if let Some(char) = valid.chars().next() {
            return (Node::Char(char), char.len_utf8());
        }
    }
    (Node::Byte(first), 1)
}

/// How many repetitions stand directly inside each other.
fn depth_of_repeats(node: &Node) -> usize {
    let mut depth = 0;
    let mut node = node;
    while let Node::Repeat { node: inner, .. } = node {
        depth += 1;
        node = inner;
    }
    depth
}
