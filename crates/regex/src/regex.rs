//! A compiled regular expression, and searching with it.

use std::cell::RefCell;

use regex_automata::meta;
use regex_automata::nfa::thompson::{self, pikevm};
use regex_automata::util::{captures, syntax as regex_syntax};
use regex_automata::{Anchored, Input, MatchKind, hybrid};
use thiserror::Error;

use crate::Syntax;
use crate::ast::{Assert, Node};
use crate::backtrack::Backtracker;
use crate::parse::{ParseError, parse};
use crate::translate::translate;

/// Bytes that a compiled automaton may need.
const SIZE_MAX: usize = 64 << 20;

/// Why a pattern cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// It is no regular expression.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It needs more than the automaton may hold.
    #[error("Regular expression too big")]
    TooBig,
}

/// A search with back-references was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("back-references need more than {steps} steps; the search was given up")]
pub struct Exhausted {
    /// How many were tried.
    pub steps: u64,
}

/// A part of the haystack, in bytes, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: usize,
    /// Where it is over.
    pub end: usize,
}

impl Span {
    /// The bytes it covers.
    pub fn of(self, haystack: &[u8]) -> &[u8] {
        haystack.get(self.start..self.end).unwrap_or_default()
    }
}

/// The spans of a match: the whole first, then one for each group, `None` for a group without part in it.
pub type Captures = Vec<Option<Span>>;

/// A compiled regular expression.
///
/// Not `Sync`: the caches that a search fills belong to it.
pub struct Regex {
    groups: u32,
    matcher: Matcher,
}

enum Matcher {
    Automaton(Box<Automaton>),
    /// Where the automaton, which takes a back-reference for any match of its group, finds nothing, nothing is.
    Backtracker(Box<Backtracker>, Option<Box<Automaton>>),
}

/// `meta` finds where a match begins, and prefers the first alternative; the longest end comes from a
/// search anchored there.
struct Automaton {
    meta: meta::Regex,
    /// `None`: the first match is the longest.
    longest: Option<Longest>,
}

/// Finds the longest match from a place on.
struct Longest {
    dfa: Option<(hybrid::dfa::DFA, RefCell<hybrid::dfa::Cache>)>,
    /// For what the DFA cannot do: word boundaries beside characters that are not ASCII.
    vm: pikevm::PikeVM,
    vm_cache: RefCell<pikevm::Cache>,
    /// The groups of a match whose end is known: the pattern with an anchor behind.
    whole: meta::Regex,
}

impl std::fmt::Debug for Regex {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Regex").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl Regex {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// It is no regular expression, or too large a one.
    pub fn new(pattern: &[u8], syntax: &Syntax) -> Result<Self, BuildError> {
        let parsed = parse(pattern, syntax)?;
        let matcher = if parsed.back_references {
            let superset = parsed.root.without_back_references();
            let superset = superset.and_then(|root| Automaton::new(&root, syntax).ok()).map(Box::new);
            Matcher::Backtracker(Box::new(Backtracker::new(&parsed.root, parsed.groups, syntax)?), superset)
        } else {
            Matcher::Automaton(Box::new(Automaton::new(&parsed.root, syntax)?))
        };
        Ok(Self { groups: parsed.groups, matcher })
    }

    /// Compiles several patterns that match when one of them does, as `grep -e A -e B` wants. Groups are
    /// numbered through all of them.
    ///
    /// # Errors
    /// One of them is no regular expression, or together they are too large.
    pub fn any_of(patterns: &[&[u8]], syntax: &Syntax) -> Result<Self, BuildError> {
        let mut nodes = Vec::new();
        for pattern in patterns {
            let parsed = parse(pattern, syntax)?;
            if parsed.back_references {
                return Self::joined(patterns, syntax);
            }
            nodes.push(parsed.root);
        }
        let root = if nodes.len() == 1 { nodes.pop().unwrap_or(Node::Empty) } else { Node::Alternate(nodes) };
        let automaton = Automaton::new(&root, syntax)?;
        let groups = automaton.meta.captures_len().saturating_sub(1);
        let groups = u32::try_from(groups).map_err(|_| BuildError::TooBig)?;
        Ok(Self { groups, matcher: Matcher::Automaton(Box::new(automaton)) })
    }

