//! `pwd`

use super::Builtin;
use crate::options::Opt;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const PWD: Builtin = Builtin::new(
    "pwd",
    "pwd [-LP]",
    "Writes the name of the current directory.\n\n-L  with symbolic links as they were followed (default)\n-P  without symbolic links\n\nStatus: 0, unless the directory cannot be told.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"LP") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let physical = given.options.last().map_or(vm.opt(Opt::Physical), |(letter, _)| *letter == b'P');
    let cwd = vm.ctx.cwd();
    let path = if physical {
        match vm.ctx.canonicalize(cwd.as_bytes()) {
            Ok(path) => path,
            Err(error) => {
                vm.builtin_error(error.strerror());
                return Outcome::Status(1);
            }
        }
    } else {
        cwd.to_string()
    };
    vm.put(1, path.as_bytes());
    vm.put(1, b"\n");
    Outcome::Status(0)
}
