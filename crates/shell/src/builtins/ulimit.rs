//! `ulimit`

use wasmsh_os::{Errno, Limit, Resource};

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const ULIMIT: Builtin = Builtin::new(
    "ulimit",
    "ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]",
    "Shows or sets the limits of the shell and of what it starts, within the ceilings of the session: descriptors (-n) and processes (-u) are enforced, the others are kept.\n\n-S soft  -H hard  -a all  -c core size  -d data  -e priority  -f file size  -i pending signals\n-l locked memory  -m resident memory  -n descriptors  -p pipe size  -q message queues\n-r real-time priority  -s stack size  -t time  -u processes  -v memory  -x locks\n-R real-time slice\n\nA limit is a number, `hard`, `soft` or `unlimited`.\n\nStatus: 0, unless an option is wrong or a limit cannot be set.",
    run,
);

/// A row of `ulimit -a`.
struct Row {
    letter: u8,
    /// What it is called.
    name: &'static str,
    /// Its unit, if it has one.
    unit: &'static str,
    /// `None`: it cannot be changed.
    resource: Option<Resource>,
}

const fn row(letter: u8, name: &'static str, unit: &'static str, resource: Resource) -> Row {
    Row { letter, name, unit, resource: Some(resource) }
}

const ROWS: &[Row] = &[
    row(b'R', "real-time non-blocking time", "microseconds", Resource::RealTimeSlice),
    row(b'c', "core file size", "blocks", Resource::Core),
    row(b'd', "data seg size", "kbytes", Resource::Data),
    row(b'e', "scheduling priority", "", Resource::Priority),
    row(b'f', "file size", "blocks", Resource::FileSize),
    row(b'i', "pending signals", "", Resource::Signals),
    row(b'l', "max locked memory", "kbytes", Resource::Locked),
    row(b'm', "max memory size", "kbytes", Resource::Resident),
    row(b'n', "open files", "", Resource::Descriptors),
    Row { letter: b'p', name: "pipe size", unit: "512 bytes", resource: None },
    row(b'q', "POSIX message queues", "bytes", Resource::Queues),
    row(b'r', "real-time priority", "", Resource::RealTime),
    row(b's', "stack size", "kbytes", Resource::Stack),
    row(b't', "cpu time", "seconds", Resource::Cpu),
    row(b'u', "max user processes", "", Resource::Processes),
    row(b'v', "virtual memory", "kbytes", Resource::Memory),
    row(b'x', "file locks", "", Resource::Locks),
];

impl Row {
    /// The line of `-a`, without the value.
    fn label(&self) -> String {
        let unit = if self.unit.is_empty() {
            format!("(-{})", self.letter as char)
        } else {
            format!("({}, -{})", self.unit, self.letter as char)
        };
        format!("{:<20}{unit:>20} ", self.name)
    }

    fn value(&self, vm: &Vm, hard: bool) -> String {
        // PIPE_BUF: what is written at once.
        let Some(resource) = self.resource else { return "8".to_owned() };
        let limit = vm.ctx.limit(resource);
        match if hard { limit.hard } else { limit.soft } {
            Some(number) => number.to_string(),
            None => "unlimited".to_owned(),
        }
    }
}

/// What is asked for: rows with the limits that are to be set.
#[derive(Default)]
struct Asked {
    hard: bool,
    soft: bool,
    all: bool,
    rows: Vec<(&'static Row, Option<Str>)>,
}

fn parse(vm: &mut Vm, argv: &[Str]) -> Result<Asked, Outcome> {
    let mut asked = Asked::default();
    let mut at = 1;
    while let Some(arg) = argv.get(at) {
        if arg == b"--" {
            at += 1;
            break;
        }
        let Some(mut rest) = arg.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else { break };
        at += 1;
        while let Some((&letter, tail)) = rest.split_first() {
            rest = tail;
            match letter {
                b'S' => asked.soft = true,
                b'H' => asked.hard = true,
                b'a' => asked.all = true,
                _ => {
                    let Some(row) = ROWS.iter().find(|row| row.letter == letter) else {
                        vm.builtin_error([b"-", &[letter][..], b": invalid option"].concat());
                        vm.usage();
                        return Err(Outcome::Status(2));
                    };
                    // The rest of the word is the limit, or the next word if it is no option.
                    let next = argv.get(at).filter(|next| !next.starts_with(b"-"));
                    let limit = if !rest.is_empty() {
                        Some(Str::new(std::mem::take(&mut rest)))
                    } else {
                        at += usize::from(next.is_some());
                        next.cloned()
                    };
                    asked.rows.push((row, limit));
                }
            }
        }
    }
    if asked.rows.is_empty()
        && let Some(row) = ROWS.iter().find(|row| row.letter == b'f')
    {
        asked.rows.push((row, argv.get(at).cloned()));
    }
    Ok(asked)
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let asked = match parse(vm, argv) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let hard = asked.hard && !asked.soft;
    if asked.all {
        for row in ROWS {
            let line = format!("{}{}\n", row.label(), row.value(vm, hard));
            vm.put(1, line.as_bytes());
        }
        return Outcome::Status(0);
    }
    let several = asked.rows.len() > 1;
    for (row, limit) in &asked.rows {
        match limit {
            Some(limit) => {
                if let Err(outcome) = set(vm, row, limit, &asked) {
                    return outcome;
                }
            }
            None => {
                let label = if several { row.label() } else { String::new() };
                let line = format!("{label}{}\n", row.value(vm, hard));
                vm.put(1, line.as_bytes());
            }
        }
    }
    Outcome::Status(0)
}

fn set(vm: &mut Vm, row: &Row, text: &Str, asked: &Asked) -> Result<(), Outcome> {
    let refused = |vm: &mut Vm, error: Errno| {
        vm.builtin_error(format!("{}: cannot modify limit: {}", row.name, error.strerror()));
        Err(Outcome::Status(1))
    };
    let Some(resource) = row.resource else { return refused(vm, Errno::Invalid) };
    let old = vm.ctx.limit(resource);
    let number = match text.as_bytes() {
        b"unlimited" => None,
        b"hard" => old.hard,
        b"soft" => old.soft,
        digits if digits.iter().all(u8::is_ascii_digit) && !digits.is_empty() => {
            match std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()) {
                Some(number) => Some(number),
                None => return Err(vm.complain(text, "limit out of range")),
            }
        }
        _ => return Err(vm.complain(text, "invalid number")),
    };
    let both = asked.hard == asked.soft;
    let limit = Limit {
        soft: if both || asked.soft { number } else { old.soft },
        hard: if both || asked.hard { number } else { old.hard },
    };
    vm.ctx.set_limit(resource, limit).or_else(|error| refused(vm, error))
}
