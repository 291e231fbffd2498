//! `kill`

use wasmsh_os::{Pid, Signal, Target};

use super::Builtin;
use super::options::integer;
use crate::text::Str;
use crate::traps;
use crate::vm::{Outcome, Vm};

pub(crate) const KILL: Builtin = Builtin::new(
    "kill",
    "kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]",
    "Sends a signal to processes or jobs; TERM if none is named.\n\n-s sigspec  by name\n-n signum   by number\n-l          lists the names, or converts names and numbers\n\nStatus: 0 if at least one signal was sent.",
    run,
);

/// The list of all signals in columns, as `kill -l` shows it.
pub(crate) fn table() -> Vec<u8> {
    let mut out = String::new();
    for (i, (number, name)) in traps::NAMES.iter().enumerate() {
        out.push_str(&format!("{number:2}) SIG{name}"));
        out.push(if i % 5 == 4 { '\n' } else { '\t' });
    }
    out.push('\n');
    out.into_bytes()
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let mut at = 1;
    let mut signal = Some(Signal::Term);
    match argv.get(1).map(Str::as_bytes) {
        None => {
            vm.usage();
            return Outcome::Status(2);
        }
        Some(b"-l" | b"-L") => return list(vm, argv.get(2..).unwrap_or_default()),
        Some(b"--") => at = 2,
        Some(flag @ (b"-s" | b"-n")) => {
            let Some(name) = argv.get(2).cloned() else {
                let what = flag.to_vec();
                return vm.complain(&what, "option requires an argument");
            };
            match number(&name) {
                Some(found) => signal = found,
                None => return vm.complain(&name, "invalid signal specification"),
            }
            at = 3;
        }
        Some([b'-', rest @ ..]) if !rest.is_empty() => {
            match number(rest) {
                Some(found) => signal = found,
                None => {
                    let what = rest.to_vec();
                    return vm.complain(&what, "invalid signal specification");
                }
            }
            at = 2;
        }
        Some(_) => {}
    }
    if argv.get(at).is_some_and(|arg| arg == b"--") {
        at += 1;
    }
    let targets = argv.get(at..).unwrap_or_default();
    if targets.is_empty() {
        vm.usage();
        return Outcome::Status(2);
    }
    let mut status = 0;
    for target in targets {
        let found = if target.starts_with(b"%") {
            match vm.shell.jobs.find(target) {
                Ok(job) => {
                    let job = job.clone();
                    vm.flush_now();
                    if let Err(error) = super::jobs::signal(vm, &job, signal) {
                        let pid = job.leader().to_string();
                        let what = [b"(", pid.as_bytes(), b") - ", error.strerror().as_bytes()].concat();
                        vm.builtin_error(what);
                        status = 1;
                    }
                    continue;
                }
                Err(_) => {
                    let _ = vm.complain(target, "no such job");
                    status = 1;
                    continue;
                }
            }
        } else {
            match integer(target) {
                Some(0) => Target::Group(vm.ctx.group()),
                Some(-1) => Target::All,
                Some(number) => {
                    let pid = u32::try_from(number.unsigned_abs()).ok().and_then(Pid::new);
                    match pid {
                        Some(pid) if number < 0 => Target::Group(pid),
                        Some(pid) => Target::Process(pid),
                        None => {
                            let what = format!("({number})");
                            let _ = vm.complain(what.as_bytes(), "No such process");
                            status = 1;
                            continue;
                        }
                    }
                }
                None => {
                    let _ = vm.complain(target, "arguments must be process or job IDs");
                    status = 1;
                    continue;
                }
            }
        };
        vm.flush_now();
        if let Err(error) = vm.ctx.kill(found, signal) {
            let what = [b"(", &**target, b") - ", error.strerror().as_bytes()].concat();
            vm.builtin_error(what);
            status = 1;
        }
    }
    Outcome::Status(status)
}

/// The signal of a name or number. `Some(None)`: number 0, or one that a session does not deliver.
fn number(text: &[u8]) -> Option<Option<Signal>> {
    let number = traps::number(text)?;
    (number <= 64).then(|| traps::signal(number))
}

fn list(vm: &mut Vm, names: &[Str]) -> Outcome {
    if names.is_empty() {
        let text = table();
        vm.put(1, &text);
        return Outcome::Status(0);
    }
    let mut status = 0;
    for name in names {
        if let Some(number) = integer(name) {
            // The status of a command that a signal ended counts too.
            let number = if number > 128 { number - 128 } else { number };
            match traps::NAMES.iter().find(|(other, _)| i64::from(*other) == number) {
                Some((_, name)) => vm.put(1, format!("{name}\n").as_bytes()),
                None if number == 0 => vm.put(1, b"EXIT\n"),
                None => {
                    let _ = vm.complain(name, "invalid signal specification");
                    status = 1;
                }
            }
        } else {
            match traps::number(name).filter(|number| *number <= 64) {
                Some(number) => vm.put(1, format!("{number}\n").as_bytes()),
                None => {
                    let _ = vm.complain(name, "invalid signal specification");
                    status = 1;
                }
            }
        }
    }
    Outcome::Status(status)
}
