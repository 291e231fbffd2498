//! Splits an awk program into tokens.

use super::ast::Place;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    /// `/…/`, the delimiters left out; true: `@/…/`.
    Regex(Vec<u8>, bool),
    Name(Vec<u8>),
    /// A name with `(` right behind it.
    Call(Vec<u8>),
    /// `@name(`, an indirect call.
    Indirect(Vec<u8>),
    Keyword(&'static str),
    /// True: with `awk::` before it.
    Builtin(&'static str, bool),
    /// Operators and punctuation.
    Op(&'static str),
    /// `@include`, `@load`, `@namespace`.
    Directive(Vec<u8>),
    /// An included file begins.
    Enter,
    /// An included file is over.
    Leave,
    Newline,
    End,
}

/// A token and where it stands.
#[derive(Clone)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) place: Place,
    /// The byte of its source that it begins at.
    pub(super) start: usize,
}

const KEYWORDS: &[&str] = &[
    "BEGIN",
    "END",
    "BEGINFILE",
    "ENDFILE",
    "function",
    "func",
    "if",
    "else",
    "while",
    "for",
    "do",
    "break",
    "continue",
    "next",
    "nextfile",
    "exit",
    "return",
    "delete",
    "in",
    "getline",
    "print",
    "printf",
    "switch",
    "case",
    "default",
];

const BUILTINS: &[&str] = &[
    "length",
    "substr",
    "index",
    "split",
    "patsplit",
    "sub",
    "gsub",
    "gensub",
    "match",
    "sprintf",
    "sin",
    "cos",
    "atan2",
    "exp",
    "log",
    "sqrt",
    "int",
    "rand",
    "srand",
    "tolower",
    "toupper",
    "system",
    "close",
    "fflush",
    "systime",
    "strftime",
    "mktime",
    "and",
    "or",
    "xor",
    "compl",
    "lshift",
    "rshift",
    "strtonum",
    "asort",
    "asorti",
    "isarray",
    "typeof",
    "mkbool",
    "dcgettext",
    "dcngettext",
    "bindtextdomain",
];

/// Those that POSIX has: they are so in every namespace.
const STANDARD: &[&str] = &[
    "length", "substr", "index", "split", "sub", "gsub", "match", "sprintf", "sin", "cos", "atan2", "exp",
    "log", "sqrt", "int", "rand", "srand", "tolower", "toupper", "system", "close", "fflush",
];

/// Whether a function is GNU's own, and its name free in other namespaces.
pub(super) fn is_extension(builtin: &str) -> bool {
    !STANDARD.contains(&builtin)
}

/// The function of awk with this name.
pub(super) fn builtin(name: &[u8]) -> Option<&'static str> {
    BUILTINS.iter().copied().find(|builtin| builtin.as_bytes() == name)
}

/// The names of all functions of awk.
pub(super) fn builtins() -> &'static [&'static str] {
    BUILTINS
}

/// Keywords that POSIX has not.
const EXTENSIONS: &[&str] = &["BEGINFILE", "ENDFILE", "func", "switch", "case", "default"];

