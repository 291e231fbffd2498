//! The matcher for patterns with back-references, which no automaton can follow.
//!
//! It tries alternatives in the order written and repetitions greedily, on an explicit stack. Its work can
//! grow exponentially with the haystack, as that of any such matcher, so it is counted and bounded.

use crate::Syntax;
use crate::ast::{Assert, Node};
use crate::class::{Class, Named};
use crate::regex::{BuildError, Exhausted, Span};

/// Instructions of a program; repetitions with counts are written out, so this bounds them.
const PROGRAM_MAX: usize = 1 << 18;
/// Instructions executed for one search: a part of a second of work.
const STEPS_MAX: u64 = 20_000_000;

#[derive(Debug, Clone)]
enum Instruction {
    Char(char),
    Byte(u8),
    Any,
    Class(Class),
    Assert(Assert),
    /// Remembers the position in a slot.
    Save(usize),
    /// Tries the first, then the second.
    Split(usize, usize),
    Jump(usize),
    BackReference(usize),
    /// Remembers the position where a round of a repetition starts.
    Round(usize),
    /// Fails when the round has matched nothing: it would never end.
    Progress(usize),
    Match,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Backtracker {
    program: Vec<Instruction>,
    slots: usize,
    rounds: usize,
    syntax: Syntax,
}

/// What is put back, or tried next, when a path fails.
enum Choice {
    Try { at: usize, position: usize },
    Slot { index: usize, value: Option<usize> },
    Round { index: usize, value: usize },
}

impl Backtracker {
    pub(crate) fn new(root: &Node, groups: u32, syntax: &Syntax) -> Result<Self, BuildError> {
        let mut compiler = Compiler { program: Vec::new(), rounds: 0 };
        compiler.node(root)?;
        compiler.push(Instruction::Match)?;
        let slots = (groups as usize + 1) * 2;
        Ok(Self { program: compiler.program, slots, rounds: compiler.rounds, syntax: *syntax })
    }

    /// The leftmost match that starts at `from` or later: the spans of the whole and of each group.
    pub(crate) fn search(
        &self,
        haystack: &[u8],
        from: usize,
    ) -> Result<Option<Vec<Option<Span>>>, Exhausted> {
        let mut steps = 0;
        let mut start = from;
        while start <= haystack.len() {
            if let Some(spans) = self.match_at(haystack, start, &mut steps)? {
                return Ok(Some(spans));
            }
            start += self.next(haystack, start).map_or(1, |(_, length)| length);
        }
        Ok(None)
    }

    fn match_at(
        &self,
        haystack: &[u8],
        start: usize,
        steps: &mut u64,
    ) -> Result<Option<Vec<Option<Span>>>, Exhausted> {
        let mut slots: Vec<Option<usize>> = vec![None; self.slots];
        let mut rounds = vec![usize::MAX; self.rounds];
        let mut choices = vec![Choice::Try { at: 0, position: start }];
        while let Some(choice) = choices.pop() {
            let (mut at, mut position) = match choice {
                Choice::Slot { index, value } => {
                    set(&mut slots, index, value);
                    continue;
                }
                Choice::Round { index, value } => {
                    set(&mut rounds, index, value);
                    continue;
                }
                Choice::Try { at, position } => (at, position),
            };
            loop {
                *steps += 1;
                if *steps > STEPS_MAX {
                    return Err(Exhausted { steps: STEPS_MAX });
                }
                let Some(instruction) = self.program.get(at) else { break };
                at += 1;
                let advanced = match instruction {
                    Instruction::Match => {
                        set(&mut slots, 0, Some(start));
                        set(&mut slots, 1, Some(position));
                        let spans = slots.chunks_exact(2).map(|pair| match pair {
                            [Some(start), Some(end)] => Some(Span { start: *start, end: *end }),
                            _ => None,
                        });
                        return Ok(Some(spans.collect()));
                    }
                    Instruction::Jump(to) => {
                        at = *to;
                        Some(0)
                    }
                    Instruction::Split(first, second) => {
                        choices.push(Choice::Try { at: *second, position });
                        at = *first;
                        Some(0)
                    }
                    Instruction::Save(index) => {
                        let value = slots.get(*index).copied().flatten();
                        choices.push(Choice::Slot { index: *index, value });
                        set(&mut slots, *index, Some(position));
                        Some(0)
                    }
                    Instruction::Round(index) => {
                        let value = rounds.get(*index).copied().unwrap_or(usize::MAX);
                        choices.push(Choice::Round { index: *index, value });
                        set(&mut rounds, *index, position);
                        Some(0)
                    }
                    Instruction::Progress(index) => (rounds.get(*index) != Some(&position)).then_some(0),
                    Instruction::Assert(assert) => self.holds(*assert, haystack, position).then_some(0),
                    Instruction::BackReference(group) => {
                        self.back_reference(haystack, position, &slots, *group)
                    }
                    Instruction::Byte(byte) => (haystack.get(position) == Some(byte)).then_some(1),
                    Instruction::Char(want) => {
                        self.character(haystack, position, |char| self.same(char, *want))
                    }
                    Instruction::Any => self.any(haystack, position),
                    Instruction::Class(class) => self.class(haystack, position, class),
                };
                match advanced {
                    Some(length) => position += length,
                    None => break,
                }
            }
        }
        Ok(None)
    }

