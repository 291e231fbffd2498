//! TOML: read on `toml_edit`, written as tables, arrays of tables and dotted sections.

use toml_edit::{DocumentMut, Item, RawString, Table, Value};

use super::node::{Fault, Id, Kind, MAX_DEPTH, Res, Tree, fault, style, too_deep};
use super::write::comment_lines;

pub(super) fn decode(tree: &mut Tree, text: &str) -> Res {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let message = error.message().to_owned();
        let line = error
            .span()
            .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
        Fault(format!("toml: line {line}: {message}"))
    })?;
    let root = table(tree, document.as_table(), 0)?;
    let foot = comments(document.trailing());
    if !foot.is_empty() {
        tree.m(root).foot = Some(foot.into());
    }
    Ok(root)
}

/// The comments in the space before or after something.
fn comments(space: &RawString) -> String {
    let text = space.as_str().unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect();
    lines.join("\n")
}

fn table(tree: &mut Tree, table: &Table, depth: usize) -> Res {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    let map = tree.map();
    for (name, entry) in table.iter() {
        let key = tree.string(name);
        let value = item(tree, entry, depth + 1)?;
        let space = match entry {
            Item::Table(table) => table.decor().prefix(),
            _ => table.key(name).and_then(|key| key.leaf_decor().prefix()),
        };
        let head = space.map(comments).unwrap_or_default();
        if !head.is_empty() {
            tree.m(key).head = Some(head.into());
        }
        if let Item::Value(held) = entry {
            let side = held.decor().suffix().map(comments).unwrap_or_default();
            if !side.is_empty() {
                tree.m(value).side = Some(side.into());
            }
        }
        tree.put(map, key, value);
    }
    Ok(map)
}

fn item(tree: &mut Tree, item: &Item, depth: usize) -> Res {
    Ok(match item {
        Item::None => tree.null(),
        Item::Value(held) => value(tree, held, depth)?,
        Item::Table(held) => table(tree, held, depth)?,
        Item::ArrayOfTables(tables) => {
            let seq = tree.seq();
            for held in tables {
                let member = table(tree, held, depth)?;
                let head = held.decor().prefix().map(comments).unwrap_or_default();
                if !head.is_empty() {
                    tree.m(member).head = Some(head.into());
                }
                tree.push(seq, member);
            }
            seq
        }
    })
}

fn value(tree: &mut Tree, held: &Value, depth: usize) -> Res {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match held {
        Value::String(text) => tree.string(text.value().as_str()),
        Value::Integer(number) => {
            let text = number.as_repr().and_then(|repr| repr.as_raw().as_str()).map(str::to_owned);
            tree.scalar("!!int", text.unwrap_or_else(|| number.value().to_string()))
        }
        Value::Float(number) => {
            let text = number.as_repr().and_then(|repr| repr.as_raw().as_str()).map(str::to_owned);
            tree.scalar("!!float", text.unwrap_or_else(|| number.value().to_string()))
        }
        Value::Boolean(truth) => tree.boolean(*truth.value()),
        Value::Datetime(moment) => {
            let text = moment.value().to_string();
            tree.guess(&text)
        }
        Value::Array(members) => {
            let seq = tree.seq();
            for member in members {
                let member = value(tree, member, depth + 1)?;
                tree.push(seq, member);
            }
            seq
        }
        Value::InlineTable(members) => {
            let map = tree.map();
            tree.m(map).style = style::INLINE;
            for (name, member) in members.iter() {
                let member = value(tree, member, depth + 1)?;
                tree.put_named(map, name, member);
            }
            map
        }
    })
}

struct Writer<'t> {
    tree: &'t Tree,
    out: String,
}

pub(super) fn encode(tree: &Tree, id: Id) -> Res<String> {
    let real = tree.real(id);
    match tree.n(real).kind {
        Kind::Map => {}
        Kind::Scalar => return Ok(format!("{}\n", tree.n(real).value)),
        _ => {
            let mut writer = Writer { tree, out: String::new() };
            writer.inline(real, 0)?;
            writer.out.push('\n');
            return Ok(writer.out);
        }
    }
    let mut writer = Writer { tree, out: String::new() };
    writer.table(real, "", 0)?;
    if let Some(foot) = tree.n(real).foot.as_deref() {
        writer.comment(foot);
    }
    Ok(writer.out)
}

fn bare_or_quoted(name: &str) -> String {
    let bare = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { name.to_owned() } else { basic(name) }
}

