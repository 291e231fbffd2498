//! `ulimit`

use super::Builtin;
use crate::text::Str;
use crate::vm::{Outcome, Vm};

pub(crate) const ULIMIT: Builtin = Builtin::new(
    "ulimit",
    "ulimit [-SHabcdefiklmnpqrstuvxPRT] [limit]",
    "Shows the limits of the session. They belong to the host and cannot be raised.\n\n-a all  -c core size  -f file size  -n descriptors  -s stack  -u processes  -v memory  -t time\n\nStatus: 0, unless a limit would be raised.",
    run,
);

fn run(vm: &mut Vm, argv: &[Str]) -> Outcome {
    let given = match vm.options(argv, b"SHabcdefiklmnpqrstuvxPRT") {
        Ok(given) => given,
        Err(outcome) => return outcome,
    };
    let ceilings = vm.ctx.kernel().ceilings();
    let value = |letter: u8| match letter {
        b'n' => ceilings.descriptors.to_string(),
        b'u' => ceilings.processes.to_string(),
        b'c' => "0".to_owned(),
        b'p' => "8".to_owned(),
        _ => "unlimited".to_owned(),
    };
    if given.has(b'a') {
        for (name, letter) in [
            ("core file size              (blocks, -c)", b'c'),
            ("file size                   (blocks, -f)", b'f'),
            ("open files                          (-n)", b'n'),
            ("pipe size                (512 bytes, -p)", b'p'),
            ("stack size                  (kbytes, -s)", b's'),
            ("cpu time                   (seconds, -t)", b't'),
            ("max user processes                  (-u)", b'u'),
            ("virtual memory              (kbytes, -v)", b'v'),
        ] {
            let line = format!("{name} {}\n", value(letter));
            vm.put(1, line.as_bytes());
        }
        return Outcome::Status(0);
    }
    let letter = given
        .options
        .iter()
        .map(|(letter, _)| *letter)
        .find(|letter| !matches!(letter, b'S' | b'H'))
        .unwrap_or(b'f');
    match argv.get(given.operands) {
        None => {
            let line = format!("{}\n", value(letter));
            vm.put(1, line.as_bytes());
            Outcome::Status(0)
        }
        Some(limit) => {
            let number = super::options::integer(limit);
            if number.is_none() && !matches!(limit.as_bytes(), b"unlimited" | b"hard" | b"soft") {
                let limit = limit.clone();
                return vm.complain(&limit, "invalid number");
            }
            Outcome::Status(0)
        }
    }
}
