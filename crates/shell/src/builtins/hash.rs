//! `hash`

use std::rc::Rc;

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const HASH: Builtin = Builtin::new(
    "hash",
    "hash [-lr] [-p pathname] [-dt] [name ...]",
    "Remembers where programs are, or shows what is remembered.\n\n-d       forgets a name\n-l       in a form that can be executed\n-p path  remembers this path for the name\n-r       forgets all\n-t       shows the paths of the names\n\nStatus: 0, unless a name is not found.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"lrdtp:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    if given.has(b'r') {
        vm.shell.hashed = Rc::default();
    }
    let names = argv.get(given.operands..).unwrap_or_default();
    if names.is_empty() {
        if given.has(b'r') {
            return Outcome::Status(0);
        }
        if let Some(letter) = [b't', b'd'].into_iter().find(|letter| given.has(*letter)) {
            vm.builtin_error([b"-", &[letter][..], b": option requires an argument"].concat());
            return Outcome::Status(1);
        }
        if vm.shell.hashed.is_empty() {
            vm.put(1, b"hash: hash table empty\n");
            return Outcome::Status(0);
        }
        let hashed = vm.shell.hashed.clone();
        if !given.has(b'l') {
            vm.put(1, b"hits\tcommand\n");
        }
        let mut sorted: Vec<_> = hashed.iter().collect();
        sorted.sort_by_key(|(name, _)| crate::vars::array::chain(name, 256));
        for (name, (path, hits)) in sorted {
            let line = if given.has(b'l') {
                format!("builtin hash -p {} {}\n", path.to_text(), name.to_text())
            } else {
                format!("{hits:4}\t{}\n", path.to_text())
            };
            vm.put(1, line.as_bytes());
        }
        return Outcome::Status(0);
    }
    let mut status = 0;
    for name in names {
        if let Some(path) = given.value(b'p') {
            Rc::make_mut(&mut vm.shell.hashed).insert(name.clone(), (path.clone(), 0));
        } else if given.has(b'd') {
            if Rc::make_mut(&mut vm.shell.hashed).remove(name).is_none() {
                let _ = vm.complain(name, "not found");
                status = 1;
            }
        } else if given.has(b't') {
            match vm.shell.hashed.get(name).cloned() {
                Some((path, _)) => {
                    let line = if given.has(b'l') {
                        format!("builtin hash -p {} {}\n", path.to_text(), name.to_text())
                    } else if names.len() > 1 {
                        format!("{}\t{}\n", name.to_text(), path.to_text())
                    } else {
                        format!("{}\n", path.to_text())
                    };
                    vm.put(1, line.as_bytes());
                }
                None => {
                    let _ = vm.complain(name, "not found");
                    status = 1;
                }
            }
        } else if name.contains(&b'/') {
            continue;
        } else {
            let symbol = vm.symbol(name);
            if vm.shell.functions.contains_key(&symbol) || vm.shell.shared.builtin(symbol).is_some() {
                continue;
            }
            Rc::make_mut(&mut vm.shell.hashed).remove(name);
            match vm.find_command(name) {
                Ok(_) => {
                    if let Some(entry) = Rc::make_mut(&mut vm.shell.hashed).get_mut(name) {
                        entry.1 = 0;
                    }
                }
                Err(_) => {
                    let _ = vm.complain(name, "not found");
                    status = 1;
                }
            }
        }
    }
    Outcome::Status(status)
}