/// A basic string.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if (letter as u32) < 0x20 || letter as u32 == 0x7f => {
                out.push_str(&format!("\\u{:04X}", letter as u32));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

impl Writer<'_> {
    fn comment(&mut self, text: &str) {
        for line in comment_lines(text).filter(|line| !line.trim().is_empty()) {
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    fn is_section(&self, id: Id) -> bool {
        let node = self.tree.n(self.tree.real(id));
        node.kind == Kind::Map && node.style & (style::FLOW | style::INLINE) == 0
    }

    fn is_sections(&self, id: Id) -> bool {
        let node = self.tree.n(self.tree.real(id));
        node.kind == Kind::Seq
            && node.style & (style::FLOW | style::INLINE) == 0
            && !node.content.is_empty()
            && node.content.iter().all(|member| self.is_section(*member))
    }

    fn table(&mut self, id: Id, path: &str, depth: usize) -> Res<()> {
        self.tree.visit(depth)?;
        let entries = self.tree.entries(id);
        for (key, value) in &entries {
            if self.is_section(*value) || self.is_sections(*value) {
                continue;
            }
            let value = self.tree.real(*value);
            if self.tree.is_null(value) {
                continue;
            }
            if let Some(head) = self.tree.n(*key).head.as_deref() {
                self.comment(head);
            }
            self.out.push_str(&bare_or_quoted(&self.tree.n(*key).value));
            self.out.push_str(" = ");
            self.inline(value, depth)?;
            if let Some(side) = self.tree.n(value).side.as_deref().or(self.tree.n(*key).side.as_deref()) {
                self.out.push_str("  ");
                self.out.push_str(&comment_lines(side).collect::<Vec<_>>().join(" "));
            }
            self.out.push('\n');
        }
        for (key, value) in entries {
            let value = self.tree.real(value);
            let name = bare_or_quoted(&self.tree.n(key).value);
            let name = if path.is_empty() { name } else { format!("{path}.{name}") };
            if self.is_section(value) {
                let content = &self.tree.n(value).content;
                let inner = content.chunks_exact(2).filter_map(|pair| pair.get(1));
                // A table that holds tables only needs no line of its own.
                let only_sections = !content.is_empty()
                    && inner.clone().all(|id| self.is_section(*id) || self.is_sections(*id));
                if !only_sections {
                    self.head(key, &format!("[{name}]"));
                }
                self.table(value, &name, depth + 1)?;
            } else if self.is_sections(value) {
                for member in &self.tree.n(value).content {
                    let member = self.tree.real(*member);
                    self.head(member, &format!("[[{name}]]"));
                    self.table(member, &name, depth + 1)?;
                }
            }
        }
        Ok(())
    }

    fn head(&mut self, id: Id, line: &str) {
        if !self.out.is_empty() && !line.starts_with("[[") {
            self.out.push('\n');
        }
        if let Some(head) = self.tree.n(id).head.as_deref() {
            self.comment(head);
        }
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn inline(&mut self, id: Id, depth: usize) -> Res<()> {
        self.tree.visit(depth + 1)?;
        let id = self.tree.real(id);
        let node = self.tree.n(id);
        match node.kind {
            Kind::Map => {
                if node.content.is_empty() {
                    self.out.push_str("{}");
                    return Ok(());
                }
                self.out.push_str("{ ");
                for (index, (key, value)) in self.tree.entries(id).into_iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.out.push_str(&bare_or_quoted(&self.tree.n(key).value));
                    self.out.push_str(" = ");
                    self.inline(value, depth + 1)?;
                }
                self.out.push_str(" }");
            }
            Kind::Seq => {
                self.out.push('[');
                for (index, member) in node.content.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.inline(*member, depth + 1)?;
                }
                self.out.push(']');
            }
            Kind::Alias => return fault(format!("unknown anchor '{}' referenced", node.value)),
            Kind::Scalar => match self.tree.core_tag(id) {
                "!!int" | "!!float" | "!!bool" | "!!timestamp" => {
                    let text = match &*node.value {
                        ".inf" => "inf",
                        "-.inf" => "-inf",
                        ".nan" => "nan",
                        other => other,
                    };
                    self.out.push_str(text);
                }
                "!!null" => self.out.push_str("\"\""),
                _ => self.out.push_str(&basic(&node.value)),
            },
        }
        Ok(())
    }
}
