//! `-d`: the variables at the end of a program.

use bstr::{BStr, ByteSlice};

use super::machine::Machine;
use super::value::{Value, append_number};
use crate::{Done, Fail};

/// Writes all global variables to a file; `-` is standard output.
pub(super) async fn variables(machine: &mut Machine<'_>, file: &BStr) -> Done {
    let mut names: Vec<(u32, Vec<u8>)> = (0..).zip(machine.code.globals.clone()).collect();
    names.sort_by(|a, b| a.1.cmp(&b.1));
    let mut out = Vec::new();
    for (index, name) in names {
        let value = match machine.symbol_value(index) {
            Ok(value) => value,
            Err(_) => continue,
        };
        out.extend_from_slice(&name);
        out.extend_from_slice(b": ");
        match value {
            Value::Array(array) => {
                out.extend_from_slice(format!("array, {} elements", array.len()).as_bytes())
            }
            Value::Unset | Value::Maybe(_) | Value::Symbol(_) => out.extend_from_slice(b"untyped variable"),
            Value::Number(number) => append_number(number, b"%.6g", &mut out),
            Value::Bool(flag) => out.extend_from_slice(if flag { b"1" } else { b"0" }),
            Value::Text(text) | Value::Input(text) => {
                out.push(b'"');
                out.extend_from_slice(escaped(&text).as_bytes());
                out.push(b'"');
            }
            Value::Regex(text) => {
                out.extend_from_slice(b"@/");
                out.extend_from_slice(&text);
                out.push(b'/');
            }
        }
        out.push(b'\n');
    }
    if file == "-" {
        machine.out.put(&out);
        return Ok(machine.out.flush().await?);
    }
    let mut output = machine.t.ctx.create_output(file, false).await.map_err(|error| cannot(file, error))?;
    output.put(&out);
    output.flush().await.map_err(|error| cannot(file, error))
}

fn cannot(file: &BStr, error: wasmsh_os::Errno) -> Fail {
    Fail::Message(format!("warning: could not open `{file}' for writing: {}", error.strerror()), 0)
}

/// A string as it would be written in a program.
fn escaped(text: &[u8]) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if letter.is_control() => out.push_str(&format!("\\{:03o}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out
}
