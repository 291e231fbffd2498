//! `printf`

use wasmsh_commands::extended::{Extended, Flags};

use super::Builtin;
use super::echo::{Escapes, unescape};
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const PRINTF: Builtin = Builtin::new(
    "printf",
    "printf [-v var] format [arguments]",
    "Writes its arguments under control of the format, which is used again until all are written.\n\nBeside those of printf(3): %b interprets backslash escapes, %q quotes for the shell,\n%Q the same with a precision, %(FORMAT)T writes a time.\n-v var  the result becomes the value of the variable.\n\nStatus: 0, unless an argument is wrong or writing fails.",
    run,
);

struct Printf<'a> {
    args: std::slice::Iter<'a, Str>,
    used: bool,
    status: u8,
    out: Vec<u8>,
    stop: bool,
    /// It has become longer than an expansion may be.
    over: bool,
    /// How long that is.
    limit: usize,
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"v:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let variable = given.value(b'v').cloned();
    if let Some(variable) = &variable
        && crate::vm::variables::split_reference(variable).is_none()
    {
        let what = [b"`", &**variable, b"'"].concat();
        let _ = vm.complain(&what, "not a valid identifier");
        return Outcome::Status(2);
    }
    let Some(format) = argv.get(given.operands) else {
        vm.usage();
        return Outcome::Status(2);
    };
    let args = argv.get(given.operands + 1..).unwrap_or_default();
    let limit = vm.expansion_limit;
    let mut printf = Printf {
        args: args.iter(),
        used: false,
        status: 0,
        out: Vec::new(),
        stop: false,
        over: false,
        limit,
    };
    loop {
        printf.used = false;
        if !printf.format(vm, format) {
            // What was made before a wrong conversion is still written.
            break;
        }
        if printf.stop || !printf.used || printf.args.len() == 0 {
            break;
        }
        if printf.out.len() > limit {
            printf.over = true;
            break;
        }
        vm.fuel(1);
    }
    let Printf { status, out, over, .. } = printf;
    if over {
        return Outcome::Unwind(vm.too_large());
    }
    match variable {
        // A value ends before the first character 0.
        Some(variable) => {
            match vm.assign_place(&variable, Str::new(out.split(|b| *b == 0).next().unwrap_or_default())) {
                Ok(()) => Outcome::Status(status),
                Err(unwind @ (crate::vm::Unwind::Expand | crate::vm::Unwind::Exit(_))) => {
                    Outcome::Unwind(unwind)
                }
                Err(_) => Outcome::Status(1),
            }
        }
        None => {
            vm.put(1, &out);
            Outcome::Status(status)
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
    group: bool,
    width: usize,
    precision: Option<usize>,
}

/// Widths and precisions are not counted beyond this; it is more than any limit lets through.
const WIDEST: usize = usize::MAX / 11;
/// Digits after the point that are computed; a number has no more than these that are not 0.
const DIGITS: usize = 16_500;

impl Printf<'_> {
    fn next(&mut self) -> Option<Str> {
        self.used = true;
        self.args.next().cloned()
    }

    /// The format once. False: it is wrong.
    fn format(&mut self, vm: &mut Vm, format: &[u8]) -> bool {
        let mut at = 0;
        while let Some(&b) = format.get(at) {
            if b == b'\\' {
                // One escape is at most ten bytes long.
                let end = escape_end(format, at);
                unescape(format.get(at..end).unwrap_or_default(), Escapes::Format, &mut self.out);
                at = end;
                continue;
            }
            if b != b'%' {
                let end = format
                    .iter()
                    .skip(at)
                    .position(|b| matches!(b, b'%' | b'\\'))
                    .map_or(format.len(), |n| at + n);
                self.out.extend_from_slice(format.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            let percent = at;
            at += 1;
            if format.get(at) == Some(&b'%') {
                self.out.push(b'%');
                at += 1;
                continue;
            }
            let mut spec = Spec::default();
            while let Some(&flag) = format.get(at) {
                match flag {
                    b'-' => spec.minus = true,
                    b'+' => spec.plus = true,
                    b' ' => spec.space = true,
                    b'#' => spec.alternate = true,
                    b'0' => spec.zero = true,
                    b'\'' => spec.group = true,
                    _ => break,
                }
                at += 1;
            }
            if format.get(at) == Some(&b'*') {
                at += 1;
                let width = self.number(vm);
                spec.minus |= width < 0;
                spec.width = (width.unsigned_abs() as usize).min(WIDEST);
            } else {
                while let Some(digit) = format.get(at).filter(|b| b.is_ascii_digit()) {
                    spec.width = (spec.width * 10 + usize::from(digit - b'0')).min(WIDEST);
                    at += 1;
                }
            }
            if format.get(at) == Some(&b'.') {
                at += 1;
                if format.get(at) == Some(&b'*') {
                    at += 1;
                    let precision = self.number(vm);
                    spec.precision = usize::try_from(precision).ok().map(|p| p.min(WIDEST));
                } else {
                    let mut precision = 0;
                    while let Some(digit) = format.get(at).filter(|b| b.is_ascii_digit()) {
                        precision = (precision * 10 + usize::from(digit - b'0')).min(WIDEST);
                        at += 1;
                    }
                    spec.precision = Some(precision);
                }
            }
            while matches!(format.get(at), Some(b'h' | b'l' | b'j' | b'z' | b't' | b'L')) {
                at += 1;
            }
            let digits = if format.get(at) == Some(&b's') { 0 } else { spec.precision.unwrap_or(0) };
            if spec.width.max(digits) > self.limit.saturating_sub(self.out.len()) {
                self.over = true;
                return false;
            }
            if format.get(at) == Some(&b'(')
                && let Some(close) = closing(format, at)
                && format.get(close + 1) == Some(&b'T')
            {
                let time = format.get(at + 1..close).unwrap_or_default();
                at = close + 2;
                let seconds = match self.next() {
                    None => vm.ctx.now().seconds,
                    Some(arg) if arg.is_empty() || arg == b"-1" => vm.ctx.now().seconds,
                    Some(arg) if arg == b"-2" => {
                        let alive = vm.ctx.monotonic().saturating_sub(vm.shell.started) / 1_000_000_000;
                        vm.ctx.now().seconds - alive as i64
                    }
                    Some(arg) => self.parse(vm, &arg, false),
                };
                let time = if time.is_empty() { b"%X".as_slice() } else { time };
                let text = vm.strftime(time, seconds);
                self.pad_text(spec, &text);
                continue;
            }
            if format.get(at) == Some(&b'(') {
                // What is no time is shown as it is.
                let Some(close) = closing(format, at) else {
                    vm.builtin_error("`(': invalid format character");
                    self.status = 1;
                    return false;
                };
                let letter = format.get(close + 1..close + 2).unwrap_or_default();
                vm.builtin_error([b"warning: `", letter, b"': invalid time format specification"].concat());
                let end = (close + 2).min(format.len());
                self.out.extend_from_slice(format.get(percent..end).unwrap_or_default());
                at = end;
                continue;
            }
            let Some(&letter) = format.get(at) else {
                let text = format.get(percent..).unwrap_or_default();
                vm.builtin_error([b"`", text, b"': missing format character"].concat());
                self.status = 1;
                return false;
            };
            at += 1;
            match letter {
                b's' => {
                    let text = self.next().unwrap_or_default();
                    self.pad_text(spec, &text);
                }
                b'c' => {
                    let text = self.next().unwrap_or_default();
                    // Nothing is the character 0.
                    let one = [text.first().copied().unwrap_or(0)];
                    self.pad_text(Spec { precision: None, ..spec }, &one);
                }
                b'b' => {
                    let text = self.next().unwrap_or_default();
                    let mut out = Vec::new();
                    let more = unescape(&text, Escapes::PrintfB, &mut out);
                    self.pad_text(spec, &out);
                    if !more {
                        self.stop = true;
                        return true;
                    }
                }
                b'q' | b'Q' => {
                    let mut text = self.next().unwrap_or_default();
                    let mut spec = spec;
                    if letter == b'Q'
                        && let Some(precision) = spec.precision.take()
                    {
                        text = Str::new(take_chars(&text, precision));
                    }
                    let quoted = wasmsh_syntax::quote::backslash(&text).into_owned();
                    self.pad_text(spec, &quoted);
                }
                b'n' => {
                    let name = self.next().unwrap_or_default();
                    let count = Str::from_int(self.out.len() as i64);
                    let _ = vm.assign_place(&name, count);
                }
                b'd' | b'i' => {
                    let value = self.number(vm);
                    self.integer(spec, value < 0, u128::from(value.unsigned_abs()), 10, letter);
                }
                b'u' | b'o' | b'x' | b'X' => {
                    let value = self.number_as(vm, true) as u64;
                    let radix = match letter {
                        b'u' => 10,
                        b'o' => 8,
                        _ => 16,
                    };
                    self.integer(
                        Spec { plus: false, space: false, ..spec },
                        false,
                        u128::from(value),
                        radix,
                        letter,
                    );
                }
                b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
                    let value = self.float(vm);
                    let text = float_text(value, letter, spec);
                    self.pad_number(spec, &text, value.is_finite());
                }
                other => {
                    let mut message = b"`".to_vec();
                    message.push(other);
                    message.extend_from_slice(b"': invalid format character");
                    vm.builtin_error(message);
                    self.status = 1;
                    return false;
                }
            }
        }
        true
    }

    fn number(&mut self, vm: &mut Vm) -> i64 {
        self.number_as(vm, false)
    }

    fn number_as(&mut self, vm: &mut Vm, unsigned: bool) -> i64 {
        match self.next() {
            Some(text) => self.parse(vm, &text, unsigned),
            None => 0,
        }
    }

    /// An integer argument as C has it, or the code of a character after a quotation mark. An unsigned one is
    /// given as the signed number of the same bits.
    fn parse(&mut self, vm: &mut Vm, text: &Str, unsigned: bool) -> i64 {
        if let [b'\'' | b'"', rest @ ..] = text.as_bytes() {
            return char_code(rest);
        }
        let bytes = text.trim_ascii_start();
        let (negative, digits) = match bytes {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, bytes),
        };
        let digits_start = digits;
        let (radix, digits) = match digits {
            [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => (16, rest),
            [b'0', rest @ ..] if rest.first().is_some_and(u8::is_ascii_digit) => (8, rest),
            _ => (10, digits),
        };
        let mut value: i128 = 0;
        let mut used = 0;
        for &b in digits {
            let Some(digit) = (b as char).to_digit(radix) else { break };
            value = (value * i128::from(radix) + i128::from(digit)).min(1 << 100);
            used += 1;
        }
        if negative {
            value = -value;
        }
        if used < digits.len() || (used == 0 && !text.is_empty()) {
            let message = match digits_start {
                [b'0', b'x' | b'X', ..] => "invalid hex number",
                [b'0', b'0'..=b'9', ..] => "invalid octal number",
                _ => "invalid number",
            };
            let _ = vm.complain(text, message);
            self.status = 1;
        }
        let fits = if unsigned {
            value.unsigned_abs() <= u128::from(u64::MAX)
        } else {
            i64::try_from(value).is_ok()
        };
        if !fits {
            let _ = vm.complain(&[b"warning: ", &**text].concat(), "Numerical result out of range");
        }
        if unsigned {
            if fits { value as u64 as i64 } else { u64::MAX as i64 }
        } else {
            value.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
        }
    }

    fn float(&mut self, vm: &mut Vm) -> Extended {
        let Some(text) = self.next() else { return Extended::ZERO };
        if let [b'\'' | b'"', rest @ ..] = text.as_bytes() {
            return Extended::from_u64(u64::try_from(char_code(rest)).unwrap_or(0));
        }
        let bare = text.trim_ascii_start();
        let (value, used) = Extended::parse(bare).unwrap_or((Extended::ZERO, 0));
        if used < bare.len() || (used == 0 && !text.is_empty()) {
            let message = match bare {
                [b'0', b'x' | b'X', ..] => "invalid hex number",
                [b'0', b'0'..=b'9', ..] => "invalid octal number",
                _ => "invalid number",
            };
            let _ = vm.complain(&text, message);
            self.status = 1;
        } else if !value.is_finite() && !bare.iter().any(|byte| matches!(byte, b'n' | b'N')) {
            let _ = vm.complain(&[b"warning: ", &text[..]].concat(), "Numerical result out of range");
        }
        value
    }

    fn pad_text(&mut self, spec: Spec, text: &[u8]) {
        // Bash counts bytes in the precision and characters nowhere.
        let text = match spec.precision {
            Some(precision) => take_chars(text, precision),
            None => text,
        };
        let width = crate::expand::pattern::count_chars(text);
        self.pad(spec.width.saturating_sub(width), spec.minus, text);
    }

    fn pad(&mut self, fill: usize, left: bool, text: &[u8]) {
        if text.len() > self.limit.saturating_sub(self.out.len()) {
            self.over = true;
            return;
        }
        if left {
            self.out.extend_from_slice(text);
            self.out.resize(self.out.len() + fill, b' ');
        } else {
            self.out.resize(self.out.len() + fill, b' ');
            self.out.extend_from_slice(text);
        }
    }

    fn pad_number(&mut self, spec: Spec, text: &[u8], zeros: bool) {
        let fill = spec.width.saturating_sub(text.len());
        if spec.zero && !spec.minus && zeros && fill > 0 {
            let sign = usize::from(matches!(text.first(), Some(b'-' | b'+' | b' ')));
            let (sign, digits) = text.split_at(sign.min(text.len()));
            self.out.extend_from_slice(sign);
            self.out.resize(self.out.len() + fill, b'0');
            self.out.extend_from_slice(digits);
        } else {
            self.pad(fill, spec.minus, text);
        }
    }

    fn integer(&mut self, spec: Spec, negative: bool, value: u128, radix: u128, letter: u8) {
        let mut digits = Vec::new();
        let mut rest = value;
        while rest > 0 {
            let digit = char::from_digit((rest % radix) as u32, 16).unwrap_or('0');
            digits.push(if letter == b'X' { digit.to_ascii_uppercase() as u8 } else { digit as u8 });
            rest /= radix;
        }
        let least = spec.precision.unwrap_or(1);
        while digits.len() < least {
            digits.push(b'0');
        }
        if spec.alternate && letter == b'o' && digits.last() != Some(&b'0') {
            digits.push(b'0');
        }
        digits.reverse();
        let mut prefix = Vec::new();
        if negative {
            prefix.push(b'-');
        } else if spec.plus {
            prefix.push(b'+');
        } else if spec.space {
            prefix.push(b' ');
        }
        if spec.alternate && radix == 16 && value != 0 {
            prefix.extend_from_slice(&[b'0', letter]);
        }
        let fill = spec.width.saturating_sub(prefix.len() + digits.len());
        if spec.zero && !spec.minus && spec.precision.is_none() {
            self.out.extend_from_slice(&prefix);
            self.out.resize(self.out.len() + fill, b'0');
            self.out.extend_from_slice(&digits);
        } else {
            prefix.extend_from_slice(&digits);
            self.pad(fill, spec.minus, &prefix);
        }
    }
}

fn take_chars(text: &[u8], count: usize) -> &[u8] {
    let length: usize = crate::expand::pattern::chars(text).take(count).map(<[u8]>::len).sum();
    text.get(..length).unwrap_or(text)
}

fn char_code(text: &[u8]) -> i64 {
    let length = crate::expand::pattern::char_len(text);
    match text.get(..length).map(std::str::from_utf8) {
        Some(Ok(one)) => one.chars().next().map_or(0, |c| i64::from(u32::from(c))),
        _ => text.first().map_or(0, |b| i64::from(*b)),
    }
}

/// Where the escape that begins at `at` ends.
fn escape_end(format: &[u8], at: usize) -> usize {
    let digits = |from: usize, most: usize, radix: u32| {
        format.iter().skip(from).take(most).take_while(|b| (**b as char).is_digit(radix)).count()
    };
    match format.get(at + 1) {
        None => at + 1,
        Some(b'0'..=b'7') => at + 1 + digits(at + 1, 3, 8),
        Some(b'x') => at + 2 + digits(at + 2, 2, 16),
        Some(b'u') => at + 2 + digits(at + 2, 4, 16),
        Some(b'U') => at + 2 + digits(at + 2, 8, 16),
        Some(_) => at + 2,
    }
}

fn float_text(value: Extended, letter: u8, spec: Spec) -> Vec<u8> {
    let flags = Flags { plus: spec.plus, space: spec.space, alternate: spec.alternate, ..Flags::default() };
    let precision = spec.precision.map(|precision| precision.min(DIGITS));
    let mut text = value.format(letter, flags, 0, precision).into_bytes();
    let zeros = spec.precision.unwrap_or(0).saturating_sub(DIGITS);
    let kind = letter.to_ascii_lowercase();
    if zeros > 0 && value.is_finite() && (kind != b'g' || spec.alternate) {
        let mark = if kind == b'a' { b'p' } else { b'e' };
        let end = text.iter().position(|byte| byte.eq_ignore_ascii_case(&mark)).unwrap_or(text.len());
        text.splice(end..end, std::iter::repeat_n(b'0', zeros));
    }
    text
}

/// The bytes that a time can have.
const LONGEST_TIME: usize = 127;

impl Vm {
    /// `strftime(3)` in the zone of an exported `TZ`, into 128 bytes as bash has it: what does not fit is nothing.
    pub(crate) fn strftime(&self, format: &[u8], seconds: i64) -> Vec<u8> {
        use wasmsh_commands::time::{Moment, zone_named};
        let zone = match self.shell.vars.get(known::TZ).value.scalar() {
            Some(name) if self.is_exported(known::TZ) => zone_named(&name),
            _ => zone_named(b"UTC0"),
        };
        let at = wasmsh_os::Timestamp { seconds, nanoseconds: 0 };
        let mut out = Vec::new();
        if let Some(moment) = Moment::new(at, &zone) {
            moment.format(format, &mut out);
        }
        if out.len() > LONGEST_TIME {
            out.clear();
        }
        out
    }
}

/// Where the parenthesis at `open` is closed.
fn closing(text: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0usize;
    text.iter().enumerate().skip(open).find_map(|(at, b)| {
        match b {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}
