//! `test` and `[`: evaluates a condition. The logic serves the shell's builtins too.

use std::cmp::Ordering;

use bstr::{BString, ByteSlice};
use wasmsh_os::{AccessMode, Ctx, FileType, Stat};

use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "test",
    usage: &["EXPRESSION", ""],
    about: ABOUT,
    options: &[],
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&COMMAND, ctx, run),
};

pub(crate) static BRACKET: Command = Command {
    name: "[",
    usage: &["EXPRESSION ]", "]", "OPTION"],
    about: ABOUT,
    options: &[],
    more: MORE,
    usage_status: 2,
    main: |ctx| start(&BRACKET, ctx, run_bracket),
};

const ABOUT: &str = "Exit with the status determined by EXPRESSION.";
const MORE: &str = "\
( EXPRESSION )  ! EXPRESSION  EXPRESSION1 -a EXPRESSION2  EXPRESSION1 -o EXPRESSION2
-n STRING  -z STRING  STRING1 = STRING2  STRING1 != STRING2
INTEGER1 -eq INTEGER2 (also -ne -gt -ge -lt -le)
FILE1 -ef FILE2  FILE1 -nt FILE2  FILE1 -ot FILE2
-b -c -d -e -f -g -G -h -k -L -N -O -p -r -s -S -u -w -x FILE
-t FD  file descriptor FD is opened on a terminal";

/// What a condition is evaluated against.
pub trait Environment {
    /// `stat(2)` (`follow`) or `lstat(2)`; an empty path has none.
    fn stat(&self, path: &[u8], follow: bool) -> Option<Stat>;
    /// `access(2)`.
    fn access(&self, path: &[u8], mode: AccessMode) -> bool;
    /// User and group.
    fn user(&self) -> (u32, u32);
    /// Whether a descriptor is a terminal.
    fn is_terminal(&self, descriptor: u32) -> bool;
    /// `-v` of bash; `None`: there is no such operator.
    fn is_set(&self, variable: &[u8]) -> Option<bool>;
    /// `-R` of bash.
    fn is_reference(&self, variable: &[u8]) -> Option<bool>;
    /// `-o` of bash with one operand.
    fn option(&self, name: &[u8]) -> Option<bool>;
    /// The value of an integer operand; bash's conditional commands evaluate arithmetic here.
    fn integer(&self, text: &[u8]) -> Option<i64> {
        parse_integer(text)
    }
    /// Compares integer operands.
    ///
    /// # Errors
    /// One of them is none.
    fn order(&self, left: &[u8], right: &[u8]) -> Result<Ordering, TestError> {
        let integer = |text: &[u8]| self.integer(text).ok_or_else(|| TestError::NotInteger(text.into()));
        Ok(integer(left)?.cmp(&integer(right)?))
    }
    /// Whether `-l STRING` can stand in the place of an integer, as in coreutils.
    fn has_lengths(&self) -> bool {
        false
    }
}

impl Environment for Ctx {
    fn stat(&self, path: &[u8], follow: bool) -> Option<Stat> {
        Ctx::stat(self, path, follow).ok()
    }

    fn access(&self, path: &[u8], mode: AccessMode) -> bool {
        Ctx::access(self, path, mode).is_ok()
    }

    fn user(&self) -> (u32, u32) {
        Ctx::user(self)
    }

    fn is_terminal(&self, descriptor: u32) -> bool {
        Ctx::is_terminal(self, descriptor)
    }

    fn order(&self, left: &[u8], right: &[u8]) -> Result<Ordering, TestError> {
        let not_integer = |text: &[u8]| TestError::NotInteger(text.into());
        let left = Decimal::read(left).ok_or_else(|| not_integer(left))?;
        Ok(left.cmp(&Decimal::read(right).ok_or_else(|| not_integer(right))?))
    }

    fn has_lengths(&self) -> bool {
        true
    }

    fn is_set(&self, _: &[u8]) -> Option<bool> {
        None
    }

    fn is_reference(&self, _: &[u8]) -> Option<bool> {
        None
    }

    fn option(&self, _: &[u8]) -> Option<bool> {
        None
    }
}

