//! Patterns with extended globs: a nondeterministic automaton whose states are followed all at once.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::bracket::Bracket;
use super::{Ext, Token, first_char, matches_one};

#[derive(Clone, Debug)]
pub(super) struct Automaton {
    code: Vec<Op>,
    brackets: Vec<Bracket>,
    nocase: bool,
    /// Reads the text from its end.
    backward: bool,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// Takes one character.
    One(Token),
    /// Goes on at both.
    Split(u32, u32),
    Jump(u32),
    /// What the code at `inner` does not match, then goes on at `next`.
    Not {
        inner: u32,
        next: u32,
    },
    Fail,
    Accept,
}

/// An extended glob that is being compiled.
struct Open {
    kind: Ext,
    entry: usize,
    /// The `Split` before the current alternative.
    chain: usize,
    /// Jumps at the ends of alternatives.
    ends: Vec<usize>,
}

impl Automaton {
    pub(super) fn new(tokens: &[Token], brackets: &[Bracket], nocase: bool, backward: bool) -> Self {
        let mut code = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        let mut compile = |token: Token| match token {
            Token::Star => {
                let at = code.len() as u32;
                code.extend([Op::Split(at + 3, at + 1), Op::One(Token::Any), Op::Jump(at)]);
            }
            Token::Open(kind) => {
                let entry = code.len();
                code.extend([Op::Jump(entry as u32 + 1), Op::Split(entry as u32 + 2, 0)]);
                open.push(Open { kind, entry, chain: entry + 1, ends: Vec::new() });
            }
            Token::Alternative => {
                if let Some(open) = open.last_mut() {
                    open.ends.push(code.len());
                    code.push(Op::Fail);
                    let chain = code.len();
                    code[open.chain] = Op::Split(open.chain as u32 + 1, chain as u32);
                    code.push(Op::Split(chain as u32 + 1, 0));
                    open.chain = chain;
                }
            }
            Token::Close(_) => {
                if let Some(mut open) = open.pop() {
                    open.ends.push(code.len());
                    code.push(Op::Fail);
                    let fail = code.len();
                    code.push(Op::Fail);
                    code[open.chain] = Op::Split(open.chain as u32 + 1, fail as u32);
                    let body = open.entry as u32 + 1;
                    let end = code.len() as u32;
                    let target = match open.kind {
                        Ext::One => end,
                        Ext::Optional => {
                            code[open.entry] = Op::Split(body, end);
                            end
                        }
                        Ext::Any => {
                            code[open.entry] = Op::Split(body, end);
                            open.entry as u32
                        }
                        Ext::Some => {
                            code.push(Op::Split(body, end + 1));
                            end
                        }
                        Ext::Not => {
                            code.push(Op::Accept);
                            code[open.entry] = Op::Not { inner: body, next: end + 1 };
                            end
                        }
                    };
                    for at in open.ends {
                        code[at] = Op::Jump(target);
                    }
                }
            }
            token => code.push(Op::One(token)),
        };
        if backward {
            for &token in tokens.iter().rev() {
                compile(match token {
                    Token::Close(kind) => Token::Open(kind),
                    Token::Open(kind) => Token::Close(kind),
                    token => token,
                });
            }
        } else {
            tokens.iter().copied().for_each(&mut compile);
        }
        code.push(Op::Accept);
        Automaton { code, brackets: brackets.to_vec(), nocase, backward }
    }

    /// The characters of the text in reading order, each with the offset (from the end where reading starts)
    /// after it.
    fn chars(&self, text: &[u8]) -> Vec<(u32, usize)> {
        let mut out = Vec::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let (c, len) = first_char(&text[at..]);
            at += len.max(1);
            out.push((c, at));
        }
        if self.backward {
            let starts: Vec<usize> = std::iter::once(0).chain(out.iter().map(|(_, end)| *end)).collect();
            out = out.iter().zip(starts).map(|((c, _), start)| (*c, text.len() - start)).rev().collect();
        }
        out
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let chars = self.chars(text);
        let mut run = Run::new(self, &chars);
        run.ends(0, 0).binary_search(&chars.len()).is_ok()
    }

    /// Of a text that begins with a dot which only an explicit one matches.
    pub(super) fn is_match_of_hidden(&self, text: &[u8]) -> bool {
        let chars = self.chars(text);
        let mut run = Run::new(self, &chars);
        run.hidden = true;
        run.ends(0, 0).binary_search(&chars.len()).is_ok()
    }

    /// The length in bytes of the shortest or longest part from where reading starts that matches.
    pub(super) fn prefix(&self, text: &[u8], longest: bool) -> Option<usize> {
        let chars = self.chars(text);
        let mut run = Run::new(self, &chars);
        let ends = run.ends(0, 0);
        let count = if longest { ends.last() } else { ends.first() };
        count.map(|count| offset(&chars, *count))
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<Range<usize>> {
        let chars = self.chars(text);
        let mut run = Run::new(self, &chars);
        (0..=chars.len()).find_map(|start| {
            let end = *run.ends(0, start).last()?;
            Some(offset(&chars, start)..offset(&chars, end))
        })
    }
}

