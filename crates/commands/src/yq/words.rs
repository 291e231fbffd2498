//! The words of an expression.

use super::node::{Res, fault};
use super::parse::MAX_NESTING;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Path(String),
    Dot,
    Dots(bool),
    Text(Vec<Piece>),
    Number(String),
    Word(String),
    Variable(String),
    Sign(char),
    /// An operator, with flags of a merge.
    Op(&'static str, String),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    Text(String),
    Inner(String),
}

pub(super) fn show(token: &Token) -> String {
    match token {
        Token::Path(name) => format!("'.{name}'"),
        Token::Dot => "'.'".into(),
        Token::Dots(_) => "'..'".into(),
        Token::Text(_) => "a string".into(),
        Token::Number(text) | Token::Word(text) => format!("'{text}'"),
        Token::Variable(name) => format!("'${name}'"),
        Token::Sign(letter) => format!("'{letter}'"),
        Token::Op(op, _) => format!("'{op}'"),
    }
}

const OPERATORS: [&str; 20] = [
    "//=", "|=", "//", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "=", "<", ">", "+", "-", "*",
    "/", "%",
];

pub(super) fn words(text: &str, interpolate: bool) -> Res<Vec<Token>> {
    let letters: Vec<char> = text.chars().collect();
    let get = |at: usize| letters.get(at).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let letter = get(at);
        match letter {
            _ if letter.is_whitespace() => at += 1,
            '#' => {
                while at < letters.len() && get(at) != '\n' {
                    at += 1;
                }
            }
            '.' if get(at + 1) == '.' => {
                let keys = get(at + 2) == '.';
                tokens.push(Token::Dots(keys));
                at += if keys { 3 } else { 2 };
            }
            '.' if get(at + 1) == '"' => {
                let (pieces, end) = string(&letters, at + 1, interpolate, 0)?;
                let name = pieces.into_iter().map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Inner(text) => format!("\\({text})"),
                });
                tokens.push(Token::Path(name.collect()));
                at = end;
            }
            '.' => {
                let start = at + 1;
                let mut end = start;
                while end < letters.len() && !ends_path(&letters, end) {
                    end += 1;
                }
                at = end.max(start);
                if end == start {
                    tokens.push(Token::Dot);
                } else {
                    tokens.push(Token::Path(letters.get(start..end).unwrap_or_default().iter().collect()));
                }
            }
            '"' => {
                let (pieces, end) = string(&letters, at, interpolate, 0)?;
                tokens.push(Token::Text(pieces));
                at = end;
            }
            '$' => {
                let end = word_end(&letters, at + 1);
                tokens.push(Token::Variable(letters.get(at + 1..end).unwrap_or_default().iter().collect()));
                at = end.max(at + 1);
            }
            '0'..='9' => {
                let end = number_end(&letters, at);
                tokens.push(Token::Number(letters.get(at..end).unwrap_or_default().iter().collect()));
                at = end;
            }
            '-' if get(at + 1).is_ascii_digit() && !tokens.last().is_some_and(ends_value) => {
                let end = number_end(&letters, at + 1);
                tokens.push(Token::Number(letters.get(at..end).unwrap_or_default().iter().collect()));
                at = end;
            }
            '~' => {
                tokens.push(Token::Word("~".into()));
                at += 1;
            }
            '@' | '_' | 'a'..='z' | 'A'..='Z' => {
                let end = word_end(&letters, at + 1);
                tokens.push(Token::Word(letters.get(at..end).unwrap_or_default().iter().collect()));
                at = end;
            }
            '[' | ']' | '{' | '}' | '(' | ')' | ',' | ';' | ':' | '?' => {
                tokens.push(Token::Sign(letter));
                at += 1;
            }
            _ => {
                let found = OPERATORS.iter().find(|op| op.chars().enumerate().all(|(i, c)| get(at + i) == c));
                let Some(op) = found else {
                    if letter == '|' {
                        tokens.push(Token::Sign('|'));
                        at += 1;
                        continue;
                    }
                    return fault(format!("bad expression, unexpected '{letter}'"));
                };
                at += op.len();
                let mut flags = String::new();
                let allowed = match *op {
                    "*" | "*=" => "+?cdn",
                    "=" | "|=" => "c",
                    _ => "",
                };
                let mut end = at;
                while end < letters.len() && allowed.contains(get(end)) {
                    end += 1;
                }
                if end > at && !get(end).is_alphanumeric() && get(end) != '_' && get(end) != '(' {
                    flags = letters.get(at..end).unwrap_or_default().iter().collect();
                    at = end;
                }
                tokens.push(Token::Op(op, flags));
            }
        }
    }
    Ok(tokens)
}

