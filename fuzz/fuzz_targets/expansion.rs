//! Any bytes as the operator and operand of an expansion, of scalars, arrays and positional parameters, quoted and not.

#![no_main]

use std::time::Duration;

use wasmsh_shell::session::{Limits, RunOptions};

#[path = "../../crates/shell/tests/support/mod.rs"]
mod support;

/// What the operator is applied to.
const NAMES: [&str; 12] = ["x", "@", "*", "1", "a[@]", "a[*]", "a[1]", "m[@]", "m[k]", "u", "#", "!r"];

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let name = NAMES[usize::from(*first) % NAMES.len()].as_bytes();
    let quote: &[u8] = if first & 0x80 == 0 { b"" } else { b"\"" };
    let prepare = b"set -- 'a b' '' c; x=$'ab c\\xc3\\xa9d'; a=(1 'x y' '' z); declare -A m=([k]='v w' [e]=); r=x; IFS=' b'\n";
    let script = [prepare, &b"printf '<%s>' "[..], quote, b"${", name, rest, b"}", quote, b"\n"].concat();
    let session = support::session("/workspace", support::default_environment("/workspace"), &[]);
    let limits = Limits { steps: Some(50_000), output_bytes: Some(1 << 20), ..Limits::default() };
    let options = RunOptions { limits: Some(limits), ..RunOptions::default() };
    let time = Duration::from_secs(20);
    let _ = support::run(&session, &script, &options, None, time, |_, _| {});
    let _ = support::run(&session, b":", &options, None, time, |_, _| {});
});
