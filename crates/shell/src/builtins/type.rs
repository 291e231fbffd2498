//! `type`, and how names are looked up for it and for `command`

use super::Builtin;
use crate::options::Shopt;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const TYPE: Builtin = Builtin::new(
    "type",
    "type [-afptP] name [name ...]",
    "Says what a name would be as a command.\n\n-a  all that it could be\n-f  functions are left out\n-p  the file, if it is one\n-P  the file, even if it is something else before\n-t  one word: alias, keyword, function, builtin, file\n\nStatus: 0 if all names are found.",
    run,
);

/// What a name is.
pub(crate) enum Meaning {
    Alias(Str),
    Keyword,
    Function,
    Builtin { special: bool },
    Hashed(Str),
    File(Str),
}

impl Vm {
    /// What a name is, in the order in which commands are looked up; all or the first.
    pub(crate) fn meanings(&mut self, name: &Str, all: bool, functions: bool) -> Vec<Meaning> {
        let mut found = Vec::new();
        if self.shopt(Shopt::ExpandAliases)
            && let Some(text) = self.shell.aliases.get(name.as_bytes())
        {
            found.push(Meaning::Alias(Str::new(text)));
        }
        if wasmsh_syntax::print::is_reserved(name) {
            found.push(Meaning::Keyword);
        }
        let symbol = self.symbol(name);
        if functions && self.shell.functions.contains_key(&symbol) {
            found.push(Meaning::Function);
        }
        if let Some(builtin) = self.shell.shared.builtin(symbol)
            && !self.shell.disabled.contains(&symbol)
        {
            found.push(Meaning::Builtin { special: builtin.special });
        }
        if all || found.is_empty() {
            found.extend(self.files(name, all));
        }
        if !all {
            found.truncate(1);
        }
        found
    }

    /// The files that a name could be.
    pub(crate) fn files(&mut self, name: &Str, all: bool) -> Vec<Meaning> {
        if name.contains(&b'/') {
            let fine = self.ctx.stat(name, true).is_ok_and(|stat| !stat.is_directory())
                && self.ctx.access(name, wasmsh_os::AccessMode::EXECUTE).is_ok();
            return if fine { vec![Meaning::File(name.clone())] } else { Vec::new() };
        }
        if !all && let Some((path, _)) = self.shell.hashed.get(name) {
            return vec![Meaning::Hashed(path.clone())];
        }
        let search = self.string_value(known::PATH);
        let mut found = Vec::new();
        // Without one that can be executed, the first file counts.
        let mut unusable = None;
        for directory in search.split(|b| *b == b':') {
            let mut path = if directory.is_empty() { b".".to_vec() } else { directory.to_vec() };
            path.push(b'/');
            path.extend_from_slice(name);
            let regular = self.ctx.stat(&path, true).is_ok_and(|stat| stat.is_regular());
            let fine = regular && self.ctx.access(&path, wasmsh_os::AccessMode::EXECUTE).is_ok();
            if regular && !fine && !all && unusable.is_none() {
                unusable = Some(Meaning::File(path.clone().into()));
            }
            if fine {
                found.push(Meaning::File(path.into()));
                if !all {
                    break;
                }
            }
        }
        if found.is_empty() {
            found.extend(unusable);
        }
        found
    }

    /// The sentence of `type` and `command -V`.
    pub(crate) fn describe(&mut self, name: &Str, meaning: &Meaning) -> Vec<u8> {
        let mut line = name.to_vec();
        match meaning {
            Meaning::Alias(text) => {
                line.extend_from_slice(b" is aliased to `");
                line.extend_from_slice(text);
                line.extend_from_slice(b"'\n");
            }
            Meaning::Keyword => line.extend_from_slice(b" is a shell keyword\n"),
            Meaning::Function => {
                line.extend_from_slice(b" is a function\n");
                let symbol = self.symbol(name);
                if let Some(function) = self.shell.functions.get(&symbol) {
                    line.extend_from_slice(&crate::expand::source::function(function));
                    line.push(b'\n');
                }
            }
            Meaning::Builtin { special } => {
                let posix = self.opt(crate::options::Opt::Posix);
                line.extend_from_slice(if *special && posix {
                    b" is a special shell builtin\n"
                } else {
                    b" is a shell builtin\n"
                });
            }
            Meaning::Hashed(path) => {
                line.extend_from_slice(b" is hashed (");
                line.extend_from_slice(path);
                line.extend_from_slice(b")\n");
            }
            Meaning::File(path) => {
                line.extend_from_slice(b" is ");
                line.extend_from_slice(path);
                line.push(b'\n');
            }
        }
        line
    }
}

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"afptP") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let mut status = 0;
    for name in argv.iter().skip(given.operands) {
        let meanings = if given.has(b'P') {
            vm.files(name, given.has(b'a'))
        } else {
            vm.meanings(name, given.has(b'a'), !given.has(b'f'))
        };
        if meanings.is_empty() {
            status = 1;
            if !given.has(b't') && !given.has(b'p') && !given.has(b'P') {
                let _ = vm.complain(name, "not found");
            }
            continue;
        }
        for meaning in meanings {
            let line = if given.has(b't') {
                let word: &[u8] = match meaning {
                    Meaning::Alias(_) => b"alias\n",
                    Meaning::Keyword => b"keyword\n",
                    Meaning::Function => b"function\n",
                    Meaning::Builtin { .. } => b"builtin\n",
                    Meaning::Hashed(_) | Meaning::File(_) => b"file\n",
                };
                word.to_vec()
            } else if given.has(b'p') || given.has(b'P') {
                match meaning {
                    Meaning::Hashed(path) | Meaning::File(path) => [&*path, b"\n"].concat(),
                    _ => Vec::new(),
                }
            } else {
                vm.describe(name, &meaning)
            };
            vm.put(1, &line);
        }
    }
    Outcome::Status(status)
}