    /// Patterns that match only the whole haystack, one of them. `None`: with back-references there is no such thing.
    ///
    /// # Errors
    /// As [`any_of`](Self::any_of).
    pub fn whole_of(patterns: &[&[u8]], syntax: &Syntax) -> Result<Option<Self>, BuildError> {
        let mut nodes = Vec::new();
        for pattern in patterns {
            let parsed = parse(pattern, syntax)?;
            if parsed.back_references {
                return Ok(None);
            }
            nodes.push(parsed.root);
        }
        let ends = [Node::Assert(Assert::BufferStart), Node::Assert(Assert::BufferEnd)];
        let [start, end] = ends;
        let root = Node::Concat(vec![start, Node::Alternate(nodes), end]);
        let automaton = Automaton::new(&root, syntax)?;
        Ok(Some(Self { groups: 0, matcher: Matcher::Automaton(Box::new(automaton)) }))
    }

    /// With back-references the patterns must be one text, so that their groups are numbered anew.
    fn joined(patterns: &[&[u8]], syntax: &Syntax) -> Result<Self, BuildError> {
        match patterns {
            [pattern] => Self::new(pattern, syntax),
            _ => {
                let bar: &[u8] = if syntax.extended { b"|" } else { b"\\|" };
                Self::new(&patterns.join(bar), syntax)
            }
        }
    }

    /// How many groups the pattern has, the whole match not counted.
    pub fn groups(&self) -> u32 {
        self.groups
    }

    /// Whether there is a match anywhere.
    ///
    /// # Errors
    /// [`Exhausted`]; only with back-references.
    pub fn is_match(&self, haystack: &[u8]) -> Result<bool, Exhausted> {
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.meta.is_match(haystack)),
            Matcher::Backtracker(..) => Ok(self.backtrack(haystack, 0)?.is_some()),
        }
    }

    /// The end of a match that is the first one from `from` on; where it begins, and whether another one at that
    /// place is longer, is not asked. Of all searches it reads the haystack the fewest times.
    ///
    /// # Errors
    /// [`Exhausted`]; only with back-references.
    pub fn find_end(&self, haystack: &[u8], from: usize) -> Result<Option<usize>, Exhausted> {
        if from > haystack.len() {
            return Ok(None);
        }
        match &self.matcher {
            Matcher::Automaton(automaton) => {
                let found = automaton.meta.search_half(&Input::new(haystack).range(from..));
                Ok(found.map(|found| found.offset()))
            }
            Matcher::Backtracker(..) => Ok(self.find_at(haystack, from)?.map(|span| span.end)),
        }
    }

    fn backtrack(&self, haystack: &[u8], from: usize) -> Result<Option<Captures>, Exhausted> {
        let Matcher::Backtracker(backtracker, superset) = &self.matcher else { return Ok(None) };
        let found =
            superset.as_ref().map(|superset| superset.meta.search(&Input::new(haystack).range(from..)));
        match found {
            Some(None) => Ok(None),
            // No match can begin before the first one that it finds.
            Some(Some(found)) => backtracker.search(haystack, found.start()),
            None => backtracker.search(haystack, from),
        }
    }

    /// The leftmost-longest match that begins at `from` or later. What stands before `from` still counts for
    /// `^` and word boundaries.
    ///
    /// # Errors
    /// [`Exhausted`]; only with back-references.
    pub fn find_at(&self, haystack: &[u8], from: usize) -> Result<Option<Span>, Exhausted> {
        if from > haystack.len() {
            return Ok(None);
        }
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.find(haystack, from)),
            Matcher::Backtracker(..) => {
                Ok(self.backtrack(haystack, from)?.and_then(|spans| spans.first().copied().flatten()))
            }
        }
    }

    /// As [`Self::find_at`], with the groups.
    ///
    /// # Errors
    /// [`Exhausted`]; only with back-references.
    pub fn captures_at(&self, haystack: &[u8], from: usize) -> Result<Option<Captures>, Exhausted> {
        if from > haystack.len() {
            return Ok(None);
        }
        match &self.matcher {
            Matcher::Automaton(automaton) => Ok(automaton.captures(haystack, from)),
            Matcher::Backtracker(..) => self.backtrack(haystack, from),
        }
    }
}

fn syntax_config(syntax: &Syntax) -> regex_syntax::Config {
    regex_syntax::Config::new()
        .utf8(false)
        .case_insensitive(syntax.ignore_case)
        .line_terminator(syntax.line_terminator)
        .nest_limit(2_000)
}

