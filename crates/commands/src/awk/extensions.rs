//! Functions that `@load` brings in gawk: `ordchr`, `time`, `readfile`, `intdiv`, `filefuncs` (but for `fts`), `fnmatch`.

use wasmsh_os::Errno;

use super::array::Array;
use super::machine::{Machine, Step, fatal};
use super::value::{Value, push_char};

/// Libraries with the functions they have.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("ordchr", &["ord", "chr"]),
    ("time", &["gettimeofday", "sleep"]),
    ("readfile", &["readfile"]),
    ("intdiv", &["intdiv"]),
    ("filefuncs", &["chdir", "stat", "statvfs"]),
    ("fnmatch", &["fnmatch"]),
    ("inplace", &[]),
];

/// Whether a library can be loaded.
pub(super) fn is_known(name: &[u8]) -> bool {
    LIBRARIES.iter().any(|(library, _)| library.as_bytes() == name)
}

/// A function of a library, by its name.
pub(super) fn find(name: &[u8]) -> Option<&'static str> {
    LIBRARIES
        .iter()
        .flat_map(|(_, functions)| functions.iter().copied())
        .find(|function| function.as_bytes() == name)
}

/// Calls one.
pub(super) async fn call(
    machine: &mut Machine<'_>,
    name: &'static str,
    arguments: Vec<Value>,
) -> Step<Value> {
    let text =
        |index: usize| arguments.get(index).map_or_else(super::value::empty, |value| value.to_text(b"%.6g"));
    let number = |index: usize| arguments.get(index).map_or(0.0, Value::number);
    let array = |index: usize| match arguments.get(index) {
        Some(Value::Array(array)) => Ok(array.clone()),
        Some(Value::Maybe(array)) => {
            array.set_used();
            Ok(array.clone())
        }
        _ => fatal(format!("{name}: argument {} is not an array", index + 1)),
    };
    Ok(match name {
        "ord" => {
            let text = text(0);
            let (letter, _) = bstr::decode_utf8(&text[..]);
            Value::Number(match letter {
                Some(letter) if machine.utf8 => f64::from(u32::from(letter)),
                _ => f64::from(text.first().copied().unwrap_or(0)),
            })
        }
        "chr" => {
            let mut out = Vec::new();
            push_char(number(0) as u32, &mut out);
            Value::Text(out.into())
        }
        "gettimeofday" => {
            let now = machine.t.ctx.now();
            Value::Number(now.seconds as f64 + f64::from(now.nanoseconds) / 1e9)
        }
        "sleep" => {
            machine.flush_outputs().await?;
            machine.t.ctx.sleep((number(0).max(0.0) * 1e9) as u64).await;
            Value::Number(0.0)
        }
        "readfile" => match machine.t.ctx.read_file(&text(0)).await {
            Ok(contents) => Value::Text(contents.into()),
            Err(error) => {
                machine.set_error(error);
                Value::Text(super::value::empty())
            }
        },
        "intdiv" => {
            let (dividend, divisor, results) = (number(0).trunc(), number(1).trunc(), array(2)?);
            if divisor == 0.0 {
                return fatal("intdiv: division by zero");
            }
            results.clear();
            results.set_name(b"quotient", Value::Number((dividend / divisor).trunc()));
            results.set_name(b"remainder", Value::Number(dividend % divisor));
            Value::Number(0.0)
        }
        "chdir" => {
            let path = text(0);
            let moved = machine.t.ctx.canonicalize(&path).and_then(|path| {
                if machine.t.ctx.stat(path.as_bytes(), true)?.is_directory() {
                    Ok(path)
                } else {
                    Err(Errno::NotDirectory)
                }
            });
            match moved {
                Ok(path) => {
                    machine.t.ctx.set_cwd(path);
                    Value::Number(0.0)
                }
                Err(error) => {
                    machine.set_error(error);
                    Value::Number(-1.0)
                }
            }
        }
        "stat" => {
            let (name, results) = (text(0), array(1)?);
            results.clear();
            match machine.t.ctx.stat(&name, number(2) != 0.0) {
                Ok(stat) => {
                    fill_stat(&name, &stat, &results);
                    Value::Number(0.0)
                }
                Err(error) => {
                    machine.set_error(error);
                    Value::Number(-1.0)
                }
            }
        }
        "fnmatch" => {
            let pattern = crate::glob::Glob::new(&text(0));
            Value::Number(if pattern.matches(&text(1)) { 0.0 } else { 1.0 })
        }
        _ => return fatal(format!("function `{name}' is not supported")),
    })
}

fn fill_stat(name: &[u8], stat: &wasmsh_os::Stat, results: &Array) {
    let numbers: [(&str, f64); 10] = [
        ("dev", stat.device as f64),
        ("ino", stat.inode as f64),
        ("nlink", f64::from(stat.links)),
        ("uid", f64::from(stat.uid)),
        ("gid", f64::from(stat.gid)),
        ("size", stat.size as f64),
        ("blocks", stat.blocks as f64),
        ("atime", stat.accessed.seconds as f64),
        ("mtime", stat.modified.seconds as f64),
        ("ctime", stat.changed.seconds as f64),
    ];
    for (name, number) in numbers {
        results.set_name(name.as_bytes(), Value::Number(number));
    }
    results.set_name(b"name", Value::text(name));
    results.set_name(b"mode", Value::Number(f64::from(stat.mode)));
    let kind = if stat.is_directory() { "directory" } else { "file" };
    results.set_name(b"type", Value::text(kind.as_bytes()));
}
