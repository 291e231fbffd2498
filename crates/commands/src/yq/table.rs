//! Comma- and tab-separated values, on `csv-core`.

use csv_core::{ReadFieldResult, ReaderBuilder};

use super::node::{Id, Kind, Res, Tree, fault};

/// All rows of a text.
pub(crate) fn rows(text: &[u8], separator: u8) -> Vec<Vec<Vec<u8>>> {
    let mut reader = ReaderBuilder::new().delimiter(separator).build();
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = Vec::new();
    let mut buffer = [0; 4096];
    let mut rest = text;
    loop {
        let (result, read, written) = reader.read_field(rest, &mut buffer);
        rest = rest.get(read..).unwrap_or_default();
        field.extend_from_slice(buffer.get(..written).unwrap_or_default());
        match result {
            ReadFieldResult::InputEmpty => {}
            ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                row.push(std::mem::take(&mut field));
                if record_end {
                    rows.push(std::mem::take(&mut row));
                }
            }
            ReadFieldResult::End => return rows,
        }
    }
}

/// Appends a field as Go's writer quotes it.
fn put(out: &mut String, text: &str, separator: u8) {
    let quoted = !text.is_empty()
        && (text == "\\."
            || text.contains(['"', '\n', '\r'])
            || text.contains(char::from(separator))
            || text.starts_with([' ', '\t']));
    if quoted {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

pub(super) fn decode(tree: &mut Tree, text: &str, separator: u8, typed: bool) -> Res {
    let seq = tree.seq();
    let mut rows = rows(text.as_bytes(), separator).into_iter();
    let Some(header) = rows.next() else { return Ok(seq) };
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    for row in rows {
        if row.len() != names.len() {
            return fault("record on line: wrong number of fields");
        }
        let map = tree.map();
        for (name, field) in names.iter().zip(&row) {
            let text = String::from_utf8_lossy(field);
            let value = if typed && !text.is_empty() { tree.guess(&text) } else { tree.string(&*text) };
            tree.put_named(map, name, value);
        }
        tree.push(seq, map);
        tree.check()?;
    }
    Ok(seq)
}

pub(super) fn encode(tree: &Tree, id: Id, separator: u8) -> Res<String> {
    let id = tree.real(id);
    let node = tree.n(id);
    let name = if separator == b'\t' { "tsv" } else { "csv" };
    if node.kind == Kind::Scalar {
        return Ok(format!("{}\n", node.value));
    }
    if node.kind != Kind::Seq {
        return fault(format!("{name} encoding only works for arrays, got: {}", tree.core_tag(id)));
    }
    let mut out = String::new();
    let mut line = |fields: &[Option<Id>]| -> Res<()> {
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push(char::from(separator));
            }
            let Some(field) = field else { continue };
            let field = tree.real(*field);
            if tree.n(field).kind != Kind::Scalar {
                return fault(format!(
                    "{name} encoding only works for arrays of scalars (string/numbers/booleans), child[{index}] is a {}",
                    tree.core_tag(field)
                ));
            }
            if !tree.is_null(field) {
                put(&mut out, &tree.n(field).value, separator);
            }
        }
        out.push('\n');
        Ok(())
    };
    let rows: Vec<Id> = node.content.iter().map(|row| tree.real(*row)).collect();
    match rows.first().map(|row| tree.n(*row).kind) {
        None => {}
        Some(Kind::Map) => {
            let first = rows.first().copied().unwrap_or(id);
            let header: Vec<Id> = tree.entries(first).into_iter().map(|(key, _)| key).collect();
            line(&header.iter().copied().map(Some).collect::<Vec<_>>())?;
            for row in rows {
                if tree.n(row).kind != Kind::Map {
                    return fault(format!(
                        "{name} object encoding only works for arrays of flat objects (string key => string/numbers/boolean value)"
                    ));
                }
                let fields: Vec<Option<Id>> =
                    header.iter().map(|key| tree.get(row, &tree.n(*key).value)).collect();
                line(&fields)?;
            }
        }
        Some(Kind::Seq) => {
            for row in rows {
                if tree.n(row).kind != Kind::Seq {
                    return fault(format!("{name} encoding only works for arrays of arrays or of scalars"));
                }
                line(&tree.n(row).content.iter().copied().map(Some).collect::<Vec<_>>())?;
            }
        }
        Some(_) => line(&rows.into_iter().map(Some).collect::<Vec<_>>())?,
    }
    Ok(out)
}