/// Where lines begin and end.
fn look_matcher(syntax: &Syntax) -> regex_automata::util::look::LookMatcher {
    let mut matcher = regex_automata::util::look::LookMatcher::new();
    matcher.set_line_terminator(syntax.line_terminator);
    matcher
}

fn build_meta(pattern: &str, syntax: &Syntax) -> Result<meta::Regex, BuildError> {
    meta::Builder::new()
        .syntax(syntax_config(syntax))
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .line_terminator(syntax.line_terminator)
                .nfa_size_limit(Some(SIZE_MAX)),
        )
        .build(pattern)
        .map_err(|_| BuildError::TooBig)
}

impl Automaton {
    fn new(root: &Node, syntax: &Syntax) -> Result<Self, BuildError> {
        let pattern = translate(root, syntax);
        let meta = build_meta(&pattern, syntax)?;
        let differs = root.ambiguity() > 1 && root.literal().is_none();
        let longest = if differs { Some(Longest::new(&pattern, syntax)?) } else { None };
        Ok(Self { meta, longest })
    }

    fn find(&self, haystack: &[u8], from: usize) -> Option<Span> {
        let found = self.meta.search(&Input::new(haystack).range(from..))?;
        let end = match &self.longest {
            None => found.end(),
            Some(longest) => longest.end(haystack, found.start()).unwrap_or(found.end()),
        };
        Some(Span { start: found.start(), end })
    }

    fn captures(&self, haystack: &[u8], from: usize) -> Option<Captures> {
        let mut captures = self.meta.create_captures();
        self.meta.search_captures(&Input::new(haystack).range(from..), &mut captures);
        let found = captures.get_match()?;
        if let Some(longest) = &self.longest
            && let Some(end) = longest.end(haystack, found.start())
            && end > found.end()
        {
            let input = haystack.get(..end)?;
            let input = Input::new(input).range(found.start()..).anchored(Anchored::Yes);
            let mut whole = longest.whole.create_captures();
            longest.whole.search_captures(&input, &mut whole);
            if whole.is_match() {
                return Some(spans(&whole));
            }
            // What stands behind the end decides about the end: only the whole is known.
            let mut only: Captures = vec![None; captures.group_len()];
            if let Some(first) = only.first_mut() {
                *first = Some(Span { start: found.start(), end });
            }
            return Some(only);
        }
        Some(spans(&captures))
    }
}

fn spans(captures: &captures::Captures) -> Captures {
    captures.iter().map(|span| span.map(|span| Span { start: span.start, end: span.end })).collect()
}

impl Longest {
    fn new(pattern: &str, syntax: &Syntax) -> Result<Self, BuildError> {
        let nfa = thompson::Config::new()
            .utf8(false)
            .look_matcher(look_matcher(syntax))
            .which_captures(thompson::WhichCaptures::Implicit)
            .nfa_size_limit(Some(SIZE_MAX));
        let nfa = thompson::Compiler::new()
            .syntax(syntax_config(syntax))
            .configure(nfa)
            .build(pattern)
            .map_err(|_| BuildError::TooBig)?;
        let dfa = hybrid::dfa::Builder::new()
            .configure(
                hybrid::dfa::Config::new()
                    .match_kind(MatchKind::All)
                    .unicode_word_boundary(true)
                    .skip_cache_capacity_check(true),
            )
            .build_from_nfa(nfa.clone())
            .ok()
            .map(|dfa| {
                let cache = RefCell::new(dfa.create_cache());
                (dfa, cache)
            });
        let vm = pikevm::Builder::new()
            .configure(pikevm::Config::new().match_kind(MatchKind::All))
            .build_from_nfa(nfa)
            .map_err(|_| BuildError::TooBig)?;
        let vm_cache = RefCell::new(vm.create_cache());
        Ok(Self { dfa, vm, vm_cache, whole: build_meta(&format!("(?:{pattern})\\z"), syntax)? })
    }

    /// The end of the longest match that begins at `start`.
    fn end(&self, haystack: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(haystack).range(start..).anchored(Anchored::Yes);
        if let Some((dfa, cache)) = &self.dfa
            && let Ok(found) = dfa.try_search_fwd(&mut cache.borrow_mut(), &input)
        {
            return found.map(|found| found.offset());
        }
        let mut slots = [None; 2];
        self.vm.search_slots(&mut self.vm_cache.borrow_mut(), &input, &mut slots)?;
        slots[1].map(regex_automata::util::primitives::NonMaxUsize::get)
    }
}
