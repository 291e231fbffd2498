//! Brace expansion (bash manual "Brace Expansion").
//!
//! The words that a word expands to are counted, not listed: each is made when it is asked for, so
//! `{1..1000000000}` costs nothing until it is used.

use crate::ast::{Ast, Part, Str, Word};

/// The expansion of a word that has valid braces in it.
#[derive(Clone, Debug)]
pub struct Braces {
    nodes: Vec<Node>,
    root: Vec<u32>,
    len: u64,
}

/// A part of a word made by brace expansion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BracePiece {
    /// A part of the original word, or a piece of one.
    Part(Part),
    /// An element of a sequence: literal text.
    Text(Vec<u8>),
}

/// A sequence of nodes with the number of its expansions.
type Alternative = (Vec<u32>, u64);

#[derive(Clone, Debug)]
enum Node {
    Part(Part),
    Choice(Vec<Alternative>),
    Sequence(Sequence),
}

/// `{x..y..step}`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    start: i64,
    /// Positive or negative.
    step: i128,
    len: u64,
    /// Minimal width of a number, the sign included; `None`: characters.
    width: Option<usize>,
}

impl Sequence {
    fn parse(text: &[u8]) -> Option<Sequence> {
        let dots = text.windows(2).position(|w| w == b"..")?;
        let left = &text[..dots];
        let rest = &text[dots + 2..];
        let (right, step) = match rest.windows(2).position(|w| w == b"..") {
            Some(dots) => (&rest[..dots], integer(&rest[dots + 2..])?),
            None => (rest, 1),
        };
        let (start, end, width) = match (integer(left), integer(right)) {
            (Some(start), Some(end)) => {
                let padded = |text: &[u8]| {
                    let digits = text.strip_prefix(b"-").unwrap_or(text);
                    digits.len() > 1 && digits[0] == b'0'
                };
                let width = if padded(left) || padded(right) { left.len().max(right.len()) } else { 0 };
                (start, end, Some(width))
            }
            (None, None) => match (left, right) {
                ([a], [b]) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                    (i64::from(*a), i64::from(*b), None)
                }
                _ => return None,
            },
            _ => return None,
        };
        let size = i128::from(step).abs().max(1);
        let distance = i128::from(end) - i128::from(start);
        let len = u64::try_from(distance.abs() / size + 1).unwrap_or(u64::MAX);
        Some(Sequence { start, step: if distance < 0 { -size } else { size }, len, width })
    }

    /// The number of words. At least 1.
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends word number `index`.
    pub fn write(&self, index: u64, out: &mut Vec<u8>) {
        let value = i128::from(self.start) + self.step * i128::from(index);
        match self.width {
            Some(width) => {
                // `format!` takes no such width.
                let digits = value.unsigned_abs().to_string();
                if value < 0 {
                    out.push(b'-');
                }
                let used = digits.len() + usize::from(value < 0);
                out.resize(out.len() + width.saturating_sub(used), b'0');
                out.extend_from_slice(digits.as_bytes());
            }
            None => out.push(value as u8),
        }
    }

    fn get(&self, index: u64) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(index, &mut out);
        out
    }
}

/// Digits with an optional sign, within 64 bits.
fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[derive(Clone, Copy, Debug)]
enum Token {
    Open(Str),
    Close(Str),
    /// With the `Open` that it belongs to.
    Comma(Str, Option<usize>),
    Text(Str),
    Part(Part),
}

/// What an opening brace turns out to be.
#[derive(Clone, Copy, Debug, Default)]
struct Brace {
    close: Option<usize>,
    commas: bool,
}

