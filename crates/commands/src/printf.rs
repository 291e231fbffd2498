//! `printf`: formats its arguments. The logic serves the shell's builtin too.

use bstr::{BString, ByteSlice};

use crate::escape::{Escape, Octal, digits, escape};
use crate::extended::{Extended, Flags};
use crate::{Command, Done, Fail, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "printf",
    usage: &["FORMAT [ARGUMENT]...", "OPTION"],
    about: "Print ARGUMENT(s) according to FORMAT, or execute according to OPTION:",
    options: &[],
    more: "FORMAT controls the output as in C printf.  Interpreted sequences are:\n\n\
           \\\" \\NNN \\\\ \\a \\b \\c \\e \\f \\n \\r \\t \\v \\xHH \\uHHHH \\UHHHHHHHH %% %b %q\n\n\
           and all C format specifications ending with one of diouxXfeEgGaAcs, with\n\
           ARGUMENTs converted to proper type first.  Variable widths are handled.",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

/// Something wrong with an argument or a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// An argument is no number; it counts as 0.
    #[error("{0}: invalid number")]
    NotNumber(BString),
    /// An argument has something behind its number, which counts.
    #[error("{0}: invalid number")]
    Trailing(BString),
    /// A number is too large; the largest one counts.
    #[error("warning: {0}: Numerical result out of range")]
    Range(BString),
    /// The format ends inside of a conversion: what there is of it.
    #[error("`{0}': missing format character")]
    Unfinished(BString),
    /// There is no such conversion: the conversion, and its letter.
    #[error("`{1}': invalid format character")]
    NoConversion(BString, BString),
    /// `\x` without digits.
    #[error("missing hex digit for \\x")]
    NoHexDigits,
}

impl Problem {
    /// Whether nothing is written after it.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Problem::Unfinished(_) | Problem::NoConversion(..))
    }
}

/// What the format needs from whoever formats.
pub trait Host {
    /// Whether the rules are those of bash's builtin rather than those of coreutils.
    fn is_bash(&self) -> bool;
    /// Is told of a problem.
    fn problem(&mut self, problem: Problem);
    /// `%q`: appends `word`, quoted so that a shell reads it back.
    fn quote(&mut self, word: &[u8], out: &mut Vec<u8>);
    /// `%(FORMAT)T` of bash: appends the time; -1 now, -2 when the shell began.
    fn time(&mut self, format: &[u8], seconds: i64, out: &mut Vec<u8>);
    /// `%n` of bash: so many bytes have been written.
    fn count(&mut self, variable: &[u8], bytes: usize);
}

/// Formats `arguments`, the format as often as they last. False: there was a problem.
pub fn format(template: &[u8], arguments: &[&[u8]], host: &mut dyn Host, out: &mut Vec<u8>) -> bool {
    let mut state = State { arguments, next: 0, host, fine: true, start: out.len() };
    loop {
        let before = state.next;
        if !state.once(template, out) {
            break;
        }
        if state.next >= arguments.len() || state.next == before {
            break;
        }
    }
    state.fine
}

/// How many arguments one pass over the format takes; 0: those that are left over are of no use.
fn takes_arguments(template: &[u8]) -> bool {
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'%', rest) {
        rest = rest.get(at + 1..).unwrap_or_default();
        if rest.first() != Some(&b'%') {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

struct State<'a> {
    arguments: &'a [&'a [u8]],
    next: usize,
    host: &'a mut dyn Host,
    fine: bool,
    /// Where the output of this call begins.
    start: usize,
}

