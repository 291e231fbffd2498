//! `.` and `source`

use super::Builtin;
use crate::options::{Opt, Shopt};
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{After, Outcome, Pending, Vm};

const HELP: &str = "Executes the commands of a file in this shell.\n\nThe file is looked up in PATH if its name has no slash, then here. Arguments become the\npositional parameters while it runs.\n\nStatus: that of the last command; 1 if the file cannot be read.";
pub(crate) const DOT: Builtin = Builtin::new(".", ". filename [arguments]", HELP, run);
pub(crate) const SOURCE: Builtin = Builtin::new("source", "source filename [arguments]", HELP, run);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let argv = argv.get(given.operands..).unwrap_or_default();
    let Some(name) = argv.first().cloned() else {
        vm.builtin_error("filename argument required");
        vm.usage();
        return Outcome::Status(2);
    };
    let mut path = name.clone();
    if !name.contains(&b'/') && vm.shopt(Shopt::SourcePath) {
        let search = vm.string_value(known::PATH);
        for directory in search.split(|b| *b == b':') {
            let mut candidate = if directory.is_empty() { b".".to_vec() } else { directory.to_vec() };
            candidate.push(b'/');
            candidate.extend_from_slice(&name);
            if vm.ctx.stat(&candidate, true).is_ok_and(|stat| !stat.is_directory()) {
                path = candidate.into();
                break;
            }
        }
    }
    if vm.is_nested_too_deep("source: maximum source") {
        return Outcome::Unwind(crate::vm::Unwind::Discard(1));
    }
    let ends_shell = vm.opt(Opt::Posix) && !vm.shell.interactive && !vm.through_command;
    let args = (argv.len() > 1).then(|| argv.get(1..).unwrap_or_default().to_vec());
    let ctx = vm.ctx.clone();
    let file = path.clone();
    let future = Box::pin(async move {
        let result = match ctx.stat(&file, true) {
            Ok(stat) if stat.is_directory() => Err(wasmsh_os::Errno::IsDirectory),
            _ => ctx.read_file(&file).await,
        };
        let after: After = Box::new(move |vm: &mut Vm| match result {
            Ok(bytes) => {
                vm.set_status(0);
                vm.call_source(bytes.into(), path, args);
                Outcome::Continue
            }
            Err(error) => {
                let message =
                    if error == wasmsh_os::Errno::IsDirectory { "is a directory" } else { error.strerror() };
                let mut text = name.to_vec();
                text.extend_from_slice(b": ");
                text.extend_from_slice(message.as_bytes());
                vm.error(&text);
                if ends_shell {
                    return Outcome::Unwind(crate::vm::Unwind::Exit(1));
                }
                Outcome::Status(1)
            }
        });
        after
    });
    Outcome::Wait(Pending::Future { future, interruptible: false })
}
