//! The tokens of bc.

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Number(Vec<u8>),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Word(&'static str),
    Op(&'static str),
    Newline,
    /// What is there is over; more may come.
    End,
    /// No token at all.
    Wrong(u8),
}

const WORDS: &[&str] = &[
    "define", "break", "quit", "length", "return", "for", "if", "while", "sqrt", "scale", "ibase", "obase",
    "auto", "print", "continue", "else", "read", "halt", "last", "history", "warranty", "limits", "random",
    "void",
];

const OPERATORS: &[&str] = &[
    "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "++", "--", "&&", "||", "+", "-", "*", "/",
    "%", "^", "=", "<", ">", "!", "(", ")", "[", "]", "{", "}", ",", ";", "&",
];

/// Reads tokens from a text.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a [u8],
    pub(super) at: usize,
    /// Newlines passed.
    pub(super) lines: usize,
    /// The text ends in the middle of a string or comment.
    pub(super) open: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer { text, at: 0, lines: 0, open: false }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// To the end of the line.
    pub(super) fn skip_line(&mut self) {
        match memchr::memchr(b'\n', self.rest()) {
            Some(end) => {
                self.at += end + 1;
                self.lines += 1;
            }
            None => self.at = self.text.len(),
        }
    }

    pub(super) fn next(&mut self) -> Token {
        loop {
            let rest = self.rest();
            let Some(&byte) = rest.first() else { return Token::End };
            match byte {
                b' ' | b'\t' => self.at += 1,
                b'\\' if rest.starts_with(b"\\\n") => {
                    self.at += 2;
                    self.lines += 1;
                }
                b'\n' => {
                    self.at += 1;
                    self.lines += 1;
                    return Token::Newline;
                }
                b'#' => self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
                b'/' if rest.starts_with(b"/*") => {
                    let Some(end) = memchr::memmem::find(rest.get(2..).unwrap_or_default(), b"*/") else {
                        self.open = true;
                        return Token::End;
                    };
                    let comment = rest.get(..end + 4).unwrap_or_default();
                    self.lines += memchr::memchr_iter(b'\n', comment).count();
                    self.at += end + 4;
                }
                b'"' => {
                    let inner = rest.get(1..).unwrap_or_default();
                    let Some(end) = memchr::memchr(b'"', inner) else {
                        self.open = true;
                        return Token::End;
                    };
                    let text = inner.get(..end).unwrap_or_default().to_vec();
                    self.lines += memchr::memchr_iter(b'\n', &text).count();
                    self.at += end + 2;
                    return Token::Text(text);
                }
                b'0'..=b'9' | b'A'..=b'Z' => return self.number(),
                b'.' if rest
                    .get(1)
                    .is_some_and(|next| next.is_ascii_digit() || next.is_ascii_uppercase()) =>
                {
                    return self.number();
                }
                b'.' => {
                    self.at += 1;
                    return Token::Word("last");
                }
                b'a'..=b'z' => {
                    let length = rest
                        .iter()
                        .take_while(|byte| {
                            byte.is_ascii_lowercase() || byte.is_ascii_digit() || **byte == b'_'
                        })
                        .count();
                    let name = rest.get(..length).unwrap_or_default();
                    self.at += length;
                    return match WORDS.iter().find(|word| word.as_bytes() == name) {
                        Some(word) => Token::Word(word),
                        None => Token::Name(name.to_vec()),
                    };
                }
                _ => {
                    let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(op.as_bytes())) else {
                        self.at += 1;
                        return Token::Wrong(byte);
                    };
                    self.at += op.len();
                    return Token::Op(op);
                }
            }
        }
    }

    fn number(&mut self) -> Token {
        let mut digits = Vec::new();
        let mut point = false;
        while let Some(&byte) = self.rest().first() {
            match byte {
                b'0'..=b'9' | b'A'..=b'Z' => digits.push(byte),
                b'.' if !point => {
                    point = true;
                    digits.push(byte);
                }
                b'\\' if self.rest().starts_with(b"\\\n") => {
                    self.at += 1;
                    self.lines += 1;
                }
                _ => break,
            }
            self.at += 1;
        }
        // Zeros before the number are none of its digits.
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        if digits.is_empty() || digits == b"." {
            digits = b"0".to_vec();
        }
        Token::Number(digits)
    }
}