/// Longest first.
const OPERATORS: &[&str] = &[
    "**=", "|&", "**", "+=", "-=", "*=", "/=", "%=", "^=", "==", "<=", ">=", "!=", "!~", "++", "--", "&&",
    "||", ">>", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=", "(", ")", "{",
    "}", "[", "]", ";", ",",
];

/// What is no token, and where.
pub(super) struct LexError {
    pub(super) line: u32,
    pub(super) start: usize,
    pub(super) message: String,
}

/// What a text is split into.
pub(super) struct Tokens {
    /// `End` the last.
    pub(super) found: Vec<Placed>,
    /// What is odd about it, with the line.
    pub(super) warnings: Vec<(u32, String)>,
}

/// All tokens of a source, which is the one with this number. In the program of POSIX no extension is known.
pub(super) fn tokens(source: &[u8], number: u32, posix: bool) -> Result<Tokens, LexError> {
    let tokens = Tokens { found: Vec::new(), warnings: Vec::new() };
    let mut lexer = Lexer { source, number, at: 0, start: 0, line: 1, posix, tokens };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    source: &'a [u8],
    number: u32,
    at: usize,
    start: usize,
    line: u32,
    posix: bool,
    tokens: Tokens,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, token: Token) {
        let place = Place { source: self.number, line: self.line };
        self.tokens.found.push(Placed { token, place, start: self.start });
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, LexError> {
        Err(LexError { line: self.line, start: self.start, message: message.into() })
    }

    /// Whether a `/` divides, rather than beginning a regular expression.
    fn after_operand(&self) -> bool {
        match self.tokens.found.last().map(|placed| &placed.token) {
            Some(Token::Number(_) | Token::Text(_) | Token::Regex(..) | Token::Name(_)) => true,
            Some(Token::Builtin(name, _)) => *name == "length",
            Some(Token::Op(op)) => matches!(*op, ")" | "]" | "++" | "--"),
            _ => false,
        }
    }

    fn run(&mut self) -> Result<(), LexError> {
        while let Some(byte) = self.peek(0) {
            self.start = self.at;
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.push(Token::Newline);
                    self.at += 1;
                    self.line += 1;
                }
                b'\\' if self.peek(1) == Some(b'\n') => {
                    self.at += 2;
                    self.line += 1;
                }
                b'\\' if self.rest().starts_with(b"\\\r\n") => {
                    self.at += 3;
                    self.line += 1;
                }
                b'#' => self.at += memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len()),
                b'"' => self.text()?,
                b'/' if !self.after_operand() => self.regex(false)?,
                b'@' if self.peek(1) == Some(b'/') => {
                    self.at += 1;
                    self.regex(true)?;
                }
                b'@' => {
                    self.at += 1;
                    while matches!(self.peek(0), Some(b' ' | b'\t')) {
                        self.at += 1;
                    }
                    let word = self.word();
                    if matches!(&word[..], b"include" | b"load" | b"namespace") {
                        self.push(Token::Directive(word));
                    } else {
                        if word.is_empty() {
                            return self.error("syntax error");
                        }
                        if self.peek(0) == Some(b'(') {
                            self.at += 1;
                        }
                        self.push(Token::Indirect(word));
                    }
                }
                b'0'..=b'9' => self.number(),
                b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
                _ if byte.is_ascii_alphabetic() || byte == b'_' => self.name(),
                _ => {
                    let rest = self.rest();
                    let Some(op) = OPERATORS.iter().find(|op| rest.starts_with(op.as_bytes())) else {
                        return self.error(format!(
                            "syntax error: invalid char '{}' in expression",
                            char::from(byte)
                        ));
                    };
                    self.at += op.len();
                    let op = match *op {
                        "**" => "^",
                        "**=" => "^=",
                        op => op,
                    };
                    self.push(Token::Op(op));
                }
            }
        }
        self.start = self.source.len();
        self.push(Token::Newline);
        self.push(Token::End);
        Ok(())
    }

    /// A name, with its namespace if it has one.
    fn word(&mut self) -> Vec<u8> {
        let letters = |from: usize| {
            self.source
                .iter()
                .skip(from)
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .count()
        };
        let mut end = self.at + letters(self.at);
        if end > self.at && self.source.get(end..).unwrap_or_default().starts_with(b"::") {
            let name = letters(end + 2);
            let digit = self.source.get(end + 2).is_some_and(u8::is_ascii_digit);
            if name > 0 && !digit {
                end += 2 + name;
            }
        }
        let word = self.source.get(self.at..end).unwrap_or_default().to_vec();
        self.at = end;
        word
    }

    fn name(&mut self) {
        let word = self.word();
        let plain: &[u8] = word.strip_prefix(b"awk::").unwrap_or(&word);
        if let Some(keyword) = KEYWORDS
            .iter()
            .find(|keyword| keyword.as_bytes() == word && !(self.posix && EXTENSIONS.contains(keyword)))
        {
            let keyword = if *keyword == "func" { "function" } else { keyword };
            self.push(Token::Keyword(keyword));
        } else if let Some(builtin) = builtin(plain).filter(|name| !(self.posix && is_extension(name))) {
            self.push(Token::Builtin(builtin, plain.len() < word.len()));
        } else if self.peek(0) == Some(b'(') {
            self.push(Token::Call(word));
        } else {
            self.push(Token::Name(word));
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        if !self.posix
            && rest.len() > 2
            && rest.starts_with(b"0")
            && rest.get(1).is_some_and(|x| x.eq_ignore_ascii_case(&b'x'))
        {
            let digits = rest.iter().skip(2).take_while(|digit| digit.is_ascii_hexdigit()).count();
            if digits > 0 {
                let value = rest.iter().skip(2).take(digits).fold(0.0, |value, digit| {
                    value * 16.0 + f64::from(char::from(*digit).to_digit(16).unwrap_or(0))
                });
                self.at += 2 + digits;
                return self.push(Token::Number(value));
            }
        }
        let (value, length) = super::value::decimal_prefix(rest);
        let text = rest.get(..length).unwrap_or_default();
        let octal = !self.posix
            && text.len() > 1
            && text.starts_with(b"0")
            && text.iter().all(|digit| (b'0'..=b'7').contains(digit));
        let value = if octal {
            text.iter().fold(0.0, |value, digit| value * 8.0 + f64::from(digit - b'0'))
        } else {
            value
        };
        self.at += length.max(1);
        self.push(Token::Number(value));
    }

    fn text(&mut self) -> Result<(), LexError> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.peek(0) {
                None | Some(b'\n') => return self.error("unterminated string"),
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek(0) {
                        None => return self.error("unterminated string"),
                        Some(b'\n') => {
                            self.at += 1;
                            self.line += 1;
                        }
                        Some(byte) => {
                            if !b"abfnrtvx\"\\01234567".contains(&byte) {
                                let shown =
                                    String::from_utf8_lossy(self.rest()).chars().next().unwrap_or('?');
                                let warning =
                                    format!("escape sequence `\\{shown}' treated as plain `{shown}'");
                                self.tokens.warnings.push((self.line, warning));
                            }
                            self.at += escape(self.rest(), &mut text);
                        }
                    }
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.push(Token::Text(text));
        Ok(())
    }

    fn regex(&mut self, typed: bool) -> Result<(), LexError> {
        self.at += 1;
        let mut text = Vec::new();
        // Where the first character of a bracket expression stands.
        let mut bracket = None;
        loop {
            match self.peek(0) {
                None | Some(b'\n') => {
                    self.start += 1;
                    return self.error("unterminated regexp");
                }
                Some(b'/') if bracket.is_none() => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek(0) {
                        Some(b'/') => text.push(b'/'),
                        Some(b'\n') => self.line += 1,
                        Some(byte) => text.extend([b'\\', byte]),
                        None => return self.error("unterminated regexp"),
                    }
                    self.at += 1;
                }
                Some(byte) => {
                    self.at += 1;
                    text.push(byte);
                    match (byte, bracket) {
                        (b'[', None) => {
                            if self.peek(0) == Some(b'^') {
                                text.push(b'^');
                                self.at += 1;
                            }
                            bracket = Some(text.len());
                        }
                        (b'[', Some(_)) if self.peek(0) == Some(b':') => {
                            text.push(b':');
                            self.at += 1;
                            while let Some(inner) = self.peek(0) {
                                if inner == b'\n' || inner == b']' {
                                    break;
                                }
                                text.push(inner);
                                self.at += 1;
                            }
                            if self.peek(0) == Some(b']') {
                                text.push(b']');
                                self.at += 1;
                            }
                        }
                        (b']', Some(first)) if text.len() > first + 1 => bracket = None,
                        _ => {}
                    }
                }
            }
        }
        self.push(Token::Regex(text, typed));
        Ok(())
    }
}

/// The character after a backslash in a string; how many bytes were read.
pub(super) fn escape(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(&byte) = rest.first() else { return 0 };
    match byte {
        b'a' => out.push(7),
        b'b' => out.push(8),
        b'f' => out.push(12),
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'v' => out.push(11),
        b'"' | b'\\' | b'/' => out.push(byte),
        b'0'..=b'7' => {
            let count = rest.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(digit)).count();
            let value =
                rest.iter().take(count).fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            out.push(value as u8);
            return count;
        }
        b'x' => {
            let count = rest.iter().skip(1).take(2).take_while(|digit| digit.is_ascii_hexdigit()).count();
            if count == 0 {
                out.push(byte);
                return 1;
            }
            let value = rest
                .iter()
                .skip(1)
                .take(count)
                .fold(0_u32, |value, digit| (value << 4) | char::from(*digit).to_digit(16).unwrap_or(0));
            out.push(value as u8);
            return count + 1;
        }
        // The others stay what they are.
        _ => out.push(byte),
    }
    1
}
