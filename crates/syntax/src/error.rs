//! Errors and warnings of the parser, in bash's words.

use std::fmt;

/// Why source text could not be parsed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// Line number from 1, as bash reports it.
    pub line: u32,
    /// Column of the offending token in its line, in bytes from 1.
    pub column: u32,
    /// It stands inside `$( … )` or a process substitution.
    pub in_substitution: bool,
    /// The source line that bash repeats after the message, without its newline.
    pub source_line: Vec<u8>,
}

/// What can be wrong with source text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// A token that cannot stand here (`newline` for the end of a line).
    UnexpectedToken(Vec<u8>),
    /// The same inside `name=( … )`. Bash then gives up the line, with status 1, and reads on.
    ArrayToken(Vec<u8>),
    /// The input ended inside a command.
    UnexpectedEof,
    /// The input ended before the closing character of a quotation or of an expansion.
    UnmatchedDelimiter(u8),
    /// A `((…)` that is neither an arithmetic command nor a subshell: its text.
    NearArith(Vec<u8>),
    /// The parentheses of a `for ((…))` do not hold three expressions: the text, and whether too many.
    ArithFor {
        /// The text with its parentheses.
        text: Vec<u8>,
        /// More than three expressions; otherwise fewer.
        too_many: bool,
    },
    /// A mistake inside `[[ … ]]`. Bash 5.2 then behaves as if the source ended there: the status of a script
    /// is that of the last command executed.
    Cond {
        /// The lines of bash's message; none for some mistakes.
        messages: Vec<Vec<u8>>,
        /// The input ended.
        eof: bool,
    },
    /// More nested constructs than [`crate::parser::ParserOptions::max_depth`] allows.
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// Text that begins with `((` and turns out not to be arithmetic is read again; nested, this was needed
    /// too often.
    TooManyRereads,
    /// Source text of 2 GiB or more in one command.
    TooLong,
}

impl ParseError {
    /// Whether more input could make the text well-formed: an interactive shell then reads another line.
    pub fn is_incomplete(&self) -> bool {
        matches!(
            self.kind,
            ParseErrorKind::UnexpectedEof
                | ParseErrorKind::UnmatchedDelimiter(_)
                | ParseErrorKind::Cond { eof: true, .. }
        )
    }

    /// The lines of bash's message, each with the line number it names.
    pub fn messages(&self) -> Vec<(u32, Vec<u8>)> {
        let quoted = |before: &str, what: &[u8], after: &str| {
            let mut text = before.as_bytes().to_vec();
            text.extend_from_slice(what);
            text.extend_from_slice(after.as_bytes());
            text
        };
        let repeat = || (self.line, quoted("`", &self.source_line, "'"));
        match &self.kind {
            ParseErrorKind::UnexpectedToken(token) | ParseErrorKind::ArrayToken(token) => {
                vec![(self.line, quoted("syntax error near unexpected token `", token, "'")), repeat()]
            }
            ParseErrorKind::UnexpectedEof => {
                vec![(self.line, b"syntax error: unexpected end of file".to_vec())]
            }
            ParseErrorKind::UnmatchedDelimiter(c) => {
                vec![(self.line, quoted("unexpected EOF while looking for matching `", &[*c], "'"))]
            }
            ParseErrorKind::NearArith(text) => {
                vec![(self.line, quoted("syntax error near `", text, "'")), repeat()]
            }
            ParseErrorKind::ArithFor { text, too_many } => {
                let first: &[u8] = if *too_many {
                    b"syntax error: `;' unexpected"
                } else {
                    b"syntax error: arithmetic expression required"
                };
                vec![(self.line, first.to_vec()), (self.line, quoted("syntax error: `((", text, "))'"))]
            }
            ParseErrorKind::Cond { messages, .. } => {
                messages.iter().map(|message| (self.line, message.clone())).collect()
            }
            ParseErrorKind::TooDeep { limit } => {
                vec![(self.line, format!("syntax error: more than {limit} nested constructs").into_bytes())]
            }
            ParseErrorKind::TooManyRereads => {
                vec![(self.line, b"syntax error: too many nested `((' that are no arithmetic".to_vec())]
            }
            ParseErrorKind::TooLong => {
                vec![(self.line, b"syntax error: command of 2 GiB or more".to_vec())]
            }
        }
    }

    /// Bash's message, each line ended by a newline. `prefix` is what stands before `line N:`, e.g.
    /// `script.sh`, `bash: -c` or `bash: eval`.
    pub fn render(&self, prefix: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for (line, text) in self.messages() {
            out.extend_from_slice(prefix);
            out.extend_from_slice(format!(": line {line}: ").as_bytes());
            out.extend_from_slice(&text);
            out.push(b'\n');
        }
        out
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (line, text)) in self.messages().iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "line {line}: {}", String::from_utf8_lossy(text))?;
        }
        Ok(())
    }
}

impl std::error::Error for ParseError {}

/// What the reader should be told about a command that is well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The input ended before the delimiter of a here-document.
    HereDocAtEof {
        /// Line where the input ended.
        line: u32,
        /// Line of the redirection.
        start: u32,
        /// The delimiter.
        delimiter: Vec<u8>,
    },
}

impl Warning {
    /// Bash's message without prefix and newline, and the line number for the prefix.
    pub fn message(&self) -> (u32, Vec<u8>) {
        match self {
            Warning::HereDocAtEof { line, start, delimiter } => {
                let mut text =
                    format!("warning: here-document at line {start} delimited by end-of-file (wanted `")
                        .into_bytes();
                text.extend_from_slice(delimiter);
                text.extend_from_slice(b"')");
                (*line, text)
            }
        }
    }
}
