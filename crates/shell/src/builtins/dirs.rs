//! `dirs`, `pushd`, `popd`

use std::rc::Rc;

use super::Builtin;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const DIRS: Builtin = Builtin::new(
    "dirs",
    "dirs [-clpv] [+N] [-N]",
    "Shows the stack of directories.\n\n-c  empties it\n-l  without ~\n-p  one a line\n-v  one a line, numbered\n+N  entry N from the left\n-N  entry N from the right\n\nStatus: 0, unless an argument is wrong.",
    run_dirs,
);
pub(crate) const PUSHD: Builtin = Builtin::new(
    "pushd",
    "pushd [-n] [+N | -N | dir]",
    "Puts a directory on the stack and goes there; without arguments the two top ones change places.\n\n-n      does not change the directory\n+N, -N  entry N comes to the top\n\nStatus: 0, unless the directory cannot be changed.",
    run_pushd,
);
pub(crate) const POPD: Builtin = Builtin::new(
    "popd",
    "popd [-n] [+N | -N]",
    "Takes a directory off the stack and goes to the new top.\n\n-n      does not change the directory\n+N, -N  takes entry N\n\nStatus: 0, unless the stack is empty or the directory cannot be changed.",
    run_popd,
);

/// The stack with the current directory on top.
fn stack(vm: &Vm) -> Vec<Str> {
    let mut all = vec![Str::from(&*vm.ctx.cwd())];
    all.extend(vm.shell.dirs.iter().cloned());
    all
}

/// With `~` for the home directory.
pub(crate) fn short(vm: &Vm, path: &[u8]) -> Vec<u8> {
    let home = vm.shell.vars.get(known::HOME).value.scalar().unwrap_or_default();
    match path.strip_prefix(&*home) {
        Some(rest) if !home.is_empty() && (rest.is_empty() || rest.starts_with(b"/")) => {
            [b"~", rest].concat()
        }
        _ => path.to_vec(),
    }
}

