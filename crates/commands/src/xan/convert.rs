//! The subcommands that change the form of a table: to, from, fmt, transpose.

use std::fmt::Write as _;

use bstr::{BString, ByteSlice};

use super::csv::{Row, Shape, failed, put};
use super::rows::number;
use super::{Call, pick};
use crate::{Done, Fail, Tool, jq};

pub(super) async fn fmt(t: &mut Tool, call: &Call) -> Done {
    let one = |flag: &str| -> Result<Option<u8>, Fail> {
        match call.get(flag).map(|text| &text[..]) {
            None => Ok(None),
            Some(b"\\t") => Ok(Some(b'\t')),
            Some([one]) => Ok(Some(*one)),
            Some(_) => Err(Fail::Message(format!("--{flag} must be one byte"), 1)),
        }
    };
    let mut shape = Shape { always: call.has("Q"), ..Shape::default() };
    shape.separator = if call.has("T") { b'\t' } else { one("t")?.unwrap_or(b',') };
    shape.quote = one("quote")?.unwrap_or(b'"');
    if call.has("crlf") {
        shape.ending = b"\r\n";
    }
    let mut table = call.open(t, 0).await?;
    if call.named && !table.header.is_empty() {
        shape.write(&table.header, t.out.buffer());
    }
    while let Some(row) = table.next(t).await? {
        shape.write(&row, t.out.buffer());
        t.out.drain().await?;
    }
    Ok(())
}

pub(super) async fn transpose(t: &mut Tool, call: &Call) -> Done {
    let mut table = call.open(t, 0).await?;
    let mut rows = vec![table.header.clone()];
    rows.extend(table.all(t).await?);
    for column in 0..table.header.len() {
        let row: Row = rows.iter().map(|row| row.get(column).cloned().unwrap_or_default()).collect();
        put(t, &row).await?;
        t.ctx.ticks(row.len() as u32).await;
    }
    Ok(())
}

/// Whether all that a column has are numbers.
fn numeric(rows: &[Row], column: usize) -> bool {
    let mut any = false;
    for field in rows.iter().filter_map(|row| row.get(column)).filter(|field| !field.is_empty()) {
        // A number that JSON would write otherwise is a text: `007`.
        let text = field.to_str_lossy();
        let plain = text.trim_start_matches('-');
        let padded = plain.len() > 1 && plain.starts_with('0') && !plain.starts_with("0.");
        if number(field).is_none() || padded || text.starts_with('+') || jq::number(&text).is_none() {
            return false;
        }
        any = true;
    }
    any
}

fn escaped(text: &str, pairs: &[(char, &str)]) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match pairs.iter().find(|(from, _)| *from == letter) {
            Some((_, to)) => out.push_str(to),
            None => out.push(letter),
        }
    }
    out
}

const HTML: [(char, &str); 4] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")];

pub(super) async fn to(t: &mut Tool, call: &Call) -> Done {
    let format = call.required(0)?.to_str_lossy().into_owned();
    let mut table = call.open(t, 1).await?;
    let columns = call.columns(&table.header)?;
    let header = pick(&table.header, &columns);
    let mut text = String::new();
    match format.as_str() {
        "json" | "jsonl" | "ndjson" => {
            let rows: Vec<Row> = table.all(t).await?.iter().map(|row| pick(row, &columns)).collect();
            let numbers: Vec<bool> = (0..header.len()).map(|column| numeric(&rows, column)).collect();
            let lines = format != "json";
            if !lines {
                t.out.put(if rows.is_empty() { b"[" } else { b"[\n" });
            }
            for (at, row) in rows.iter().enumerate() {
                text.clear();
                let (open, gap, close) = if lines { ("{", "", "}") } else { ("  {", "\n    ", "\n  }") };
                text.push_str(open);
                let mut first = true;
                for ((name, field), number) in header.iter().zip(row).zip(&numbers) {
                    if field.is_empty() && call.has("omit") {
                        continue;
                    }
                    if !first {
                        text.push(',');
                    }
                    first = false;
                    text.push_str(gap);
                    jq::quote(&name.to_str_lossy(), jq::Escapes::Jq, &mut text);
                    text.push_str(if lines { ":" } else { ": " });
                    if field.is_empty() && (call.has("nulls") || *number) {
                        text.push_str("null");
                    } else if *number {
                        text.push_str(&field.to_str_lossy());
                    } else {
                        jq::quote(&field.to_str_lossy(), jq::Escapes::Jq, &mut text);
                    }
                }
                text.push_str(close);
                text.push_str(if !lines && at + 1 < rows.len() { ",\n" } else { "\n" });
                t.out.put(text.as_bytes());
                t.out.drain().await?;
                t.ctx.tick().await;
            }
            if !lines {
                t.out.put(b"]\n");
            }
        }
        "md" => {
            let line = |row: &[BString]| {
                let cells: Vec<String> = row
                    .iter()
                    .map(|field| escaped(&field.to_str_lossy(), &[('|', "\\|"), ('\n', "<br>"), ('\r', "")]))
                    .collect();
                format!("| {} |\n", cells.join(" | "))
            };
            t.out.put(line(&header).as_bytes());
            let rule: Row = header.iter().map(|_| BString::from("---")).collect();
            t.out.put(line(&rule).as_bytes());
            while let Some(row) = table.next(t).await? {
                t.out.put(line(&pick(&row, &columns)).as_bytes());
                t.out.drain().await?;
            }
        }
        "html" => {
            let line = |row: &[BString], tag: &str, out: &mut String| {
                out.push_str("    <tr>\n");
                for field in row {
                    let _ = writeln!(out, "      <{tag}>{}</{tag}>", escaped(&field.to_str_lossy(), &HTML));
                }
                out.push_str("    </tr>\n");
            };
            text.push_str("<table>\n");
            if call.named {
                text.push_str("  <thead>\n");
                line(&header, "th", &mut text);
                text.push_str("  </thead>\n");
            }
            text.push_str("  <tbody>\n");
            t.out.put(text.as_bytes());
            while let Some(row) = table.next(t).await? {
                text.clear();
                line(&pick(&row, &columns), "td", &mut text);
                t.out.put(text.as_bytes());
                t.out.drain().await?;
            }
            t.out.put(b"  </tbody>\n</table>\n");
        }
        "txt" => {
            if columns.len() != 1 {
                return Err(Fail::Message("txt needs one column: select it with -s".into(), 1));
            }
            while let Some(row) = table.next(t).await? {
                t.out.put(&pick(&row, &columns).into_iter().next().unwrap_or_default());
                t.out.put(b"\n");
                t.out.drain().await?;
            }
        }
        other => return Err(Fail::Message(format!("could not export to format: {other}"), 1)),
    }
    Ok(())
}