/// Why a condition cannot be evaluated. The texts are bash's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestError {
    /// An operand is no integer.
    #[error("{0}: integer expression expected")]
    NotInteger(BString),
    /// An operator lacks what follows it.
    #[error("argument expected")]
    ArgumentExpected(BString),
    /// A unary operator was expected here.
    #[error("{0}: unary operator expected")]
    UnaryExpected(BString),
    /// A binary operator was expected here.
    #[error("{0}: binary operator expected")]
    BinaryExpected(BString),
    /// More follows after the end of the condition.
    #[error("too many arguments")]
    TooMany(BString),
    /// An operator on files has `-l STRING` for an operand.
    #[error("{0} does not accept -l")]
    NoLength(BString),
    /// A parenthesis is open: what stands there instead of its end.
    #[error("{}", match .0 { Some(found) => format!("`)' expected, found {found}"), None => "`)' expected".into() })]
    Unclosed(Option<BString>),
}

/// Evaluates the arguments of `test` (POSIX XCU `test`; up to four arguments by their number, more by precedence).
///
/// # Errors
/// The arguments are no condition.
pub fn evaluate(arguments: &[&[u8]], environment: &dyn Environment) -> Result<bool, TestError> {
    let mut parser = Parser { arguments, at: 0, environment };
    let result = parser.by_count(arguments)?;
    if let Some(extra) = arguments.get(parser.at) {
        return Err(TestError::TooMany((*extra).into()));
    }
    Ok(result)
}

struct Parser<'a> {
    arguments: &'a [&'a [u8]],
    at: usize,
    environment: &'a dyn Environment,
}

