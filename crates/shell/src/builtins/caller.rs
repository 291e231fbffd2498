//! `caller`

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::vm::{Call, CallKind, Outcome, Vm};

pub(crate) const CALLER: Builtin = Builtin::new(
    "caller",
    "caller [expr]",
    "Shows line and file of the call of the present function; with a number, line, function and\nfile of that many calls before.\n\nStatus: 0, or 1 outside functions.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let calls: Vec<Call> = vm
        .calls
        .iter()
        .rev()
        .filter(|call| matches!(call.kind, CallKind::Function | CallKind::Source))
        .map(|call| (**call).clone())
        .collect();
    let level = match argv.get(1) {
        None => None,
        Some(arg) => match integer(arg) {
            Some(level) => usize::try_from(level).ok(),
            None => {
                let arg = arg.clone();
                return vm.complain(&arg, "invalid number");
            }
        },
    };
    let Some(call) = calls.get(level.unwrap_or(0)) else { return Outcome::Status(1) };
    let outer = calls.get(level.unwrap_or(0) + 1);
    let source = outer.map_or_else(|| vm.main_source(), |outer| outer.source.clone());
    let line = match level {
        None => format!("{} {}\n", call.line, source.to_text()),
        Some(_) => {
            let name = match outer {
                Some(outer) if outer.kind == CallKind::Function => vm.name_of(outer.name),
                Some(_) => Str::from("source"),
                None => Str::from("main"),
            };
            format!("{} {} {}\n", call.line, name.to_text(), source.to_text())
        }
    };
    vm.put(1, line.as_bytes());
    Outcome::Status(0)
}

impl Vm {
    fn main_source(&self) -> Str {
        let main = self.calls.iter().find(|call| call.kind == CallKind::Main);
        match main {
            Some(call) if !call.source.is_empty() => call.source.clone(),
            _ => Str::from("NULL"),
        }
    }
}