    /// The character at `position` and its length; a byte that is no character is `None` with length 1.
    fn next(&self, haystack: &[u8], position: usize) -> Option<(Option<char>, usize)> {
        let rest = haystack.get(position..)?;
        let first = *rest.first()?;
        if first.is_ascii() {
            return Some((Some(char::from(first)), 1));
        }
        if !self.syntax.utf8 {
            return Some((None, 1));
        }
        let head = rest.get(..rest.len().min(4))?;
        let valid = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).unwrap_or(""),
        };
        Some(valid.chars().next().map_or((None, 1), |char| (Some(char), char.len_utf8())))
    }

    fn character(&self, haystack: &[u8], position: usize, test: impl Fn(char) -> bool) -> Option<usize> {
        match self.next(haystack, position)? {
            (Some(char), length) if test(char) => Some(length),
            _ => None,
        }
    }

    fn any(&self, haystack: &[u8], position: usize) -> Option<usize> {
        match self.next(haystack, position)? {
            (None, _) if self.syntax.utf8 => None,
            (_, length) => Some(length),
        }
    }

    fn class(&self, haystack: &[u8], position: usize, class: &Class) -> Option<usize> {
        match self.next(haystack, position)? {
            (Some(char), length) => {
                class.contains(char, self.syntax.utf8, self.syntax.ignore_case).then_some(length)
            }
            (None, length) => {
                let byte = haystack.get(position)?;
                let listed = class.items.contains(&crate::class::Item::Byte(*byte));
                // In UTF-8 a byte that is no character is in no complement.
                let matches =
                    if self.syntax.utf8 { listed && !class.negated } else { listed != class.negated };
                matches.then_some(length)
            }
        }
    }

    fn same(&self, a: char, b: char) -> bool {
        a == b || self.syntax.ignore_case && a.to_lowercase().eq(b.to_lowercase())
    }

    fn back_reference(
        &self,
        haystack: &[u8],
        position: usize,
        slots: &[Option<usize>],
        group: usize,
    ) -> Option<usize> {
        let start = (*slots.get(group * 2)?)?;
        let end = (*slots.get(group * 2 + 1)?)?;
        let text = haystack.get(start..end)?;
        let rest = haystack.get(position..)?;
        if !self.syntax.ignore_case {
            return rest.starts_with(text).then_some(text.len());
        }
        let (mut theirs, mut ours) = (start, position);
        while theirs < end {
            let (want, length) = self.next(haystack, theirs)?;
            let (got, got_length) = self.next(haystack, ours)?;
            let same = match (want, got) {
                (Some(want), Some(got)) => self.same(want, got),
                (None, None) => haystack.get(theirs) == haystack.get(ours),
                _ => false,
            };
            if !same {
                return None;
            }
            theirs += length;
            ours += got_length;
        }
        Some(ours - position)
    }

    fn holds(&self, assert: Assert, haystack: &[u8], position: usize) -> bool {
        let before = position.checked_sub(1).and_then(|index| haystack.get(index));
        let after = haystack.get(position);
        let word = |byte: Option<&u8>| {
            byte.is_some_and(|&byte| {
                Named::Word.contains(char::from(byte), false) || self.syntax.utf8 && byte >= 0x80
            })
        };
        match assert {
            Assert::LineStart => {
                position == 0 || self.syntax.multiline && before == Some(&self.syntax.line_terminator)
            }
            Assert::LineEnd => {
                position == haystack.len()
                    || self.syntax.multiline && after == Some(&self.syntax.line_terminator)
            }
            Assert::BufferStart => position == 0,
            Assert::BufferEnd => position == haystack.len(),
            Assert::WordStart => !word(before) && word(after),
            Assert::WordEnd => word(before) && !word(after),
            Assert::WordBoundary => word(before) != word(after),
            Assert::NotWordBoundary => word(before) == word(after),
        }
    }
}

