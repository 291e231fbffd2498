//! `caller`

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::vm::{CallKind, Outcome, Vm};

pub(crate) const CALLER: Builtin = Builtin::new(
    "caller",
    "caller [expr]",
    "Shows line and file of the call of the present function; with a number, line, function and\nfile of that many calls before.\n\nStatus: 0, or 1 outside functions.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    if !vm.calls.iter().any(|call| call.is_frame()) {
        return Outcome::Status(1);
    }
    let level = match argv.get(1) {
        None => None,
        Some(arg) => match integer(arg) {
            Some(level) => Some(usize::try_from(level).unwrap_or(usize::MAX)),
            None => {
                let arg = arg.clone();
                let _ = vm.complain(&arg, "invalid number");
                vm.usage();
                return Outcome::Status(2);
            }
        },
    };
    let mut frames = vm.calls.iter().rev().filter(|call| call.is_frame());
    let called = frames.nth(level.unwrap_or(0));
    let Some(called) = called else { return Outcome::Status(1) };
    let (line, caller) = (called.line, frames.next());
    let text = match (level, caller) {
        (None, None) => format!("{line} NULL\n"),
        (None, Some(caller)) => format!("{line} {}\n", caller.shown_source().to_text()),
        (Some(_), None) => return Outcome::Status(1),
        (Some(_), Some(caller)) => {
            let name = match caller.kind {
                CallKind::Function => vm.name_of(caller.name),
                CallKind::Source => Str::from("source"),
                _ => Str::from("main"),
            };
            format!("{line} {} {}\n", name.to_text(), caller.shown_source().to_text())
        }
    };
    vm.put(1, text.as_bytes());
    Outcome::Status(0)
}
