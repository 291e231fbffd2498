//! `exec`

use bstr::BString;
use wasmsh_os::{Environment, Errno};

use super::Builtin;
use crate::options::Shopt;
use crate::text::Str;
use crate::vm::{Outcome, Unwind, Vm};

pub(crate) const EXEC: Builtin = Builtin::new(
    "exec",
    "exec [-cl] [-a name] [command [argument ...]] [redirection ...]",
    "Replaces the shell by a program. Without one its redirections stay in effect in this shell.\n\n-a name  the program's argument 0\n-c       with an empty environment\n-l       with a dash before argument 0\n\nStatus: 0, unless the program cannot be executed or a redirection fails.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"cla:") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let words = argv.get(given.operands..).unwrap_or_default();
    let Some(name) = words.first() else {
        vm.keep_redirections();
        return Outcome::Status(0);
    };
    vm.flush_now();
    let fail = |vm: &mut Vm, status: u8| {
        if vm.shopt(Shopt::ExecFail) || vm.shell.interactive {
            Outcome::Status(status)
        } else {
            Outcome::Unwind(Unwind::Exit(status))
        }
    };
    let path = match vm.find_command(name) {
        Ok(path) => path,
        Err(status) => {
            let mut text = b"exec: ".to_vec();
            text.extend_from_slice(name);
            let status = match status {
                127 if name.contains(&b'/') => {
                    text = name.to_vec();
                    text.extend_from_slice(b": No such file or directory");
                    127
                }
                127 => {
                    text.extend_from_slice(b": not found");
                    127
                }
                0 => {
                    text = name.to_vec();
                    text.extend_from_slice(b": Is a directory");
                    126
                }
                _ => {
                    text = name.to_vec();
                    text.extend_from_slice(b": Permission denied");
                    126
                }
            };
            vm.error(&text);
            return fail(vm, status);
        }
    };
    let mut first = given.value(b'a').cloned().unwrap_or_else(|| name.clone()).to_vec();
    if given.has(b'l') {
        first.insert(0, b'-');
    }
    let mut arguments: Vec<BString> = vec![first.into()];
    arguments.extend(words.iter().skip(1).map(|word| BString::from(word.to_vec())));
    let environment = if given.has(b'c') { Environment::default() } else { vm.environment() };
    vm.prepare_exec();
    let mut result = vm.ctx.exec(path.as_bytes(), arguments.clone(), Some(environment.clone()));
    if result == Err(Errno::NotExecutable) {
        let mut script: Vec<BString> = vec!["bash".into(), path.as_str().into()];
        script.extend(arguments.into_iter().skip(1));
        result = vm.ctx.exec(b"/bin/bash", script, Some(environment));
    }
    match result {
        Ok(()) => Outcome::Replaced,
        Err(error) => {
            let mut text = name.to_vec();
            text.extend_from_slice(b": ");
            text.extend_from_slice(error.strerror().as_bytes());
            vm.error(&text);
            fail(vm, 126)
        }
    }
}
