//! The formats that documents are read from and written in.

use std::rc::Rc;

use super::eval::Yq;
use super::node::{Fault, Id, Kind, MAX_DEPTH, Res, Tree, fault, style, too_deep};
use super::scalars::{float_text, integer, number};
use super::write::Form;
use super::{props, read, table, toml, write, xml};
use crate::jq;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
    Props,
    Csv,
    Tsv,
    Xml,
    Toml,
    Base64,
    Uri,
    Sh,
    /// Assignments of shell variables.
    Shell,
}

impl Format {
    /// The format that an option names.
    pub(super) fn named(name: &str) -> Option<Format> {
        Some(match name {
            "yaml" | "y" | "yml" | "kyaml" | "ky" => Format::Yaml,
            "json" | "j" | "ndjson" => Format::Json,
            "props" | "p" | "properties" => Format::Props,
            "csv" | "c" => Format::Csv,
            "tsv" | "t" => Format::Tsv,
            "xml" | "x" => Format::Xml,
            "toml" => Format::Toml,
            "base64" => Format::Base64,
            "uri" => Format::Uri,
            "shell" | "s" | "sh" => Format::Shell,
            _ => return None,
        })
    }

    /// The format of files with this name.
    pub(super) fn of_file(name: &str) -> Format {
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "json" | "ndjson" => Format::Json,
            "properties" => Format::Props,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "xml" => Format::Xml,
            "toml" => Format::Toml,
            _ => Format::Yaml,
        }
    }

    /// The extension of files that documents are split into.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Props => "properties",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Xml => "xml",
            Format::Toml => "toml",
            Format::Shell | Format::Sh => "sh",
            _ => "yml",
        }
    }
}

/// The documents of a text.
pub(super) fn decode(yq: &mut Yq, text: &str, format: Format) -> Res<Vec<Id>> {
    decode_file(yq, text, format, 0, &mut 0, false)
}

/// The documents of a file, counted on.
pub(super) fn decode_file(
    yq: &mut Yq,
    text: &str,
    format: Format,
    file: u32,
    doc: &mut u32,
    leading: bool,
) -> Res<Vec<Id>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let settings = Rc::clone(&yq.settings);
    let tree = &mut yq.tree;
    let roots = match format {
        Format::Yaml => {
            let mut yaml = read::Yaml::new(tree, text, file, doc, leading)?;
            let mut all = Vec::new();
            while let Some(root) = yaml.next() {
                all.push(root);
            }
            return Ok(all);
        }
        Format::Json => json(tree, text)?,
        Format::Props => vec![props::decode(tree, text)?],
        Format::Csv => vec![table::decode(tree, text, settings.csv_separator, settings.csv_parse)?],
        Format::Tsv => vec![table::decode(tree, text, b'\t', settings.tsv_parse)?],
        Format::Xml => vec![xml::decode(tree, text, &settings.xml)?],
        Format::Toml => vec![toml::decode(tree, text)?],
        Format::Base64 => vec![base64(tree, text)?],
        Format::Uri => vec![tree.string(uri_decoded(text.trim_end_matches('\n'))?)],
        Format::Sh | Format::Shell => return fault("no decoder for this format"),
    };
    for root in &roots {
        read::number(tree, *root, file, *doc)?;
        *doc += 1;
    }
    tree.check()?;
    Ok(roots)
}

/// A node as the text of a format, with a newline at its end where the format has lines.
pub(super) fn encode_text(yq: &Yq, id: Id, format: Format, indent: usize) -> Res<String> {
    let tree = &yq.tree;
    let settings = &yq.settings;
    let limit = settings.ceiling;
    Ok(match format {
        Format::Yaml => {
            let form = Form { indent: indent.max(2), compact: settings.compact, pretty: false };
            write::yaml(tree, id, form)?
        }
        Format::Json => {
            let mut out = String::new();
            json_text(tree, id, indent, 0, limit, &mut out)?;
            out.push('\n');
            out
        }
        Format::Props => props::encode(tree, id, settings)?,
        Format::Shell => props::shell(tree, id, settings)?,
        Format::Csv => table::encode(tree, id, settings.csv_separator)?,
        Format::Tsv => table::encode(tree, id, b'\t')?,
        Format::Xml => xml::encode(tree, id, &settings.xml, indent, limit)?,
        Format::Toml => toml::encode(tree, id)?,
        Format::Base64 | Format::Uri | Format::Sh => {
            let real = tree.real(id);
            let node = tree.n(real);
            if node.kind != Kind::Scalar {
                return fault(format!(
                    "cannot encode {} as {}, can only operate on strings",
                    tree.core_tag(real),
                    match format {
                        Format::Base64 => "base64",
                        Format::Uri => "URI",
                        _ => "shell",
                    }
                ));
            }
            match format {
                Format::Base64 => {
                    let mut out = Vec::new();
                    crate::base64::encode(node.value.as_bytes(), &mut out);
                    String::from_utf8_lossy(&out).into_owned()
                }
                Format::Uri => uri_encoded(&node.value),
                _ => sh_quoted(&node.value),
            }
        }
    })
}