impl<'a> Parser<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a [u8]> {
        self.arguments.get(self.at + ahead).copied()
    }

    fn by_count(&mut self, rest: &[&[u8]]) -> Result<bool, TestError> {
        match rest {
            [] => Ok(false),
            [one] => {
                self.at += 1;
                Ok(!one.is_empty())
            }
            [b"!", _] => {
                self.at += 1;
                Ok(!self.by_count(rest.get(1..).unwrap_or_default())?)
            }
            [operator, operand] => match self.unary(operator, operand)? {
                Some(result) => {
                    self.at += 2;
                    Ok(result)
                }
                None => Err(TestError::UnaryExpected((*operator).into())),
            },
            [left, operator, right] => {
                if is_binary(operator) {
                    let result = self.binary(left, operator, right)?;
                    self.at += 3;
                    Ok(result)
                } else if *operator == b"-a" || *operator == b"-o" {
                    let (a, b) = (!left.is_empty(), !right.is_empty());
                    self.at += 3;
                    Ok(if *operator == b"-a" { a && b } else { a || b })
                } else if *left == b"!" {
                    self.at += 1;
                    Ok(!self.by_count(rest.get(1..).unwrap_or_default())?)
                } else if *left == b"(" && *right == b")" {
                    self.at += 3;
                    Ok(!operator.is_empty())
                } else {
                    Err(TestError::BinaryExpected((*operator).into()))
                }
            }
            [b"!", _, _, _] => {
                self.at += 1;
                Ok(!self.by_count(rest.get(1..).unwrap_or_default())?)
            }
            [b"(", a, b, b")"] => {
                self.at += 1;
                let result = self.by_count(&[a, b])?;
                self.at += 1;
                Ok(result)
            }
            _ => self.or(),
        }
    }

    fn or(&mut self) -> Result<bool, TestError> {
        let mut result = self.and()?;
        while self.peek(0) == Some(b"-o") {
            self.at += 1;
            let right = self.and()?;
            result |= right;
        }
        Ok(result)
    }

    fn and(&mut self) -> Result<bool, TestError> {
        let mut result = self.term()?;
        while self.peek(0) == Some(b"-a") {
            self.at += 1;
            let right = self.term()?;
            result &= right;
        }
        Ok(result)
    }

    fn term(&mut self) -> Result<bool, TestError> {
        let mut negated = false;
        // A loop: the operators may be as many as there are arguments.
        while self.peek(0) == Some(b"!") {
            self.at += 1;
            negated = !negated;
        }
        let result = self.primary()?;
        Ok(result != negated)
    }

    fn primary(&mut self) -> Result<bool, TestError> {
        let Some(first) = self.peek(0) else {
            let last = self.arguments.last().copied().unwrap_or_default();
            return Err(TestError::ArgumentExpected(last.into()));
        };
        if self.environment.has_lengths()
            && let Some(result) = self.lengths(first)?
        {
            return Ok(result);
        }
        if let (Some(operator), Some(right)) = (self.peek(1), self.peek(2))
            && is_binary(operator)
        {
            let result = self.binary(first, operator, right)?;
            self.at += 3;
            return Ok(result);
        }
        if first == b"(" {
            return self.group();
        }
        if let Some(operand) = self.peek(1)
            && let Some(result) = self.unary(first, operand)?
        {
            self.at += 2;
            return Ok(result);
        }
        self.at += 1;
        Ok(!first.is_empty())
    }

    /// A comparison of integers of which one is `-l STRING`, the length of a string. `None`: there is none here.
    fn lengths(&mut self, first: &'a [u8]) -> Result<Option<bool>, TestError> {
        let (left, at) = match (first, self.peek(1)) {
            (b"-l", Some(text)) if self.peek(3).is_some() => (Some(text.len()), 2),
            _ => (None, 1),
        };
        let Some(operator) = self.peek(at).filter(|operator| is_binary(operator)) else { return Ok(None) };
        let (right, used) = match (self.peek(at + 1), self.peek(at + 2)) {
            (Some(b"-l"), Some(text)) => (Some(text.len()), at + 3),
            _ => (None, at + 2),
        };
        if left.is_none() && right.is_none() {
            return Ok(None);
        }
        if matches!(operator, b"-nt" | b"-ot" | b"-ef") {
            return Err(TestError::NoLength(operator.into()));
        }
        let written = |length: Option<usize>, word: &[u8]| match length {
            Some(length) => length.to_string().into_bytes(),
            None => word.to_vec(),
        };
        let left = written(left, first);
        let right = written(right, self.peek(at + 1).unwrap_or_default());
        let result = self.binary(&left, operator, &right)?;
        self.at += used;
        Ok(Some(result))
    }

    fn group(&mut self) -> Result<bool, TestError> {
        self.at += 1;
        // The parenthesis that closes it, so that the inside can be read by its number of arguments.
        let mut count = 1;
        while self.peek(count).is_some_and(|word| word != b")") && count < 4 {
            count += 1;
        }
        let inside = self.arguments.get(self.at..self.at + count).unwrap_or_default();
        let result = if count <= 4 && self.peek(count) == Some(b")") && !inside.contains(&&b"("[..]) {
            self.by_count(inside)?
        } else {
            self.or()?
        };
        match self.peek(0) {
            Some(b")") => {
                self.at += 1;
                Ok(result)
            }
            found => Err(TestError::Unclosed(found.map(BString::from))),
        }
    }

    /// `None`: that is no unary operator.
    fn unary(&self, operator: &[u8], operand: &[u8]) -> Result<Option<bool>, TestError> {
        let [b'-', letter] = operator else { return Ok(None) };
        let environment = self.environment;
        let stat = || if operand.is_empty() { None } else { environment.stat(operand, true) };
        let kind = |kind: FileType| stat().is_some_and(|stat| stat.kind == kind);
        let bits = |bits: u32| stat().is_some_and(|stat| stat.mode & bits != 0);
        let access = |mode: AccessMode| !operand.is_empty() && environment.access(operand, mode);
        Ok(Some(match letter {
            b'n' => !operand.is_empty(),
            b'z' => operand.is_empty(),
            b'e' | b'a' => stat().is_some(),
            b'f' => kind(FileType::Regular),
            b'd' => kind(FileType::Directory),
            b'c' => kind(FileType::CharacterDevice),
            b'b' => false,
            b'p' => kind(FileType::Fifo),
            b'S' => kind(FileType::Socket),
            b'h' | b'L' => {
                !operand.is_empty()
                    && environment
                        .stat(operand, false)
                        .is_some_and(|stat| stat.kind == FileType::SymbolicLink)
            }
            b's' => stat().is_some_and(|stat| stat.size > 0),
            b'g' => bits(0o2000),
            b'u' => bits(0o4000),
            b'k' => bits(0o1000),
            b'r' => access(AccessMode::READ),
            b'w' => access(AccessMode::WRITE),
            b'x' => access(AccessMode::EXECUTE),
            b'O' => stat().is_some_and(|stat| stat.uid == environment.user().0),
            b'G' => stat().is_some_and(|stat| stat.gid == environment.user().1),
            b'N' => stat().is_some_and(|stat| stat.modified > stat.accessed),
            b't' => match parse_integer(operand) {
                Some(number) => u32::try_from(number).is_ok_and(|number| environment.is_terminal(number)),
                None => return Err(TestError::NotInteger(operand.into())),
            },
            b'v' => return Ok(environment.is_set(operand)),
            b'R' => return Ok(environment.is_reference(operand)),
            b'o' => return Ok(environment.option(operand)),
            _ => return Ok(None),
        }))
    }

    fn binary(&self, left: &[u8], operator: &[u8], right: &[u8]) -> Result<bool, TestError> {
        let environment = self.environment;
        let stats = || (environment.stat(left, true), environment.stat(right, true));
        Ok(match operator {
            b"=" | b"==" => left == right,
            b"!=" => left != right,
            b"<" => left < right,
            b">" => left > right,
            b"-eq" => environment.order(left, right)?.is_eq(),
            b"-ne" => environment.order(left, right)?.is_ne(),
            b"-lt" => environment.order(left, right)?.is_lt(),
            b"-le" => environment.order(left, right)?.is_le(),
            b"-gt" => environment.order(left, right)?.is_gt(),
            b"-ge" => environment.order(left, right)?.is_ge(),
            b"-ef" => matches!(stats(), (Some(a), Some(b)) if crate::path::same_file(&a, &b)),
            b"-nt" => match stats() {
                (Some(a), Some(b)) => a.modified > b.modified,
                (a, _) => a.is_some(),
            },
            _ => match stats() {
                (Some(a), Some(b)) => a.modified < b.modified,
                (_, b) => b.is_some(),
            },
        })
    }
}