/// The brace expansion of `word`; `None` if it has no valid braces and stands for itself.
pub fn expand(ast: &Ast, word: Word) -> Option<Braces> {
    if !word.braces {
        return None;
    }
    let tokens = tokenize(ast, &ast[word.parts]);
    let (tokens, braces) = match_braces(tokens);
    let mut nodes = Vec::new();
    let mut valid = false;
    // Choices that are open: finished alternatives, where the choice closes, and the enclosing sequence.
    let mut open: Vec<(Vec<Alternative>, usize, Vec<u32>)> = Vec::new();
    let mut current: Vec<u32> = Vec::new();
    let mut at = 0;
    while let Some(&token) = tokens.get(at) {
        let here = at;
        at += 1;
        let node = match token {
            Token::Part(part) => Node::Part(part),
            Token::Text(s) => Node::Part(Part::Literal(s)),
            Token::Open(s) => match braces[here] {
                Brace { close: Some(close), commas: true } => {
                    valid = true;
                    open.push((Vec::new(), close, std::mem::take(&mut current)));
                    continue;
                }
                Brace { close: Some(close), commas: false } if close == here + 2 => {
                    let sequence = match tokens[here + 1] {
                        Token::Text(s) => Sequence::parse(&ast[s]),
                        _ => None,
                    };
                    match sequence {
                        Some(sequence) => {
                            valid = true;
                            at = close + 1;
                            Node::Sequence(sequence)
                        }
                        None => Node::Part(Part::Literal(s)),
                    }
                }
                _ => Node::Part(Part::Literal(s)),
            },
            Token::Comma(s, owner) => {
                let is_separator = owner.is_some_and(|o| braces[o].close.is_some());
                match open.last_mut() {
                    Some((alternatives, ..)) if is_separator => {
                        let count = product(&nodes, &current);
                        alternatives.push((std::mem::take(&mut current), count));
                        continue;
                    }
                    _ => Node::Part(Part::Literal(s)),
                }
            }
            Token::Close(s) => {
                if open.last().is_some_and(|(_, close, _)| *close == here)
                    && let Some((mut alternatives, _, outer)) = open.pop()
                {
                    let count = product(&nodes, &current);
                    alternatives.push((std::mem::replace(&mut current, outer), count));
                    Node::Choice(alternatives)
                } else {
                    Node::Part(Part::Literal(s))
                }
            }
        };
        current.push(nodes.len() as u32);
        nodes.push(node);
    }
    if !valid {
        return None;
    }
    let len = product(&nodes, &current);
    Some(Braces { nodes, root: current, len })
}

fn tokenize(ast: &Ast, parts: &[Part]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for &part in parts {
        let Part::Literal(s) = part else {
            tokens.push(Token::Part(part));
            continue;
        };
        let mut start = 0;
        for (i, b) in ast[s].iter().enumerate() {
            let one = s.slice(i, i + 1);
            let token = match b {
                b'{' => Token::Open(one),
                b'}' => Token::Close(one),
                b',' => Token::Comma(one, None),
                _ => continue,
            };
            if i > start {
                tokens.push(Token::Text(s.slice(start, i)));
            }
            tokens.push(token);
            start = i + 1;
        }
        if start < s.len() {
            tokens.push(Token::Text(s.slice(start, s.len())));
        }
    }
    tokens
}