/// The index that `+N` or `-N` means. `None`: it is none of these.
fn index(arg: &[u8], count: usize) -> Option<Result<usize, ()>> {
    let (plus, digits) = match arg {
        [b'+', digits @ ..] => (true, digits),
        [b'-', digits @ ..] => (false, digits),
        _ => return None,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
    if number >= count {
        return Some(Err(()));
    }
    Some(Ok(if plus { number } else { count - 1 - number }))
}

fn show(vm: &mut Vm, long: bool) {
    let all = stack(vm);
    let texts: Vec<Vec<u8>> =
        all.iter().map(|path| if long { path.to_vec() } else { short(vm, path) }).collect();
    let mut line = texts.join(&b' ');
    line.push(b'\n');
    vm.put(1, &line);
}

fn run_dirs(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let (mut long, mut lines, mut numbered, mut clear) = (false, false, false, false);
    let mut one = None;
    for arg in argv.iter().skip(1) {
        let all = stack(vm);
        match index(arg, all.len()) {
            Some(Ok(at)) => one = Some(at),
            Some(Err(())) if all.len() == 1 => {
                vm.builtin_error("directory stack empty");
                return Outcome::Status(1);
            }
            Some(Err(())) => {
                let what = arg.get(1..).unwrap_or_default().to_vec();
                return vm.complain(&what, "directory stack index out of range");
            }
            None => match arg.strip_prefix(b"-") {
                Some(letters) if !letters.is_empty() => {
                    for letter in letters {
                        match letter {
                            b'c' => clear = true,
                            b'l' => long = true,
                            b'p' => lines = true,
                            b'v' => {
                                lines = true;
                                numbered = true;
                            }
                            other => {
                                vm.builtin_error([b"-", &[*other][..], b": invalid option"].concat());
                                vm.usage();
                                return Outcome::Status(2);
                            }
                        }
                    }
                }
                _ => {
                    vm.builtin_error([arg.as_bytes(), b": invalid option"].concat());
                    vm.usage();
                    return Outcome::Status(2);
                }
            },
        }
    }
    if clear {
        vm.shell.dirs = Rc::default();
        return Outcome::Status(0);
    }
    let all = stack(vm);
    if let Some(at) = one {
        if let Some(path) = all.get(at) {
            let text = if long { path.to_vec() } else { short(vm, path) };
            let number = if numbered { format!("{at:2}  ") } else { String::new() };
            vm.put(1, &[number.as_bytes(), &*text, b"\n"].concat());
        }
        return Outcome::Status(0);
    }
    if !lines {
        show(vm, long);
        return Outcome::Status(0);
    }
    for (at, path) in all.iter().enumerate() {
        let text = if long { path.to_vec() } else { short(vm, path) };
        if numbered {
            vm.put(1, format!("{at:2}  ").as_bytes());
        }
        vm.put(1, &text);
        vm.put(1, b"\n");
    }
    Outcome::Status(0)
}

fn go(vm: &mut Vm, path: &Str) -> Option<Outcome> {
    match vm.change_directory(path, false) {
        Ok(()) => None,
        Err(message) => Some(vm.complain(&path.clone(), message)),
    }
}

fn run_pushd(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let mut stay = false;
    let mut target = None;
    let mut options = true;
    for arg in argv.iter().skip(1) {
        let numeric = arg.len() > 1 && arg.iter().skip(1).all(u8::is_ascii_digit);
        if options && target.is_none() && arg == b"-n" {
            stay = true;
        } else if options && arg == b"--" {
            options = false;
        } else if options && arg.len() > 1 && arg.starts_with(b"-") && !numeric {
            let _ = vm.complain(&arg.clone(), "invalid number");
            vm.usage();
            return Outcome::Status(2);
        } else if target.is_some() {
            vm.builtin_error("too many arguments");
            return Outcome::Status(1);
        } else {
            target = Some(arg.clone());
        }
    }
    let all = stack(vm);
    match target {
        None => {
            if all.len() < 2 {
                vm.builtin_error("no other directory");
                return Outcome::Status(1);
            }
            let mut new = all;
            new.swap(0, 1);
            if !stay
                && let Some(top) = new.first().cloned()
                && let Some(outcome) = go(vm, &top)
            {
                return outcome;
            }
            vm.shell.dirs = Rc::new(new.into_iter().skip(1).collect());
        }
        Some(arg) => match index(&arg, all.len()) {
            Some(Err(())) => return vm.complain(&arg, "directory stack index out of range"),
            Some(Ok(at)) => {
                let mut new = all;
                new.rotate_left(at);
                if !stay
                    && let Some(top) = new.first().cloned()
                    && let Some(outcome) = go(vm, &top)
                {
                    return outcome;
                }
                vm.shell.dirs = Rc::new(new.into_iter().skip(1).collect());
            }
            None => {
                let old = Str::from(&*vm.ctx.cwd());
                if stay {
                    Rc::make_mut(&mut vm.shell.dirs).insert(0, arg);
                } else {
                    let path = if arg == b"-" { vm.string_value(known::OLDPWD) } else { arg };
                    if let Some(outcome) = go(vm, &path) {
                        return outcome;
                    }
                    Rc::make_mut(&mut vm.shell.dirs).insert(0, old);
                }
            }
        },
    }
    show(vm, false);
    Outcome::Status(0)
}

fn run_popd(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let mut stay = false;
    let mut at = 0;
    let all = stack(vm);
    for arg in argv.iter().skip(1) {
        if arg == b"-n" {
            stay = true;
            continue;
        }
        match index(arg, all.len()) {
            Some(Ok(found)) => at = found,
            Some(Err(())) => return vm.complain(arg, "directory stack index out of range"),
            None => {
                let message = if arg.starts_with(b"-") { "invalid number" } else { "invalid argument" };
                let _ = vm.complain(arg, message);
                vm.usage();
                return Outcome::Status(2);
            }
        }
    }
    if all.len() < 2 {
        vm.builtin_error("directory stack empty");
        return Outcome::Status(1);
    }
    if at == 0 && !stay {
        let Some(next) = all.get(1).cloned() else { return Outcome::Status(1) };
        if let Some(outcome) = go(vm, &next) {
            return outcome;
        }
        Rc::make_mut(&mut vm.shell.dirs).remove(0);
    } else {
        let at = at.max(1) - 1;
        let dirs = Rc::make_mut(&mut vm.shell.dirs);
        if at < dirs.len() {
            dirs.remove(at);
        }
    }
    show(vm, false);
    Outcome::Status(0)
}
