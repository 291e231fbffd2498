//! `history`, `fc`

use std::rc::Rc;

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::vm::{Outcome, Vm, param::join};

pub(crate) const HISTORY: Builtin = Builtin::new(
    "history",
    "history [-c] [-d offset] [n] or history -anrw [filename] or history -ps arg [arg...]",
    "Shows the list of commands, or changes it.\n\n-c         empties it\n-d offset  takes an entry out\n-p         shows the arguments\n-s         appends the arguments as one entry\n\nStatus: 0, unless an argument is wrong.",
    run_history,
);
pub(crate) const FC: Builtin = Builtin::new(
    "fc",
    "fc [-e ename] [-lnr] [first] [last] or fc -s [pat=rep] [command]",
    "Lists commands of the history.\n\nStatus: 0; 1 if there are none.",
    run_fc,
);

fn run_history(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"cd:anrwps") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let operands = argv.get(given.operands..).unwrap_or_default();
    if given.has(b'c') {
        vm.shell.history = Rc::default();
        return Outcome::Status(0);
    }
    if given.has(b's') {
        let entry = join(operands, b" ");
        Rc::make_mut(&mut vm.shell.history).push(entry);
        return Outcome::Status(0);
    }
    if given.has(b'p') {
        for operand in operands {
            vm.put(1, &[&**operand, b"\n"].concat());
        }
        return Outcome::Status(0);
    }
    if let Some(offset) = given.value(b'd') {
        let count = vm.shell.history.len() as i64;
        let at = integer(offset).map(|at| if at < 0 { count + at } else { at - 1 });
        match at.filter(|at| (0..count).contains(at)) {
            Some(at) => {
                Rc::make_mut(&mut vm.shell.history).remove(at as usize);
                return Outcome::Status(0);
            }
            None => {
                let offset = offset.clone();
                return vm.complain(&offset, "history position out of range");
            }
        }
    }
    let history = vm.shell.history.clone();
    let last = match operands.first() {
        Some(text) => match integer(text) {
            Some(count) => count.max(0) as usize,
            None => {
                let text = text.clone();
                return vm.complain(&text, "numeric argument required");
            }
        },
        None => history.len(),
    };
    for (at, entry) in history.iter().enumerate().skip(history.len().saturating_sub(last)) {
        vm.put(1, format!("{:5}  ", at + 1).as_bytes());
        vm.put(1, entry);
        vm.put(1, b"\n");
    }
    Outcome::Status(0)
}

fn run_fc(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"e:lnrs") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if vm.shell.history.is_empty() || !given.has(b'l') {
        if given.has(b'l') {
            return Outcome::Status(0);
        }
        vm.builtin_error("no command found");
        return Outcome::Status(1);
    }
    let history = vm.shell.history.clone();
    for (at, entry) in history.iter().enumerate().skip(history.len().saturating_sub(16)) {
        let number = if given.has(b'n') { String::new() } else { (at + 1).to_string() };
        vm.put(1, format!("{number}\t ").as_bytes());
        vm.put(1, entry);
        vm.put(1, b"\n");
    }
    Outcome::Status(0)
}
