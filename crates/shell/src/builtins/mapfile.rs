//! `mapfile`, `readarray`

use std::rc::Rc;

use super::Builtin;
use super::options::integer;
use crate::symbol::known;
use crate::text::Str;
use crate::vars::{Indexed, Value};
use crate::vm::{After, Outcome, Pending, Vm};

const HELP: &str = "Reads lines into the elements of an indexed array (MAPFILE if none is named).\n\n-d delim   lines end at this character\n-n count   at most so many lines\n-O origin  the first index; the array keeps what it has\n-s count   leaves out the first lines\n-t         without the character that ends them\n-u fd      from this descriptor\n-C callback, -c quantum\n           executes callback with index and line after each quantum lines\n\nStatus: 0, unless an option is wrong or the array is read-only.";
pub(crate) const MAPFILE: Builtin = Builtin::new(
    "mapfile",
    "mapfile [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]",
    HELP,
    run,
);
pub(crate) const READARRAY: Builtin = Builtin::new(
    "readarray",
    "readarray [-d delim] [-n count] [-O origin] [-s count] [-t] [-u fd] [-C callback] [-c quantum] [array]",
    HELP,
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"d:n:O:s:tu:C:c:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut numbers = [0usize; 4];
    for (place, letter) in numbers.iter_mut().zip(*b"nOsu") {
        if let Some(text) = given.value(letter) {
            match integer(text).and_then(|value| usize::try_from(value).ok()) {
                Some(value) => *place = value,
                None => {
                    let text = text.clone();
                    let message = match letter {
                        b'O' => "invalid array origin",
                        b'u' => "invalid file descriptor specification",
                        _ => "invalid line count",
                    };
                    return vm.complain(&text, message);
                }
            }
        }
    }
    let [count, origin, skip, descriptor] = numbers;
    let keep = given.has(b'O');
    let strip = given.has(b't');
    let delimiter = given.value(b'd').map_or(b'\n', |text| text.first().copied().unwrap_or(0));
    let symbol = match argv.get(given.operands) {
        Some(name) if name.is_empty() => {
            vm.builtin_error("empty array variable name");
            return Outcome::Status(2);
        }
        Some(name) if !crate::vm::variables::is_name(name) => {
            let what = [b"`", &**name, b"'"].concat();
            return vm.complain(&what, "not a valid identifier");
        }
        Some(name) => vm.symbol(name),
        None => known::MAPFILE,
    };
    let callback = given.value(b'C').cloned();
    let quantum = given.value(b'c').and_then(|text| integer(text)).unwrap_or(5000).max(1) as usize;
    let description = match vm.ctx.description(descriptor as u32) {
        Ok(description) => description,
        Err(error) => {
            let text = Str::from_int(descriptor as i64);
            return vm.complain(&text, &format!("invalid file descriptor: {}", error.strerror()));
        }
    };
    let ctx = vm.ctx.clone();
    let ceiling = vm.ctx.kernel().ceilings().expansion_bytes;
    let future = Box::pin(async move {
        let mut bytes = Vec::new();
        let mut lines = 0usize;
        let mut seen = 0usize;
        // With a count only so many lines are taken from the input.
        loop {
            let piece = if count > 0 { 512 } else { 64 * 1024 };
            match ctx.read_from(&description, &mut bytes, piece).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            if bytes.len() as u64 > ceiling {
                ctx.kernel().meet(wasmsh_os::Ceiling::ExpansionBytes);
                break;
            }
            if count > 0 {
                let new = bytes.get(seen..).unwrap_or_default();
                lines += memchr::memchr_iter(delimiter, new).count();
                seen = bytes.len();
                if lines >= count + skip {
                    break;
                }
            }
        }
        let after: After = Box::new(move |vm: &mut Vm| {
            if bytes.len() as u64 > ceiling {
                return Outcome::Unwind(vm.too_large());
            }
            let most = vm.expansion_limit / std::mem::size_of::<Str>();
            let mut values = Vec::new();
            let mut rest = bytes.as_slice();
            let mut number = 0;
            while !rest.is_empty() {
                let end = memchr::memchr(delimiter, rest);
                let (line, tail) = match end {
                    Some(at) => {
                        (rest.get(..at + 1).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default())
                    }
                    None => (rest, &[][..]),
                };
                if count > 0 && values.len() == count {
                    break;
                }
                rest = tail;
                number += 1;
                if number <= skip {
                    continue;
                }
                let line = if (strip || delimiter == 0) && end.is_some() {
                    line.get(..line.len() - 1).unwrap_or_default()
                } else {
                    line
                };
                if values.len() > most {
                    return Outcome::Unwind(vm.too_large());
                }
                values.push(Str::new(line));
            }
            // What was read too much goes back to a file.
            if !rest.is_empty()
                && let wasmsh_os::Description::File(file) = &*description
            {
                let _ = file.seek(wasmsh_os::Position::Current(-(rest.len() as i64)));
            }
            store(vm, symbol, values, origin, keep, callback, quantum)
        });
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: false })
}

fn store(
    vm: &mut Vm,
    symbol: crate::symbol::Sym,
    values: Vec<Str>,
    origin: usize,
    keep: bool,
    callback: Option<Str>,
    quantum: usize,
) -> Outcome {
    let mut commands = Vec::new();
    if let Some(callback) = callback {
        for (i, value) in values.iter().enumerate() {
            if (i + 1) % quantum == 0 {
                commands.extend_from_slice(&callback);
                commands.extend_from_slice(format!(" {} ", origin + i).as_bytes());
                commands.extend_from_slice(&wasmsh_syntax::quote::reusable(value));
                commands.push(b'\n');
            }
        }
    }
    if vm.shell.vars.get(symbol).value.is_assoc() {
        let name = vm.name_of(symbol);
        return vm.complain(&name, "not an indexed array");
    }
    if !keep {
        if vm.assign_array(symbol, values).is_err() {
            return Outcome::Status(1);
        }
    } else {
        let mut array = match &vm.shell.vars.get(symbol).value {
            Value::Indexed(array) => (**array).clone(),
            value => {
                let mut array = Indexed::default();
                if let Some(old) = value.scalar() {
                    array.set(0, old);
                }
                array
            }
        };
        for (i, value) in values.into_iter().enumerate() {
            array.set((origin + i) as i64, value);
        }
        let var = vm.shell.vars.get_mut(symbol);
        var.value = Value::Indexed(Rc::new(array));
        var.exists = true;
    }
    if commands.is_empty() {
        return Outcome::Status(0);
    }
    vm.call_eval(commands.into());
    Outcome::Continue
}
