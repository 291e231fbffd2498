//! `echo`

use super::Builtin;
use crate::options::Shopt;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const ECHO: Builtin = Builtin::new(
    "echo",
    "echo [-neE] [arg ...]",
    "Writes its arguments, separated by blanks and ended by a newline.\n\n-n  no newline at the end\n-e  backslash escapes are interpreted\n-E  they are not\n\nStatus: 0, unless writing fails.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let mut newline = true;
    let mut escapes = vm.shopt(Shopt::XpgEcho);
    let mut at = 1;
    if !(escapes && vm.opt(crate::options::Opt::Posix)) {
        while let Some(letters) = argv.get(at).and_then(|arg| arg.strip_prefix(b"-")) {
            if letters.is_empty() || !letters.iter().all(|b| matches!(b, b'n' | b'e' | b'E')) {
                break;
            }
            for letter in letters {
                match letter {
                    b'n' => newline = false,
                    b'e' => escapes = true,
                    _ => escapes = false,
                }
            }
            at += 1;
        }
    }
    let mut out = Vec::new();
    for (i, arg) in argv.iter().enumerate().skip(at) {
        if i > at {
            out.push(b' ');
        }
        if escapes {
            if !unescape(arg, Escapes::Echo, &mut out) {
                vm.put(1, &out);
                return Outcome::Status(0);
            }
        } else {
            out.extend_from_slice(arg);
        }
    }
    if newline {
        out.push(b'\n');
    }
    vm.put(1, &out);
    Outcome::Status(0)
}

/// Whose escapes: octal numbers differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// `echo -e` and `printf %b`: `\0nnn`, `\c`.
    Echo,
    /// The same, and `\nnn`.
    PrintfB,
    /// The format of `printf`: `\nnn`.
    Format,
}

/// Appends `text` with its backslash escapes interpreted. False: `\c` ended the output.
pub(crate) fn unescape(text: &[u8], kind: Escapes, out: &mut Vec<u8>) -> bool {
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        at += 1;
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let Some(&letter) = text.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'e' | b'E' => out.push(27),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' => out.push(b'\\'),
            b'c' if kind != Escapes::Format => return false,
            b'\'' | b'"' | b'?' if kind == Escapes::Format => out.push(letter),
            b'0' if kind != Escapes::Format => {
                let (value, used) = digits(text.get(at..).unwrap_or_default(), 8, 3);
                at += used;
                out.push(value as u8);
            }
            b'0'..=b'7' if kind != Escapes::Echo => {
                let (value, used) = digits(text.get(at - 1..).unwrap_or_default(), 8, 3);
                at += used - 1;
                out.push(value as u8);
            }
            b'x' => {
                let (value, used) = digits(text.get(at..).unwrap_or_default(), 16, 2);
                if used == 0 {
                    out.extend_from_slice(b"\\x");
                } else {
                    at += used;
                    out.push(value as u8);
                }
            }
            b'u' | b'U' => {
                let (value, used) =
                    digits(text.get(at..).unwrap_or_default(), 16, if letter == b'u' { 4 } else { 8 });
                if used == 0 {
                    out.extend_from_slice(&[b'\\', letter]);
                } else {
                    at += used;
                    wasmsh_syntax::quote::push_code_point(out, value);
                }
            }
            other => out.extend_from_slice(&[b'\\', other]),
        }
    }
    true
}

fn digits(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut used = 0;
    for &b in text.iter().take(most) {
        let Some(digit) = (b as char).to_digit(radix) else { break };
        value = value.wrapping_mul(radix).wrapping_add(digit);
        used += 1;
    }
    (value, used)
}