fn ends_value(token: &Token) -> bool {
    matches!(
        token,
        Token::Path(_) | Token::Dot | Token::Dots(_) | Token::Text(_) | Token::Number(_) | Token::Variable(_)
    ) || matches!(token, Token::Sign(')' | ']' | '}' | '?'))
        || matches!(token, Token::Word(word) if !matches!(&**word, "and" | "or" | "then" | "else" | "if" | "elif"))
}

fn ends_path(letters: &[char], at: usize) -> bool {
    let get = |at: usize| letters.get(at).copied().unwrap_or('\0');
    let letter = get(at);
    letter.is_whitespace()
        || ";}{:[],|.()=<>?\"'".contains(letter)
        || letter == '/' && get(at + 1) == '/'
        || "+-*/%!".contains(letter) && get(at + 1) == '='
}

fn word_end(letters: &[char], mut at: usize) -> usize {
    while letters.get(at).is_some_and(|letter| letter.is_alphanumeric() || *letter == '_') {
        at += 1;
    }
    at
}

fn number_end(letters: &[char], mut at: usize) -> usize {
    while letters.get(at).is_some_and(char::is_ascii_alphanumeric) {
        let exponent = matches!(letters.get(at), Some('e' | 'E'));
        at += 1;
        if exponent && matches!(letters.get(at), Some('+' | '-')) {
            at += 1;
        }
    }
    if letters.get(at) == Some(&'.') && letters.get(at + 1).is_some_and(char::is_ascii_digit) {
        return number_end(letters, at + 1);
    }
    at
}

/// A string in quotes, which begins at `at`; and where it ends.
fn string(letters: &[char], mut at: usize, interpolate: bool, within: usize) -> Res<(Vec<Piece>, usize)> {
    if within > MAX_NESTING {
        return fault("bad expression, nested too deep");
    }
    let mut pieces = Vec::new();
    let mut text = String::new();
    at += 1;
    loop {
        let Some(letter) = letters.get(at).copied() else { return fault("bad expression, unclosed string") };
        at += 1;
        match letter {
            '"' => break,
            '\\' => {
                let next = letters.get(at).copied().unwrap_or('\\');
                at += 1;
                match next {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'f' => text.push('\x0c'),
                    'v' => text.push('\x0b'),
                    'a' => text.push('\x07'),
                    'b' => text.push('\x08'),
                    '"' | '\\' => text.push(next),
                    '(' if interpolate => {
                        let start = at;
                        let mut depth = 1;
                        while depth > 0 {
                            match letters.get(at) {
                                None => return fault("bad expression, unclosed string interpolation"),
                                Some('(') => depth += 1,
                                Some(')') => depth -= 1,
                                Some('"') => at = string(letters, at, interpolate, within + 1)?.1 - 1,
                                _ => {}
                            }
                            at += 1;
                        }
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                        pieces.push(Piece::Inner(
                            letters.get(start..at - 1).unwrap_or_default().iter().collect(),
                        ));
                    }
                    other => {
                        text.push('\\');
                        text.push(other);
                    }
                }
            }
            letter => text.push(letter),
        }
    }
    if !text.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok((pieces, at))
}
