//! `cd`

use super::Builtin;
use crate::options::{Opt, Shopt};
use crate::symbol::known;
use crate::text::Str;
use crate::vars::Value;
use crate::vm::{Outcome, Vm};

pub(crate) const CD: Builtin = Builtin::new(
    "cd",
    "cd [-L|[-P [-e]] [-@]] [dir]",
    "Changes the current directory; without an argument to HOME, with - to OLDPWD.\nA name without a slash at its begin is also looked up in CDPATH.\n\n-L  symbolic links in the name stay (default)\n-P  they are resolved\n-e  with -P: fails if the new directory cannot be told\n\nStatus: 0 if the directory was changed.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"LPe@") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let operands = argv.get(given.operands..).unwrap_or_default();
    if operands.len() > 1 {
        vm.builtin_error("too many arguments");
        return Outcome::Status(1);
    }
    let physical = given
        .options
        .iter()
        .rev()
        .find(|(letter, _)| matches!(letter, b'L' | b'P'))
        .map_or(vm.opt(Opt::Physical), |(letter, _)| *letter == b'P');
    let mut show = false;
    let target = match operands.first() {
        None => {
            let home = vm.shell.vars.get(known::HOME).value.scalar();
            match home {
                Some(home) => home,
                None => {
                    vm.builtin_error("HOME not set");
                    return Outcome::Status(1);
                }
            }
        }
        Some(arg) if arg == b"-" => {
            show = true;
            match vm.shell.vars.get(known::OLDPWD).value.scalar() {
                Some(old) => old,
                None => {
                    vm.builtin_error("OLDPWD not set");
                    return Outcome::Status(1);
                }
            }
        }
        Some(arg) => arg.clone(),
    };
    if target.is_empty() {
        return Outcome::Status(0);
    }
    let dotted = matches!(target.as_bytes(), b"." | b".." | [b'.', b'/', ..] | [b'.', b'.', b'/', ..]);
    if !target.starts_with(b"/") && !dotted && !show {
        let search = vm.string_value(known::CDPATH);
        if !search.is_empty() {
            for directory in search.split(|b| *b == b':') {
                let mut candidate = directory.to_vec();
                if !candidate.is_empty() && !candidate.ends_with(b"/") {
                    candidate.push(b'/');
                }
                candidate.extend_from_slice(&target);
                if vm.ctx.stat(&candidate, true).is_ok_and(|stat| stat.is_directory()) {
                    show = !directory.is_empty() && directory != b".";
                    return change(vm, &candidate, physical, show, &target);
                }
            }
        }
    }
    if vm.shopt(Shopt::CdableVars) && vm.ctx.stat(&target, true).is_err() {
        let symbol = vm.symbol(&target);
        let value = vm.string_value(symbol);
        if !value.is_empty() {
            return change(vm, &value, physical, true, &target);
        }
    }
    let path = target.clone();
    change(vm, &path, physical, show, &target)
}

fn change(vm: &mut Vm, path: &[u8], physical: bool, show: bool, name: &Str) -> Outcome {
    match vm.change_directory(path, physical) {
        Ok(()) => {
            if show {
                let mut line = vm.ctx.cwd().as_bytes().to_vec();
                line.push(b'\n');
                vm.put(1, &line);
            }
            Outcome::Status(0)
        }
        Err(message) => vm.complain(&name.clone(), message),
    }
}

/// Takes `.`, `..` and double slashes out of an absolute path, as text.
pub(crate) fn normalize(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut out = Vec::new();
    for part in parts {
        out.push(b'/');
        out.extend_from_slice(part);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

impl Vm {
    /// Changes the current directory, `PWD` and `OLDPWD`.
    pub(crate) fn change_directory(&mut self, path: &[u8], physical: bool) -> Result<(), &'static str> {
        let cwd = self.ctx.cwd();
        let mut full = if path.starts_with(b"/") { Vec::new() } else { [cwd.as_bytes(), b"/"].concat() };
        full.extend_from_slice(path);
        let stat = self.ctx.stat(&full, true).map_err(|error| error.strerror())?;
        if !stat.is_directory() {
            return Err("Not a directory");
        }
        self.ctx.access(&full, wasmsh_os::AccessMode::EXECUTE).map_err(|error| error.strerror())?;
        let new = if physical {
            self.ctx.canonicalize(&full).map_err(|error| error.strerror())?.into_bytes()
        } else {
            normalize(&full)
        };
        let text = String::from_utf8(new).map_err(|_| "Invalid or incomplete multibyte or wide character")?;
        // The name without `..` may lead elsewhere when there are links; then what the files say counts.
        let text = match self.ctx.stat(text.as_bytes(), true) {
            Ok(_) => text,
            Err(_) => self.ctx.canonicalize(&full).map_err(|error| error.strerror())?,
        };
        let old = self.shell.vars.get(known::PWD).value.scalar().unwrap_or_else(|| Str::from(&*cwd));
        self.ctx.set_cwd(text.as_str());
        let _ = self.assign(known::OLDPWD, Value::Str(old));
        let _ = self.assign(known::PWD, Value::Str(Str::from(text)));
        Ok(())
    }
}