/// Sets an element that is known to be there.
fn set<T>(list: &mut [T], index: usize, value: T) {
    if let Some(place) = list.get_mut(index) {
        *place = value;
    }
}

struct Compiler {
    program: Vec<Instruction>,
    rounds: usize,
}

impl Compiler {
    fn push(&mut self, instruction: Instruction) -> Result<usize, BuildError> {
        if self.program.len() >= PROGRAM_MAX {
            return Err(BuildError::TooBig);
        }
        self.program.push(instruction);
        Ok(self.program.len() - 1)
    }

    fn here(&self) -> usize {
        self.program.len()
    }

    fn patch(&mut self, at: usize, instruction: Instruction) {
        set(&mut self.program, at, instruction);
    }

    fn node(&mut self, node: &Node) -> Result<(), BuildError> {
        match node {
            Node::Empty => {}
            Node::Char(char) => drop(self.push(Instruction::Char(*char))?),
            Node::Byte(byte) => drop(self.push(Instruction::Byte(*byte))?),
            Node::Any => drop(self.push(Instruction::Any)?),
            Node::Class(class) => drop(self.push(Instruction::Class(class.clone()))?),
            Node::Assert(assert) => drop(self.push(Instruction::Assert(*assert))?),
            Node::BackReference(group) => drop(self.push(Instruction::BackReference(*group as usize))?),
            Node::Group(number, inner) => {
                let slot = *number as usize * 2;
                self.push(Instruction::Save(slot))?;
                self.node(inner)?;
                self.push(Instruction::Save(slot + 1))?;
            }
            Node::Concat(nodes) => {
                for inner in nodes {
                    self.node(inner)?;
                }
            }
            Node::Alternate(nodes) => {
                let mut jumps = Vec::new();
                for (index, inner) in nodes.iter().enumerate() {
                    if index + 1 == nodes.len() {
                        self.node(inner)?;
                        break;
                    }
                    let split = self.push(Instruction::Split(0, 0))?;
                    self.node(inner)?;
                    jumps.push(self.push(Instruction::Jump(0))?);
                    let next = self.here();
                    self.patch(split, Instruction::Split(split + 1, next));
                }
                let end = self.here();
                for jump in jumps {
                    self.patch(jump, Instruction::Jump(end));
                }
            }
            Node::Repeat { node, min, max } => {
                for _ in 0..*min {
                    self.node(node)?;
                }
                match max {
                    None => {
                        let round = self.rounds;
                        self.rounds += 1;
                        let split = self.push(Instruction::Split(0, 0))?;
                        self.push(Instruction::Round(round))?;
                        self.node(node)?;
                        self.push(Instruction::Progress(round))?;
                        self.push(Instruction::Jump(split))?;
                        let end = self.here();
                        self.patch(split, Instruction::Split(split + 1, end));
                    }
                    Some(max) => {
                        let mut splits = Vec::new();
                        for _ in *min..*max {
                            splits.push(self.push(Instruction::Split(0, 0))?);
                            self.node(node)?;
                        }
                        let end = self.here();
                        for split in splits {
                            self.patch(split, Instruction::Split(split + 1, end));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}