impl State<'_> {
    fn argument(&mut self) -> &[u8] {
        let argument = self.arguments.get(self.next).copied().unwrap_or_default();
        self.next += 1;
        argument
    }

    fn problem(&mut self, problem: Problem) {
        self.fine = false;
        self.host.problem(problem);
    }

    /// One pass over the format. False: nothing more is to be written.
    fn once(&mut self, template: &[u8], out: &mut Vec<u8>) -> bool {
        let mut rest = template;
        while let Some((&byte, behind)) = rest.split_first() {
            match byte {
                b'\\' => match self.escape(behind, out) {
                    Some(count) => rest = behind.get(count..).unwrap_or_default(),
                    None => return false,
                },
                b'%' => match self.conversion(rest, out) {
                    Some(count) => rest = rest.get(count..).unwrap_or_default(),
                    None => return false,
                },
                _ => {
                    let plain = rest.find_byteset(b"\\%").unwrap_or(rest.len());
                    out.extend_from_slice(rest.get(..plain).unwrap_or_default());
                    rest = rest.get(plain..).unwrap_or_default();
                }
            }
        }
        true
    }

    fn escape(&mut self, behind: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        match behind.first() {
            Some(b'c') if !self.host.is_bash() => return None,
            Some(quote @ (b'\'' | b'?')) if self.host.is_bash() => {
                out.push(*quote);
                return Some(1);
            }
            Some(b'"') => {
                out.push(b'"');
                return Some(1);
            }
            Some(b'x') if digits(behind.get(1..).unwrap_or_default(), 16, 2).1 == 0 => {
                self.problem(Problem::NoHexDigits);
                if !self.host.is_bash() {
                    return None;
                }
            }
            Some(letter @ (b'u' | b'U')) if !self.host.is_bash() => {
                // All of them must be there.
                let all = if *letter == b'u' { 4 } else { 8 };
                if digits(behind.get(1..).unwrap_or_default(), 16, all).1 < all {
                    self.problem(Problem::NoHexDigits);
                    return None;
                }
            }
            _ => {}
        }
        Some(escape(behind, Octal::Plain, out).0)
    }

    /// A conversion at the beginning of `text`. How many bytes it has; `None`: nothing more is to be written.
    fn conversion(&mut self, text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let mut at = 1;
        let peek = |at: usize| text.get(at).copied();
        if peek(at) == Some(b'%') {
            out.push(b'%');
            return Some(2);
        }
        let mut flags = Flags::default();
        let mut grouping = false;
        loop {
            match peek(at) {
                Some(b'-') => flags.left = true,
                Some(b'+') => flags.plus = true,
                Some(b' ') => flags.space = true,
                Some(b'#') => flags.alternate = true,
                Some(b'0') => flags.zero = true,
                Some(b'\'' | b'I') => grouping = true,
                _ => break,
            }
            at += 1;
        }
        // The C locale has no thousands separator.
        let _ = grouping;
        let mut width = 0_usize;
        if peek(at) == Some(b'*') {
            at += 1;
            let value = self.integer();
            flags.left |= value < 0;
            width = clamp(value.unsigned_abs());
        } else {
            while let Some(digit @ b'0'..=b'9') = peek(at) {
                width = width.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                at += 1;
            }
        }
        let mut precision = None;
        if peek(at) == Some(b'.') {
            at += 1;
            if peek(at) == Some(b'*') {
                at += 1;
                let value = self.integer();
                precision = (value >= 0).then(|| clamp(value.unsigned_abs()));
            } else {
                let mut value = 0_usize;
                while let Some(digit @ b'0'..=b'9') = peek(at) {
                    value = value.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                    at += 1;
                }
                precision = Some(value);
            }
        }
        let width = width.min(LARGEST_WIDTH);
        let precision = precision.map(|precision| precision.min(LARGEST_WIDTH));
        if self.host.is_bash() && peek(at) == Some(b'(') {
            let inner = text.get(at + 1..).unwrap_or_default();
            if let Some(close) = memchr::memchr(b')', inner)
                && inner.get(close + 1) == Some(&b'T')
            {
                let seconds = if self.next < self.arguments.len() { self.integer() } else { -1 };
                let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
                let mut time = Vec::new();
                self.host.time(inner.get(..close).unwrap_or_default(), seconds, &mut time);
                pad(&time, flags, width, precision, out);
                return Some(at + 1 + close + 2);
            }
        }
        while matches!(peek(at), Some(b'h' | b'l' | b'j' | b'z' | b't' | b'L' | b'q'))
            && (peek(at) != Some(b'q') || peek(at + 1).is_some_and(|next| b"diouxX".contains(&next)))
        {
            at += 1;
        }
        let Some(letter) = peek(at) else {
            self.problem(Problem::Unfinished(text.into()));
            return None;
        };
        at += 1;
        match letter {
            b's' => {
                let argument = self.argument().to_vec();
                pad(&argument, flags, width, precision, out);
            }
            b'c' => {
                let first = self.argument().first().copied().unwrap_or(0);
                pad(&[first], flags, width, None, out);
            }
            b'b' => {
                let argument = self.argument().to_vec();
                let mut expanded = Vec::new();
                let more = expand(&argument, &mut expanded);
                pad(&expanded, flags, width, precision, out);
                if !more {
                    return None;
                }
            }
            b'q' => {
                let argument = self.argument().to_vec();
                let mut quoted = Vec::new();
                self.host.quote(&argument, &mut quoted);
                pad(&quoted, flags, width, precision, out);
            }
            b'd' | b'i' => {
                let value = self.integer();
                let value = i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
                let sign = match (value < 0, flags) {
                    (true, _) => "-",
                    (false, Flags { plus: true, .. }) => "+",
                    (false, Flags { space: true, .. }) => " ",
                    _ => "",
                };
                integer(sign, &value.unsigned_abs().to_string(), flags, width, precision, out);
            }
            b'o' | b'u' | b'x' | b'X' => {
                let value = self.integer();
                // Negative numbers are taken modulo 2^64.
                let value = u64::try_from(value)
                    .or_else(|_| i64::try_from(value).map(|value| value as u64))
                    .unwrap_or(if value < 0 { i64::MIN as u64 } else { u64::MAX });
                let (prefix, digits) = match letter {
                    b'u' => ("", value.to_string()),
                    b'o' => {
                        let mut digits = format!("{value:o}");
                        if flags.alternate && value != 0 && precision.unwrap_or(0) <= digits.len() {
                            digits.insert(0, '0');
                        }
                        ("", digits)
                    }
                    b'x' => (if flags.alternate && value != 0 { "0x" } else { "" }, format!("{value:x}")),
                    _ => (if flags.alternate && value != 0 { "0X" } else { "" }, format!("{value:X}")),
                };
                integer(prefix, &digits, flags, width, precision, out);
            }
            b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                let value = self.float();
                out.extend_from_slice(value.format(letter, flags, width, precision).as_bytes());
            }
            b'n' if self.host.is_bash() => {
                let bytes = out.len() - self.start;
                let variable = self.argument().to_vec();
                self.host.count(&variable, bytes);
            }
            _ => {
                let conversion = text.get(..at).unwrap_or_default();
                self.problem(Problem::NoConversion(conversion.into(), vec![letter].into()));
                return None;
            }
        }
        Some(at)
    }

    /// An argument as an integer, wider than 64 bits so that its sign and range can be told.
    fn integer(&mut self) -> i128 {
        let present = self.next < self.arguments.len();
        let argument = self.argument().to_vec();
        if !present {
            return 0;
        }
        if let Some(value) = character_code(&argument) {
            return i128::from(value);
        }
        let (value, used, overflow) = strtoimax(&argument);
        if overflow {
            self.problem(Problem::Range(argument.clone().into()));
        }
        self.check(&argument, used);
        value
    }

    fn float(&mut self) -> Extended {
        let present = self.next < self.arguments.len();
        let argument = self.argument().to_vec();
        if !present {
            return Extended::ZERO;
        }
        if let Some(value) = character_code(&argument) {
            return Extended::from_u64(u64::from(value));
        }
        let trimmed = argument.trim_ascii_start();
        let blanks = argument.len() - trimmed.len();
        match Extended::parse(trimmed) {
            Some((value, used)) => {
                self.check(&argument, blanks + used);
                value
            }
            None => {
                self.check(&argument, 0);
                Extended::ZERO
            }
        }
    }

    /// Tells what was not read of a number.
    fn check(&mut self, argument: &[u8], used: usize) {
        // bash takes an empty argument for 0, coreutils does not.
        if used == argument.len() && (used > 0 || self.host.is_bash()) {
            return;
        }
        let argument = argument.into();
        self.problem(if used == 0 { Problem::NotNumber(argument) } else { Problem::Trailing(argument) });
    }
}