fn match_braces(mut tokens: Vec<Token>) -> (Vec<Token>, Vec<Brace>) {
    let mut braces = vec![Brace::default(); tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    for (i, token) in tokens.iter_mut().enumerate() {
        match token {
            Token::Open(_) => open.push(i),
            Token::Comma(_, owner) => {
                if let Some(&top) = open.last() {
                    *owner = Some(top);
                    braces[top].commas = true;
                }
            }
            Token::Close(_) => {
                if let Some(top) = open.pop() {
                    braces[top].close = Some(i);
                }
            }
            _ => {}
        }
    }
    (tokens, braces)
}

/// The number of expansions of a sequence of nodes.
fn product(nodes: &[Node], sequence: &[u32]) -> u64 {
    sequence.iter().fold(1u64, |total, id| total.saturating_mul(count(nodes, *id)))
}

fn count(nodes: &[Node], id: u32) -> u64 {
    match nodes.get(id as usize) {
        Some(Node::Choice(alternatives)) => {
            alternatives.iter().fold(0u64, |total, (_, count)| total.saturating_add(*count))
        }
        Some(Node::Sequence(sequence)) => sequence.len,
        _ => 1,
    }
}

impl Braces {
    /// The sequence `{a..b}` that the word is, if it is nothing else.
    pub fn as_sequence(&self) -> Option<Sequence> {
        match self.root.as_slice() {
            [id] => match self.nodes.get(*id as usize) {
                Some(Node::Sequence(sequence)) => Some(*sequence),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number of words (saturating). At least 1.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never true; here because there is a `len`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The parts of the word number `index`, in the order of the manual. Tilde prefixes that arise are parts.
    pub fn get(&self, ast: &Ast, index: u64) -> Vec<BracePiece> {
        let mut out = Vec::new();
        // Nodes still to be expanded, the next last, each with its own index.
        let mut todo: Vec<(u32, u64)> = Vec::new();
        self.schedule(&self.root, index, &mut todo);
        while let Some((id, index)) = todo.pop() {
            match self.nodes.get(id as usize) {
                Some(Node::Part(part)) => out.push(BracePiece::Part(*part)),
                Some(Node::Sequence(sequence)) => out.push(BracePiece::Text(sequence.get(index))),
                Some(Node::Choice(alternatives)) => {
                    let mut index = index;
                    for (sequence, count) in alternatives {
                        if index < *count {
                            self.schedule(sequence, index, &mut todo);
                            break;
                        }
                        index -= count;
                    }
                }
                None => {}
            }
        }
        tilde(ast, &mut out);
        out
    }

    /// All words.
    pub fn words<'a>(&'a self, ast: &'a Ast) -> impl Iterator<Item = Vec<BracePiece>> + 'a {
        (0..self.len).map(|index| self.get(ast, index))
    }

    /// Distributes the index of a sequence over its nodes; the last varies fastest.
    fn schedule(&self, sequence: &[u32], mut index: u64, todo: &mut Vec<(u32, u64)>) {
        for &id in sequence.iter().rev() {
            let count = count(&self.nodes, id);
            todo.push((id, index % count));
            index /= count;
        }
    }
}

/// Turns a tilde at the start of a word into a tilde prefix.
fn tilde(ast: &Ast, pieces: &mut Vec<BracePiece>) {
    let Some(&BracePiece::Part(Part::Literal(first))) = pieces.first() else { return };
    if !ast[first].starts_with(b"~") {
        return;
    }
    // The prefix may be spread over several literals.
    let mut name = Str { start: first.start + 1, len: 0 };
    let mut at = 0;
    while let Some(&BracePiece::Part(Part::Literal(s))) = pieces.get(at) {
        let skip = usize::from(at == 0);
        let text = &ast[s][skip..];
        let end = text.iter().position(|b| matches!(b, b'/' | b':'));
        let len = end.unwrap_or(text.len());
        if at == 0 {
            name = s.slice(1, 1 + len);
        } else if len > 0 {
            // Not contiguous: rare enough to stay literal.
            return;
        }
        if end.is_some() {
            let rest = s.slice(skip + len, s.len());
            pieces
                .splice(..=at, [BracePiece::Part(Part::Tilde(name)), BracePiece::Part(Part::Literal(rest))]);
            return;
        }
        at += 1;
    }
    if at == pieces.len() {
        *pieces = vec![BracePiece::Part(Part::Tilde(name))];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::{Argument, CommandKind};
    use crate::parser::{NoAliases, Parser, ParserOptions};

    /// The words of `text`, tilde prefixes marked by `<>`.
    fn words(text: &str) -> Vec<String> {
        let mut parser = Parser::new(text, ParserOptions::default());
        let ast = parser.next(&NoAliases).unwrap().unwrap();
        let command = ast[ast[ast[ast[ast.root.items][0].pipelines][0].pipeline.stages][0].command];
        let CommandKind::Simple(simple) = command.kind else { panic!("{text}") };
        let mut out = Vec::new();
        for argument in &ast[simple.args] {
            let Argument::Word(word) = *argument else { panic!("{text}") };
            let original = || ast[word.parts].iter().map(|p| BracePiece::Part(*p)).collect();
            let pieces = match expand(&ast, word) {
                Some(braces) => braces.words(&ast).collect(),
                None => vec![original()],
            };
            for word in pieces {
                let text = word
                    .iter()
                    .map(|piece| match piece {
                        BracePiece::Text(text) => String::from_utf8_lossy(text).into_owned(),
                        BracePiece::Part(
                            Part::Literal(s) | Part::Escaped(s) | Part::SingleQuoted(s) | Part::AnsiC(s),
                        ) => String::from_utf8_lossy(&ast[*s]).into_owned(),
                        BracePiece::Part(Part::Tilde(s)) => {
                            format!("<{}>", String::from_utf8_lossy(&ast[*s]))
                        }
                        BracePiece::Part(_) => "$".to_owned(),
                    })
                    .collect();
                out.push(text);
            }
        }
        out
    }

    #[test]
    fn expansion() {
        for (text, expected) in [
            ("a{b,c}d", &["abd", "acd"][..]),
            ("{a,b}{1,2}", &["a1", "a2", "b1", "b2"]),
            ("{a,{b,c}d,e}", &["a", "bd", "cd", "e"]),
            ("x{,y}", &["x", "xy"]),
            ("{a}", &["{a}"]),
            ("{}", &["{}"]),
            ("a{b{c,d}}", &["a{bc}", "a{bd}"]),
            ("{a,b", &["{a,b"]),
            ("{a,{b,c}", &["{a,b", "{a,c"]),
            ("{a,b}}", &["a}", "b}"]),
            ("{a,b{c}", &["{a,b{c}"]),
            ("{1..3}", &["1", "2", "3"]),
            ("{3..1}", &["3", "2", "1"]),
            ("{1..7..3}", &["1", "4", "7"]),
            ("{1..7..-3}", &["1", "4", "7"]),
            ("{08..10}", &["08", "09", "10"]),
            ("{-01..1}", &["-01", "000", "001"]),
            ("{a..e..2}", &["a", "c", "e"]),
            ("{c..a}", &["c", "b", "a"]),
            ("{1..a}", &["{1..a}"]),
            ("{1..2,5}", &["1..2", "5"]),
            ("{1..2..0}", &["1", "2"]),
            ("'{a,b}'", &["{a,b}"]),
            ("{a\\,b}", &["{a,b}"]),
            ("{'a,b',c}", &["a,b", "c"]),
            ("{$x,$(a,b)}", &["$", "$"]),
            ("${x}{a,b}", &["$a", "$b"]),
            ("~/{a,b}", &["<>/a", "<>/b"]),
            ("{~,~x/}y", &["~y", "<x>/y"]),
            ("{~,/tmp}/z", &["<>/z", "/tmp/z"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn huge_and_deep() {
        let mut parser = Parser::new("{1..9223372036854775807}{1..9}", ParserOptions::default());
        let ast = parser.next(&NoAliases).unwrap().unwrap();
        let command = ast[ast[ast[ast[ast.root.items][0].pipelines][0].pipeline.stages][0].command];
        let CommandKind::Simple(simple) = command.kind else { panic!() };
        let Argument::Word(word) = ast[simple.args][0] else { panic!() };
        let braces = expand(&ast, word).unwrap();
        assert_eq!(braces.len(), u64::MAX);
        assert_eq!(braces.get(&ast, 9), [BracePiece::Text(b"2".to_vec()), BracePiece::Text(b"1".to_vec())]);

        let zeros = "0".repeat(70_000);
        assert_eq!(words(&format!("{{-{zeros}..1}}")), [format!("{zeros}0"), format!("{}1", zeros)]);
        assert_eq!(words(&format!("{{-{zeros}2..-1}}"))[1], format!("-{zeros}1"));

        let depth = 1_000;
        assert_eq!(words(&format!("{}a{}", "{b,".repeat(depth), "}".repeat(depth))).len(), depth + 1);
    }
}
