//! `umask`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const UMASK: Builtin = Builtin::new(
    "umask",
    "umask [-p] [-S] [mode]",
    "Shows or sets the permission bits that new files do not get.\n\n-p  in a form that can be executed\n-S  as letters\n\nStatus: 0, unless the mode is wrong.",
    run,
);

fn symbolic(mask: u32) -> String {
    let part = |shift: u32| {
        let bits = !mask >> shift & 7;
        [(4, 'r'), (2, 'w'), (1, 'x')]
            .iter()
            .filter(|(bit, _)| bits & bit != 0)
            .map(|(_, c)| *c)
            .collect::<String>()
    };
    format!("u={},g={},o={}", part(6), part(3), part(0))
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"pS") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let Some(mode) = argv.get(given.operands) else {
        let mask = vm.ctx.umask();
        let text = if given.has(b'S') { symbolic(mask) } else { format!("{mask:04o}") };
        let line = match (given.has(b'p'), given.has(b'S')) {
            (true, true) => format!("umask -S {text}\n"),
            (true, false) => format!("umask {text}\n"),
            _ => format!("{text}\n"),
        };
        vm.put(1, line.as_bytes());
        return Outcome::Status(0);
    };
    if mode.first().is_some_and(u8::is_ascii_digit) {
        let value = std::str::from_utf8(mode).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
        match value.filter(|value| *value <= 0o7777) {
            Some(value) => vm.ctx.set_umask(value),
            None => {
                let mode = mode.clone();
                return vm.complain(&mode, "octal number out of range");
            }
        }
    } else {
        let mut allowed = !vm.ctx.umask() & 0o777;
        for clause in mode.split(|b| *b == b',') {
            let who_len = clause.iter().take_while(|b| b"ugoa".contains(b)).count();
            let (who, rest) = clause.split_at(who_len);
            let mut mask = 0;
            for b in who {
                mask |= match b {
                    b'u' => 0o700,
                    b'g' => 0o070,
                    b'o' => 0o007,
                    _ => 0o777,
                };
            }
            if mask == 0 {
                mask = 0o777;
            }
            let Some((&op, letters)) = rest.split_first().filter(|(op, _)| b"+-=".contains(op)) else {
                let what = [b"`", rest.get(..1).unwrap_or_default(), b"'"].concat();
                return vm.complain(&what, "invalid symbolic mode operator");
            };
            let mut bits = 0;
            for b in letters {
                bits |= match b {
                    b'r' => 0o444,
                    b'w' => 0o222,
                    b'x' => 0o111,
                    other => {
                        let what = [b"`", &[*other][..], b"'"].concat();
                        return vm.complain(&what, "invalid symbolic mode character");
                    }
                };
            }
            match op {
                b'+' => allowed |= bits & mask,
                b'-' => allowed &= !(bits & mask),
                _ => allowed = allowed & !mask | bits & mask,
            }
        }
        vm.ctx.set_umask(!allowed & 0o777);
    }
    if given.has(b'S') {
        let line = format!("{}\n", symbolic(vm.ctx.umask()));
        vm.put(1, line.as_bytes());
    }
    Outcome::Status(0)
}