/// A padding beyond this is a mistake that would only use up memory.
const LARGEST_WIDTH: usize = 1 << 24;

fn clamp(value: u128) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// `'c`: the number of a character.
fn character_code(argument: &[u8]) -> Option<u32> {
    let (quote, rest) = argument.split_first()?;
    if !matches!(quote, b'\'' | b'"') {
        return None;
    }
    if rest.is_empty() {
        return Some(0);
    }
    Some(match bstr::decode_utf8(rest) {
        (Some(character), _) => u32::from(character),
        (None, _) => u32::from(*rest.first()?),
    })
}

/// `strtoimax(3)` with base 0, of unlimited range up to 128 bits. How many bytes were read, and whether it is out of the
/// range of 64 bits.
pub(crate) fn strtoimax(text: &[u8]) -> (i128, usize, bool) {
    let trimmed = text.trim_ascii_start();
    let blanks = text.len() - trimmed.len();
    let (negative, sign) = match trimmed.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let rest = trimmed.get(sign..).unwrap_or_default();
    let hexadecimal = matches!(rest, [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit());
    let (radix, prefix) = match rest {
        _ if hexadecimal => (16, 2),
        [b'0', ..] => (8, 0),
        _ => (10, 0),
    };
    let mut value = 0_i128;
    let mut count = 0;
    for byte in rest.get(prefix..).unwrap_or_default() {
        let Some(digit) = char::from(*byte).to_digit(radix) else { break };
        value = value.saturating_mul(i128::from(radix)).saturating_add(i128::from(digit));
        count += 1;
    }
    if count == 0 {
        return (0, 0, false);
    }
    let value = if negative { -value } else { value };
    let overflow = value > i128::from(u64::MAX) || value < i128::from(i64::MIN);
    (value, blanks + sign + prefix + count, overflow)
}

fn expand(argument: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = argument;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at + 1..).unwrap_or_default();
        if let Some(quote @ (b'\'' | b'"' | b'?')) = behind.first() {
            out.push(*quote);
            rest = behind.get(1..).unwrap_or_default();
            continue;
        }
        let (count, what) = escape(behind, Octal::Both, out);
        if let Escape::Stop = what {
            return false;
        }
        rest = behind.get(count..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    true
}

pub(crate) fn pad(text: &[u8], flags: Flags, width: usize, precision: Option<usize>, out: &mut Vec<u8>) {
    let text = text.get(..precision.unwrap_or(usize::MAX).min(text.len())).unwrap_or_default();
    let padding = width.saturating_sub(text.len());
    if !flags.left {
        out.resize(out.len() + padding, b' ');
    }
    out.extend_from_slice(text);
    if flags.left {
        out.resize(out.len() + padding, b' ');
    }
}

pub(crate) fn integer(
    prefix: &str,
    digits: &str,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    out: &mut Vec<u8>,
) {
    let digits = if digits == "0" && precision == Some(0) { "" } else { digits };
    let mut zeros = precision.unwrap_or(0).saturating_sub(digits.len());
    let padding = width.saturating_sub(prefix.len() + zeros + digits.len());
    let fill = flags.zero && !flags.left && precision.is_none();
    if fill {
        zeros += padding;
    } else if !flags.left {
        out.resize(out.len() + padding, b' ');
    }
    out.extend_from_slice(prefix.as_bytes());
    out.resize(out.len() + zeros, b'0');
    out.extend_from_slice(digits.as_bytes());
    if flags.left {
        out.resize(out.len() + padding, b' ');
    }
}

/// The program, as coreutils has it.
struct Program {
    problems: Vec<Problem>,
}

impl Host for Program {
    fn is_bash(&self) -> bool {
        false
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn quote(&mut self, word: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(crate::quote::shell_escape(word, false, false).as_bytes());
    }

    fn time(&mut self, _: &[u8], _: i64, _: &mut Vec<u8>) {}

    fn count(&mut self, _: &[u8], _: usize) {}
}

async fn run(t: &mut Tool) -> Done {
    crate::r#true::lone_option(t)?;
    let mut arguments = t.arguments();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    let Some((template, rest)) = arguments.split_first() else { return Err(t.missing_operand()) };
    let words: Vec<&[u8]> = rest.iter().map(|word| &word[..]).collect();
    let mut host = Program { problems: Vec::new() };
    format(template, &words, &mut host, t.out.buffer());
    for problem in host.problems {
        let message = match &problem {
            Problem::NotNumber(text) => format!("{}: expected a numeric value", t.quote(text)),
            Problem::Trailing(text) => format!("{}: value not completely converted", t.quote(text)),
            Problem::Range(text) => format!("{}: Numerical result out of range", t.quote(text)),
            Problem::Unfinished(text) | Problem::NoConversion(text, _) => {
                return Err(Fail::Message(format!("{text}: invalid conversion specification"), 1));
            }
            Problem::NoHexDigits => {
                return Err(Fail::Message("missing hexadecimal number in escape".into(), 1));
            }
        };
        t.error(message).await?;
    }
    if let Some(extra) = words.first()
        && !takes_arguments(template)
    {
        t.warn(format!("warning: ignoring excess arguments, starting with {}", t.quote(extra))).await?;
    }
    Ok(())
}