/// The offset after `count` characters.
fn offset(chars: &[(u32, usize)], count: usize) -> usize {
    match count.checked_sub(1) {
        Some(last) => chars.get(last).map_or(0, |(_, end)| *end),
        None => 0,
    }
}

/// One use of an automaton on a text.
struct Run<'a> {
    automaton: &'a Automaton,
    chars: &'a [(u32, usize)],
    /// The first character is a dot that only an explicit one matches.
    hidden: bool,
    /// For an entry and a start: where matches end, ascending.
    known: HashMap<(u32, usize), Rc<[usize]>>,
}

/// A simulation that has been begun: the states of the code from `entry` on for a text from `start` on.
struct Simulation {
    entry: u32,
    start: usize,
    at: usize,
    /// States before the character at `at`, closed under jumps up to `done`.
    states: Vec<u32>,
    done: usize,
    seen: Vec<bool>,
    /// `!(…)` that have begun: where they do not end, and what follows.
    waiting: Vec<(Rc<[usize]>, u32)>,
    ends: Vec<usize>,
}

impl<'a> Run<'a> {
    fn new(automaton: &'a Automaton, chars: &'a [(u32, usize)]) -> Self {
        Run { automaton, chars, hidden: false, known: HashMap::new() }
    }

    fn simulation(&self, entry: u32, start: usize) -> Simulation {
        let mut seen = vec![false; self.automaton.code.len()];
        if let Some(seen) = seen.get_mut(entry as usize) {
            *seen = true;
        }
        Simulation {
            entry,
            start,
            at: start,
            states: vec![entry],
            done: 0,
            seen,
            waiting: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Where matches of the code at `entry` end if they begin at `start`. Simulations that need the result of
    /// another wait on a stack of their own.
    fn ends(&mut self, entry: u32, start: usize) -> Rc<[usize]> {
        let mut stack = vec![self.simulation(entry, start)];
        while let Some(mut simulation) = stack.pop() {
            match self.advance(&mut simulation) {
                Some(needed) => {
                    stack.push(simulation);
                    stack.push(self.simulation(needed.0, needed.1));
                }
                None => {
                    let ends: Rc<[usize]> = simulation.ends.into();
                    if stack.is_empty() {
                        return ends;
                    }
                    self.known.insert((simulation.entry, simulation.start), ends);
                }
            }
        }
        Rc::new([])
    }

    /// Runs a simulation to its end, or until it needs the ends of an inner one.
    fn advance(&self, s: &mut Simulation) -> Option<(u32, usize)> {
        fn add(s: &mut Simulation, state: u32) {
            if let Some(seen) = s.seen.get_mut(state as usize)
                && !*seen
            {
                *seen = true;
                s.states.push(state);
            }
        }
        loop {
            while let Some(&state) = s.states.get(s.done) {
                match self.automaton.code.get(state as usize).copied().unwrap_or(Op::Fail) {
                    Op::Jump(a) => add(s, a),
                    Op::Split(a, b) => {
                        add(s, a);
                        add(s, b);
                    }
                    Op::Not { .. } if self.hidden && s.at == 0 => {}
                    Op::Not { inner, next } => {
                        let Some(ends) = self.known.get(&(inner, s.at)) else { return Some((inner, s.at)) };
                        if ends.binary_search(&s.at).is_err() {
                            add(s, next);
                        }
                        s.waiting.push((ends.clone(), next));
                    }
                    Op::Accept => s.ends.push(s.at),
                    Op::One(_) | Op::Fail => {}
                }
                s.done += 1;
            }
            let (c, _) = *self.chars.get(s.at)?;
            let explicit = self.hidden && s.at == 0;
            s.at += 1;
            s.seen.fill(false);
            let states = std::mem::take(&mut s.states);
            s.done = 0;
            for state in states {
                if let Some(Op::One(token)) = self.automaton.code.get(state as usize)
                    && (!explicit || matches!(token, Token::Char(_)))
                    && matches_one(*token, c, &self.automaton.brackets, self.automaton.nocase)
                {
                    add(s, state + 1);
                }
            }
            for i in 0..s.waiting.len() {
                if s.waiting[i].0.binary_search(&s.at).is_err() {
                    let next = s.waiting[i].1;
                    add(s, next);
                }
            }
            if s.states.is_empty() && s.waiting.is_empty() {
                return None;
            }
        }
    }
}