/// A value of JSON as a field.
fn field(value: &jq::Value) -> BString {
    match value {
        jq::Value::Null => BString::default(),
        jq::Value::String(text) => BString::from(text.as_str()),
        other => BString::from(jq::compact(other)),
    }
}

pub(super) async fn from(t: &mut Tool, call: &Call) -> Done {
    let name = call.input(0);
    let format = match call.get("f") {
        Some(format) => format.to_str_lossy().into_owned(),
        None => name.rsplit_once_str(b".").map_or(String::new(), |(_, end)| end.to_str_lossy().into_owned()),
    };
    let mut input = t.open(&name).await.map_err(|error| failed(&name, error))?;
    match format.as_str() {
        "txt" => {
            let column = call.get("c").cloned().unwrap_or_else(|| "value".into());
            put(t, &[column]).await?;
            while let Some(line) = input.line(b'\n').await.map_err(|error| failed(&name, error))? {
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let row = [BString::from(line.strip_suffix(b"\r").unwrap_or(line))];
                put(t, &row).await?;
            }
            Ok(())
        }
        "json" | "jsonl" | "ndjson" => {
            let mut bytes = Vec::new();
            input.read_to_end(&mut bytes).await.map_err(|error| failed(&name, error))?;
            let mut reader = jq::Reader::new(false, false);
            let (mut rest, mut values) = (&bytes[..], Vec::new());
            loop {
                let (used, step) = reader.step(rest, true);
                rest = rest.get(used..).unwrap_or_default();
                match step {
                    jq::Step::Value(jq::Value::Array(all)) if format == "json" => {
                        values.extend(all.iter().cloned())
                    }
                    jq::Step::Value(value) => values.push(value),
                    jq::Step::More => break,
                    jq::Step::Error(message) => return Err(Fail::Message(format!("{name}: {message}"), 1)),
                }
                t.ctx.tick().await;
            }
            let mut names: indexmap::IndexSet<String, foldhash::fast::FixedState> =
                indexmap::IndexSet::default();
            for value in &values {
                match value {
                    jq::Value::Object(members) => {
                        for key in members.keys() {
                            if !names.contains(key.as_str()) {
                                names.insert(key.to_string());
                            }
                        }
                    }
                    _ => {
                        names.insert("value".into());
                    }
                }
            }
            let header: Row = names.iter().map(|name| BString::from(name.as_str())).collect();
            put(t, &header).await?;
            for value in &values {
                let row: Row = match value {
                    jq::Value::Object(members) => {
                        names.iter().map(|name| members.get(name).map(field).unwrap_or_default()).collect()
                    }
                    other => names
                        .iter()
                        .map(|name| if name == "value" { field(other) } else { BString::default() })
                        .collect(),
                };
                put(t, &row).await?;
                t.ctx.tick().await;
            }
            Ok(())
        }
        other => Err(Fail::Message(format!("could not read from format: {other}"), 1)),
    }
}
