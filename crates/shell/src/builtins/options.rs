//! Options of builtins (POSIX XBD 12.2), and the messages about wrong ones.

use crate::text::Str;
use crate::vm::{Outcome, Vm};

/// Options as given, in order, and the index of the first operand.
pub(crate) struct Given {
    pub(crate) options: Vec<(u8, Option<Str>)>,
    pub(crate) operands: usize,
}

impl Given {
    pub(crate) fn has(&self, letter: u8) -> bool {
        self.options.iter().any(|(other, _)| *other == letter)
    }

    pub(crate) fn value(&self, letter: u8) -> Option<&Str> {
        self.options.iter().rev().find(|(other, _)| *other == letter).and_then(|(_, value)| value.as_ref())
    }
}

impl Vm {
    /// Reads options; a letter followed by `:` in `spec` takes a value.
    pub(crate) fn options(&mut self, argv: &[Str], spec: &[u8]) -> Result<Given, Outcome> {
        let mut options = Vec::new();
        let mut at = 1;
        while let Some(arg) = argv.get(at) {
            if arg == b"--" {
                at += 1;
                break;
            }
            let Some(letters) = arg.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else { break };
            at += 1;
            let mut rest = letters;
            while let Some((&letter, tail)) = rest.split_first() {
                rest = tail;
                let found = (letter != b':').then(|| spec.iter().position(|b| *b == letter)).flatten();
                let Some(place) = found else {
                    self.builtin_error([b"-", &[letter][..], b": invalid option"].concat());
                    self.usage();
                    return Err(Outcome::Status(2));
                };
                if spec.get(place + 1) == Some(&b':') {
                    let value = if rest.is_empty() {
                        let Some(value) = argv.get(at).cloned() else {
                            self.builtin_error(
                                [b"-", &[letter][..], b": option requires an argument"].concat(),
                            );
                            self.usage();
                            return Err(Outcome::Status(2));
                        };
                        at += 1;
                        value
                    } else {
                        Str::new(rest)
                    };
                    rest = &[];
                    options.push((letter, Some(value)));
                } else {
                    options.push((letter, None));
                }
            }
        }
        Ok(Given { options, operands: at })
    }

    /// `name: usage: …`
    pub(crate) fn usage(&mut self) {
        let symbol = self.symbol(self.builtin.as_bytes());
        if let Some(builtin) = self.shell.shared.builtin(symbol) {
            let line = format!("{}: usage: {}\n", builtin.name, builtin.synopsis);
            self.put(2, line.as_bytes());
        }
    }

    /// `name: what: message`, with status 1.
    pub(crate) fn complain(&mut self, what: &[u8], message: &str) -> Outcome {
        self.builtin_error([what, b": ", message.as_bytes()].concat());
        Outcome::Status(1)
    }
}

/// A decimal integer with an optional sign, as builtins take numbers: any white space before it, blanks behind.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let begin = text.iter().position(|byte| !space(byte))?;
    let end = text.iter().rposition(|byte| !matches!(byte, b' ' | b'\t'))?;
    let text = text.get(begin..=end)?;
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut value: i64 = 0;
    for digit in digits {
        value = value.checked_mul(10)?;
        let digit = i64::from(digit - b'0');
        value = if negative { value.checked_sub(digit)? } else { value.checked_add(digit)? };
    }
    Some(value)
}
