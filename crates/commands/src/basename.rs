//! `basename`: the last part of a path.

use bstr::{BStr, ByteSlice};

use crate::path::base_name;
use crate::{Command, Done, Opt, Tool, start};

pub(crate) static COMMAND: Command = Command {
    name: "basename",
    usage: &["NAME [SUFFIX]", "OPTION... NAME..."],
    about: "Print NAME with any leading directory components removed.\nIf specified, also remove a trailing SUFFIX.",
    options: &[
        Opt::flag("a,multiple", "support multiple arguments and treat each as a NAME"),
        Opt::value("s,suffix", "SUFFIX", "remove a trailing SUFFIX; implies -a"),
        Opt::flag("z,zero", "end each output line with NUL, not newline"),
    ],
    more: "",
    usage_status: 1,
    main: |ctx| start(&COMMAND, ctx, run),
};

async fn run(t: &mut Tool) -> Done {
    let (mut multiple, mut suffix, mut end) = (false, None, b'\n');
    let mut options = t.options_in_order();
    while let Some((name, value)) = options.next()? {
        match name {
            "a" => multiple = true,
            "s" => (multiple, suffix) = (true, value),
            _ => end = 0,
        }
    }
    let mut operands = options.operands();
    if operands.is_empty() {
        return Err(t.missing_operand());
    }
    if !multiple {
        if let Some(extra) = operands.get(2) {
            return Err(t.extra_operand(BStr::new(extra)));
        }
        if operands.len() == 2 {
            suffix = operands.pop();
        }
    }
    for operand in &operands {
        let base = base_name(operand);
        // A name is never made empty.
        let shorter = suffix
            .as_ref()
            .filter(|suffix| base != suffix.as_bytes())
            .and_then(|suffix| base.strip_suffix(suffix.as_bytes()));
        t.out.put(shorter.unwrap_or(base));
        t.out.put_byte(end);
    }
    Ok(())
}
