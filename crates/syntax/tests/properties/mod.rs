//! What holds for any input of the parser, arithmetic, patterns and braces: for the tests with random input, and
//! for the fuzz targets. Each function panics where it does not hold.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use wasmsh_syntax::arith::{Expression, Key, Value, Variables};
use wasmsh_syntax::ast::{Argument, Ast, CommandKind};
use wasmsh_syntax::options::{NoAliases, ParserOptions};
use wasmsh_syntax::parser::{Parser, Poll};
use wasmsh_syntax::pattern::{Pattern, PatternOptions};
use wasmsh_syntax::{brace, print};

/// Commands until the first error.
fn commands(parser: &mut Parser) -> (Vec<Ast>, bool) {
    let mut all = Vec::new();
    loop {
        match parser.next(&NoAliases) {
            Ok(Some(ast)) => all.push(ast),
            Ok(None) => return (all, true),
            Err(error) => {
                // An error can be shown.
                let _ = error.render(b"bash");
                return (all, false);
            }
        }
    }
}

/// The parser ends, uses every byte once, reads the same from pieces, and reads what is printed of a command.
pub fn parse(text: &[u8]) {
    let options = ParserOptions { extglob: text.len().is_multiple_of(2), ..ParserOptions::default() };
    let (whole, fine) = commands(&mut Parser::new(text, options));
    let used: usize = whole.iter().map(|ast| ast.text.len()).sum();
    assert!(used <= text.len() + 1, "a command has more text than there is");
    let mut pieces = Parser::incremental(options);
    let mut count = 0;
    let mut rest = text.chunks(3);
    'all: loop {
        match pieces.poll(&NoAliases) {
            Ok(Poll::Command(ast)) => {
                assert_eq!(whole.get(count).map(|other| &other.text), Some(&ast.text));
                count += 1;
            }
            Ok(Poll::NeedInput { .. }) => match rest.next() {
                Some(piece) => pieces.push(piece),
                None => pieces.finish(),
            },
            Ok(Poll::End) | Err(_) => break 'all,
        }
    }
    if fine {
        assert_eq!(count, whole.len(), "pieces give other commands than the whole");
    }
    for ast in &whole {
        let printed = print::list(ast, ast.root);
        if ast.errors.is_empty() && ast.warnings.is_empty() && !ast.root.items.is_empty() {
            let mut again = Parser::new(printed, options);
            // It may stand on more lines, but it is commands.
            let _ = commands(&mut again);
        }
        for item in &ast[ast.root.items] {
            for part in &ast[item.pipelines] {
                for stage in &ast[part.pipeline.stages] {
                    if let CommandKind::Simple(simple) = ast[stage.command].kind {
                        for argument in &ast[simple.args] {
                            if let Argument::Word(word) = *argument
                                && let Some(braces) = brace::expand(ast, word)
                            {
                                let last = braces.len() - 1;
                                assert!(!braces.get(ast, last).is_empty() || last == 0 || braces.len() > 1);
                            }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Memory(BTreeMap<Vec<u8>, i64>);

impl Variables for Memory {
    type Error = std::convert::Infallible;

    fn get(&mut self, name: &[u8], _: Option<Key<'_>>) -> Result<Value<'_>, Self::Error> {
        Ok(Value::Int(self.0.get(name).copied().unwrap_or(0)))
    }

    fn is_associative(&mut self, _: &[u8]) -> bool {
        false
    }

    fn set(&mut self, name: &[u8], _: Option<Key<'_>>, value: i64) -> Result<(), Self::Error> {
        self.0.insert(name.to_vec(), value);
        Ok(())
    }
}

/// An expression is refused or evaluated; the same again gives the same.
pub fn arithmetic(text: &[u8]) {
    let Ok(expression) = Expression::parse(text) else { return };
    let first = expression.eval(&mut Memory::default());
    let second = expression.eval(&mut Memory::default());
    assert_eq!(first.is_ok(), second.is_ok());
    if let (Ok(first), Ok(second)) = (first, second) {
        assert_eq!(first, second);
    }
}

/// A pattern and a text, divided at the first NUL: what the ways to match say fits together.
pub fn pattern(input: &[u8]) {
    let at = input.iter().position(|b| *b == 0).unwrap_or(input.len() / 2);
    let (pattern, text) = input.split_at(at);
    // Half a character in a pattern is found in the middle of one from behind, where from before it is not.
    let characters = std::str::from_utf8(pattern).is_ok() && std::str::from_utf8(text).is_ok();
    for extglob in [false, true] {
        let pattern = Pattern::unquoted(pattern, PatternOptions { extglob, nocase: false });
        let whole = pattern.is_match(text);
        let (short, long) = (pattern.prefix(text, false), pattern.prefix(text, true));
        if let (Some(short), Some(long)) = (short, long) {
            assert!(short <= long && long <= text.len());
        }
        if characters {
            assert_eq!(short.is_some(), long.is_some());
            assert_eq!(whole, long == Some(text.len()), "the longest prefix is the text if that matches");
        }
        let (short, long) = (pattern.suffix(text, false), pattern.suffix(text, true));
        if let (Some(short), Some(long)) = (short, long) {
            assert!(long <= short && short <= text.len());
        }
        if characters {
            assert_eq!(short.is_some(), long.is_some());
            assert_eq!(whole, long == Some(0), "the longest suffix is the text if that matches");
        }
        if let Some(found) = pattern.find(text, 0) {
            assert!(found.start <= found.end && found.end <= text.len());
        }
        if let Some(literal) = pattern.literal() {
            assert_eq!(literal == text, whole);
        }
    }
}