fn is_binary(operator: &[u8]) -> bool {
    matches!(
        operator,
        b"=" | b"=="
            | b"!="
            | b"<"
            | b">"
            | b"-eq"
            | b"-ne"
            | b"-lt"
            | b"-le"
            | b"-gt"
            | b"-ge"
            | b"-ef"
            | b"-nt"
            | b"-ot"
    )
}

/// An integer of any size, in decimal digits.
#[derive(PartialEq, Eq)]
struct Decimal<'a> {
    negative: bool,
    /// Without leading zeros.
    digits: &'a [u8],
}

impl<'a> Decimal<'a> {
    /// A number with white space around it.
    fn read(text: &'a [u8]) -> Option<Decimal<'a>> {
        let text = text.trim_ascii();
        let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        let digits = digits.get(zeros..).unwrap_or_default();
        Some(Decimal { negative: text.starts_with(b"-") && !digits.is_empty(), digits })
    }

    fn cmp(&self, other: &Decimal<'_>) -> Ordering {
        let size = |number: &Decimal<'a>, other: &Decimal<'_>| {
            number.digits.len().cmp(&other.digits.len()).then_with(|| number.digits.cmp(other.digits))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(self, other).reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

/// A decimal integer with white space around it.
fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii().to_str().ok()?;
    text.strip_prefix('+').filter(|rest| !rest.starts_with(['-', '+'])).unwrap_or(text).parse().ok()
}

async fn run(t: &mut Tool) -> Done {
    let arguments = t.arguments();
    conclude(t, &arguments).await
}

async fn run_bracket(t: &mut Tool) -> Done {
    crate::r#true::lone_option(t)?;
    let mut arguments = t.arguments();
    if arguments.pop().is_none_or(|last| last != "]") {
        return Err(Fail::Message(format!("missing {}", t.quote(b"]")), 2));
    }
    conclude(t, &arguments).await
}

async fn conclude(t: &mut Tool, arguments: &[BString]) -> Done {
    let words: Vec<&[u8]> = arguments.iter().map(|word| &word[..]).collect();
    match evaluate(&words, &t.ctx) {
        Ok(result) => {
            t.status = u8::from(!result);
            Ok(())
        }
        Err(error) => {
            let quoted = |text: &[u8]| t.quote(text);
            let message = match &error {
                TestError::NotInteger(text) => format!("invalid integer {}", quoted(text)),
                TestError::ArgumentExpected(text) => format!("missing argument after {}", quoted(text)),
                // Without a unary operator the program takes the second argument for one that is not there yet.
                TestError::UnaryExpected(_) => {
                    format!("missing argument after {}", quoted(words.last().copied().unwrap_or_default()))
                }
                TestError::BinaryExpected(text) => format!("{}: binary operator expected", quoted(text)),
                TestError::TooMany(text) => format!("extra argument {}", quoted(text)),
                TestError::NoLength(_) => error.to_string(),
                TestError::Unclosed(None) => format!("{} expected", quoted(b")")),
                TestError::Unclosed(Some(found)) => format!("{} expected, found {found}", quoted(b")")),
            };
            Err(Fail::Message(message, 2))
        }
    }
}