/// JSON without spaces: what values are compared by.
pub(super) fn compact_json(yq: &Yq, id: Id) -> Res<String> {
    let mut out = String::new();
    json_text(&yq.tree, id, 0, 0, yq.settings.ceiling, &mut out)?;
    Ok(out)
}

fn json(tree: &mut Tree, text: &str) -> Res<Vec<Id>> {
    let mut reader = jq::Reader::new(false, false);
    let mut rest = text.as_bytes();
    let mut all = Vec::new();
    loop {
        let (used, step) = reader.step(rest, true);
        rest = rest.get(used..).unwrap_or_default();
        match step {
            jq::Step::Value(value) => {
                let id = from_json(tree, &value, 0)?;
                all.push(id);
                tree.check()?;
            }
            jq::Step::More => return Ok(all),
            jq::Step::Error(message) => return fault(format!("json: {message}")),
        }
    }
}

fn from_json(tree: &mut Tree, value: &jq::Value, depth: usize) -> Res {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match value {
        jq::Value::Null => tree.null(),
        jq::Value::Bool(value) => tree.boolean(*value),
        jq::Value::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => tree.int(*value as i64),
        jq::Value::Number(value) => tree.scalar("!!float", float_text(*value)),
        jq::Value::Literal(literal) => {
            let tag = if integer(&literal.text).is_some() { "!!int" } else { "!!float" };
            tree.scalar(tag, literal.text.as_str())
        }
        jq::Value::String(text) => tree.string(text.as_str()),
        jq::Value::Array(members) => {
            let seq = tree.seq();
            for member in members.iter() {
                let member = from_json(tree, member, depth + 1)?;
                tree.push(seq, member);
            }
            seq
        }
        jq::Value::Object(members) => {
            let map = tree.map();
            for (name, value) in members.iter() {
                let value = from_json(tree, value, depth + 1)?;
                tree.put_named(map, name, value);
            }
            map
        }
    })
}

fn json_text(tree: &Tree, id: Id, indent: usize, depth: usize, limit: usize, out: &mut String) -> Res<()> {
    tree.visit(depth)?;
    if out.len() > limit {
        return fault("cannot allocate memory");
    }
    let real = tree.real(id);
    let node = tree.n(real);
    let line = |out: &mut String, depth: usize| {
        if indent > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    match node.kind {
        Kind::Alias => return fault(format!("unknown anchor '{}' referenced", node.value)),
        Kind::Scalar => match tree.core_tag(real) {
            "!!null" => out.push_str("null"),
            "!!bool" => out.push_str(&node.value.to_ascii_lowercase()),
            "!!int" => match integer(&node.value) {
                Some(value) => out.push_str(&value.to_string()),
                None => out.push_str(&node.value),
            },
            "!!float" => {
                let plain = jq::number(&node.value).is_some();
                match number(&node.value) {
                    _ if plain => out.push_str(&node.value),
                    Some(value) if value.is_finite() => out.push_str(&float_text(value)),
                    Some(_) => return fault(format!("json: unsupported value: {}", node.value)),
                    None => jq::quote(&node.value, jq::Escapes::Go, out),
                }
            }
            _ => jq::quote(&node.value, jq::Escapes::Go, out),
        },
        Kind::Seq => {
            out.push('[');
            for (index, member) in node.content.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                json_text(tree, *member, indent, depth + 1, limit, out)?;
            }
            if !node.content.is_empty() {
                line(out, depth);
            }
            out.push(']');
        }
        Kind::Map => {
            out.push('{');
            for (index, (key, value)) in tree.entries(real).into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                jq::quote(&tree.n(tree.real(key)).value, jq::Escapes::Go, out);
                out.push_str(if indent > 0 { ": " } else { ":" });
                json_text(tree, value, indent, depth + 1, limit, out)?;
            }
            if !node.content.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
    }
    Ok(())
}

fn base64(tree: &mut Tree, text: &str) -> Res {
    let clean: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = crate::base64::decoded(&clean).ok_or_else(|| Fault("illegal base64 data".into()))?;
    Ok(tree.string(String::from_utf8_lossy(&bytes).into_owned()))
}

fn uri_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn uri_decoded(text: &str) -> Res<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else { return fault("invalid URL escape") };
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(byte),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A text as one word of a shell.
fn sh_quoted(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for letter in text.chars() {
        if letter == '\'' {
            if quoted {
                out.push('\'');
            }
            quoted = false;
            out.push_str("\\'");
            continue;
        }
        if !(quoted || letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter)) {
            quoted = true;
            out.push('\'');
        }
        out.push(letter);
    }
    if quoted {
        out.push('\'');
    }
    out
}

/// Forgets all styles, as `-P` does.
pub(super) fn prettify(tree: &mut Tree, root: Id) {
    let mut list = vec![root];
    while let Some(id) = list.pop() {
        let node = tree.m(id);
        let multi = node.value.contains('\n');
        node.style &= if multi { style::TAGGED | style::LITERAL | style::FOLDED } else { style::TAGGED };
        list.extend_from_slice(&node.content);
    }
}
