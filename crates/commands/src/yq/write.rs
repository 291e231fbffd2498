//! Nodes as YAML, in the form that go-yaml gives them: block style with indented sequences, comments in their places,
//! each scalar in its own style where that style can hold it.

use super::node::{Id, Kind, MAX_DEPTH, Node, Res, Tree, style, too_deep};
use super::scalars::resolve;

/// How YAML is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) indent: usize,
    /// Sequences in maps stand below their keys.
    pub(super) compact: bool,
    /// Styles are forgotten.
    pub(super) pretty: bool,
}

struct Writer<'t> {
    tree: &'t Tree,
    form: Form,
    out: String,
    /// The indentation of the foot comment that was written last: an empty line parts it from what follows.
    foot: Option<usize>,
}

/// A node as the text of a document, with a newline at its end.
pub(super) fn yaml(tree: &Tree, id: Id, form: Form) -> Res<String> {
    let mut writer = Writer { tree, form, out: String::new(), foot: None };
    let node = tree.n(id);
    // The comment above a member is its parent's.
    if let Some(head) = node.head.as_deref() {
        writer.comment(head, 0);
        writer.out.push('\n');
    }
    writer.root(id, node)?;
    if let Some(foot) = node.foot.as_deref() {
        writer.comment(foot, 0);
    }
    Ok(writer.out)
}

/// A comment as lines that all begin with `#`.
pub(super) fn comment_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('\n').map(|line| {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            line.to_owned()
        } else {
            format!("# {line}")
        }
    })
}

impl Writer<'_> {
    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn comment(&mut self, text: &str, indent: usize) {
        self.part(indent);
        for line in comment_lines(text) {
            if !line.trim().is_empty() {
                self.pad(indent);
                self.out.push_str(&line);
            }
            self.out.push('\n');
        }
    }

    /// An empty line after a foot comment on the same level.
    fn part(&mut self, indent: usize) {
        if self.foot.take() == Some(indent) {
            self.out.push('\n');
        }
    }

    fn side(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            let lines: Vec<String> = comment_lines(text).collect();
            self.out.push(' ');
            self.out.push_str(&lines.join(" "));
        }
    }

    fn root(&mut self, id: Id, node: &Node) -> Res<()> {
        if self.is_block(node) {
            let properties = self.properties(node);
            if !properties.is_empty() {
                self.out.push_str(properties.trim_start());
                self.out.push('\n');
            }
            return self.block(id, 0, 0);
        }
        self.inline(id, 0, 0, false)?;
        self.side(node.side.as_deref());
        self.out.push('\n');
        Ok(())
    }

    fn style(&self, node: &Node) -> u8 {
        if self.form.pretty { node.style & style::TAGGED } else { node.style }
    }

    fn is_block(&self, node: &Node) -> bool {
        matches!(node.kind, Kind::Map | Kind::Seq)
            && !node.content.is_empty()
            && self.style(node) & style::FLOW == 0
    }

    /// Anchor and tag of a node, with a space before each.
    fn properties(&self, node: &Node) -> String {
        let mut text = String::new();
        if let Some(anchor) = node.anchor.as_deref()
            && node.kind != Kind::Alias
        {
            text.push_str(" &");
            text.push_str(anchor);
        }
        if let Some(tag) = self.shown_tag(node) {
            text.push(' ');
            text.push_str(tag);
        }
        text
    }

    fn shown_tag<'n>(&self, node: &'n Node) -> Option<&'n str> {
        let tag = &*node.tag;
        let usual = match node.kind {
            Kind::Alias => return None,
            // The sign says it.
            Kind::Scalar if tag == "!!merge" && &*node.value == "<<" => return None,
            Kind::Map => "!!map",
            Kind::Seq => "!!seq",
            Kind::Scalar if self.style(node) & style::QUOTED != 0 => "!!str",
            Kind::Scalar => resolve(&node.value),
        };
        let core = matches!(tag, "!!str" | "!!int" | "!!bool" | "!!null" | "!!float" | "!!timestamp" | "");
        let shown = node.style & style::TAGGED != 0 && !tag.is_empty()
            || tag != usual
                && tag != "!!str"
                && !(core && (usual == "!!str" || tag == "!!float" && usual == "!!int"))
            || tag != usual
                && core
                && tag != "!!str"
                && usual == "!!str"
                && self.style(node) & style::QUOTED == 0;
        (shown && !tag.is_empty()).then_some(tag)
    }

    /// The members of a node, from a new line on; the first line is begun where `begun` says how far.
    fn block(&mut self, id: Id, indent: usize, depth: usize) -> Res<()> {
        self.block_from(id, indent, depth, false)
    }

    fn block_from(&mut self, id: Id, indent: usize, depth: usize, mut begun: bool) -> Res<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let node = self.tree.n(id);
        if node.kind == Kind::Seq {
            for member in &node.content {
                let item = self.tree.n(*member);
                self.above(item.head.as_deref(), indent, &mut begun);
                self.out.push('-');
                let properties = self.properties(item);
                if self.is_block(item) {
                    if properties.is_empty() && item.side.is_none() {
                        self.out.push(' ');
                        self.block_from(*member, indent + 2, depth + 1, true)?;
                    } else {
                        self.out.push_str(&properties);
                        self.side(item.side.as_deref());
                        self.out.push('\n');
                        self.block(*member, indent + 2, depth + 1)?;
                    }
                } else {
                    self.value(*member, indent, depth + 1, None)?;
                }
                if let Some(foot) = item.foot.as_deref() {
                    self.comment(foot, indent);
                    self.foot = Some(indent);
                }
            }
            return Ok(());
        }
        for (key, value) in self.tree.entries(id) {
            let (name, held) = (self.tree.n(key), self.tree.n(value));
            self.above(name.head.as_deref(), indent, &mut begun);
            if self.is_block(name) || name.value.contains('\n') || name.value.chars().count() > 128 {
                self.out.push('?');
                self.value(key, indent, depth + 1, None)?;
                self.part(indent);
                self.pad(indent);
            } else {
                self.inline(key, indent, depth, true)?;
                if name.kind == Kind::Alias {
                    self.out.push(' ');
                }
            }
            self.out.push(':');
            let side = name.side.as_deref().filter(|_| !name.value.contains('\n'));
            if self.is_block(held) {
                let properties = self.properties(held);
                self.out.push_str(&properties);
                self.side(side.or(held.side.as_deref()));
                self.out.push('\n');
                if let Some(head) = held.head.as_deref() {
                    self.comment(head, indent + self.form.indent);
                }
                let compact = self.form.compact && held.kind == Kind::Seq;
                let deeper = if compact { indent } else { indent + self.form.indent };
                self.block(value, deeper, depth + 1)?;
            } else {
                self.value(value, indent, depth + 1, side)?;
            }
            for foot in [held.foot.as_deref(), name.foot.as_deref()].into_iter().flatten() {
                self.comment(foot, indent);
                self.foot = Some(indent);
            }
        }
        Ok(())
    }

    /// The comment above a member or an entry, and the beginning of its line. The line may have begun already, behind
    /// a dash: then the comment stands there.
    fn above(&mut self, head: Option<&str>, indent: usize, begun: &mut bool) {
        if let Some(head) = head {
            if *begun {
                self.out.push_str(head.split('\n').next().unwrap_or_default());
                self.out.push('\n');
                *begun = false;
            } else {
                self.comment(head, indent);
            }
        }
        if !*begun {
            self.part(indent);
            self.pad(indent);
        }
        *begun = false;
    }

    /// A value behind its key, or a member behind its dash, to the end of the line.
    fn value(&mut self, id: Id, indent: usize, depth: usize, side: Option<&str>) -> Res<()> {
        let node = self.tree.n(id);
        if self.is_block(node) {
            let properties = self.properties(node);
            self.out.push_str(&properties);
            self.out.push('\n');
            return self.block(id, indent + self.form.indent, depth);
        }
        if let Some(head) = node.head.as_deref().filter(|_| !matches!(node.key, super::node::Key::Index(_))) {
            self.out.push('\n');
            self.comment(head, indent + self.form.indent);
            self.pad(indent + self.form.indent - 1);
        }
        let before = self.out.len();
        self.out.push(' ');
        let at = self.out.len();
        self.inline(id, indent, depth, false)?;
        if self.out.len() == at {
            self.out.truncate(before);
        }
        let side = node.side.as_deref().or(side);
        match self.out.get(at..).and_then(|text| text.find('\n')) {
            // A block scalar has its comment behind the sign.
            Some(line) if side.is_some() && self.style(node) & (style::LITERAL | style::FOLDED) != 0 => {
                let rest = self.out.split_off(at + line);
                self.side(side);
                self.out.push_str(&rest);
            }
            _ => self.side(side),
        }
        self.out.push('\n');
        Ok(())
    }

    /// A node on the line: a scalar, an alias, a flow collection.
    fn inline(&mut self, id: Id, indent: usize, depth: usize, simple: bool) -> Res<()> {
        let node = self.tree.n(id);
        let properties = self.properties(node);
        self.out.push_str(properties.trim_start());
        let gap = !properties.is_empty();
        let empty = node.kind == Kind::Scalar
            && node.value.is_empty()
            && &*node.tag != "!!str"
            && self.style(node) & style::QUOTED == 0;
        if gap && !empty {
            self.out.push(' ');
        }
        match node.kind {
            Kind::Alias => {
                self.out.push('*');
                self.out.push_str(&node.value);
                Ok(())
            }
            Kind::Scalar => {
                let text = scalar(node, self.style(node), indent, self.form.indent, simple, false);
                self.out.push_str(&text);
                Ok(())
            }
            Kind::Map | Kind::Seq => self.flow(id, indent, depth),
        }
    }

    fn has_comments(&self, id: Id, depth: usize) -> bool {
        let node = self.tree.n(id);
        depth < MAX_DEPTH
            && node.content.iter().any(|member| {
                let node = self.tree.n(*member);
                node.head.is_some()
                    || node.side.is_some()
                    || node.foot.is_some()
                    || !node.content.is_empty() && self.has_comments(*member, depth + 1)
            })
    }

    fn flow(&mut self, id: Id, indent: usize, depth: usize) -> Res<()> {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let node = self.tree.n(id);
        let map = node.kind == Kind::Map;
        self.out.push(if map { '{' } else { '[' });
        let lines = self.has_comments(id, depth);
        let deeper = indent + self.form.indent;
        let step = if map { 2 } else { 1 };
        for (index, members) in node.content.chunks_exact(step).enumerate() {
            let Some(&first) = members.first() else { continue };
            let head = self.tree.n(first).head.as_deref();
            if lines {
                self.out.push('\n');
                if let Some(head) = head {
                    self.comment(head, deeper);
                }
                self.pad(deeper);
            } else if index > 0 {
                self.out.push(' ');
            }
            self.flow_member(first, deeper, depth, map)?;
            let mut last = first;
            if let Some(&value) = members.get(1) {
                last = value;
                let null = self.tree.n(value);
                self.out.push(':');
                if !(null.kind == Kind::Scalar && null.value.is_empty() && &*null.tag == "!!null") {
                    self.out.push(' ');
                    self.flow_member(value, deeper, depth, false)?;
                }
            }
            if lines || (index + 1) * step < node.content.len() {
                self.out.push(',');
            }
            if lines {
                let side = self.tree.n(last).side.as_deref().or(self.tree.n(first).side.as_deref());
                self.side(side);
                if let Some(foot) = self.tree.n(last).foot.as_deref().or(self.tree.n(first).foot.as_deref()) {
                    self.out.push('\n');
                    self.comment(foot, deeper);
                    self.out.pop();
                }
            }
        }
        if lines {
            self.out.push('\n');
            self.pad(indent);
        }
        self.out.push(if map { '}' } else { ']' });
        Ok(())
    }

    fn flow_member(&mut self, id: Id, indent: usize, depth: usize, simple: bool) -> Res<()> {
        let node = self.tree.n(id);
        if node.kind == Kind::Scalar {
            let properties = self.properties(node);
            self.out.push_str(properties.trim_start());
            if !properties.is_empty() {
                self.out.push(' ');
            }
            let text = scalar(node, self.style(node), indent, self.form.indent, simple, true);
            self.out.push_str(&text);
            return Ok(());
        }
        if matches!(node.kind, Kind::Map | Kind::Seq) {
            let properties = self.properties(node);
            self.out.push_str(properties.trim_start());
            if !properties.is_empty() {
                self.out.push(' ');
            }
            return self.flow(id, indent, depth + 1);
        }
        self.inline(id, indent, depth + 1, simple)?;
        if simple && node.kind == Kind::Alias {
            self.out.push(' ');
        }
        Ok(())
    }
}

/// What a text allows.
struct Look {
    special: bool,
    breaks: bool,
    spaces: bool,
    tabs: bool,
    plain: bool,
    flow_plain: bool,
    trailing: bool,
}

fn look(text: &str) -> Look {
    let mut look = Look {
        special: false,
        breaks: text.contains(['\n', '\r']),
        spaces: text.starts_with(' ') || text.ends_with(' ') || text.contains(" \n"),
        tabs: text.contains('\t'),
        plain: !(text.starts_with("---") || text.starts_with("...")),
        flow_plain: true,
        trailing: text.ends_with(' '),
    };
    look.special = text.chars().any(|letter| letter != '\n' && letter != '\t' && !is_printable(letter));
    let first = text.chars().next().unwrap_or(' ');
    let second_blank = text.chars().nth(1).is_none_or(|letter| letter.is_whitespace());
    match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
            look.plain = false;
        }
        '-' | '?' | ':' if second_blank => look.plain = false,
        '?' | ':' => look.flow_plain = false,
        _ => {}
    }
    if text.contains(": ") || text.ends_with(':') || text.contains(" #") || text.contains(":\n") {
        look.plain = false;
    }
    if text.contains([',', '?', '[', ']', '{', '}']) || text.contains(':') && !text.contains("://") {
        look.flow_plain =
            !text.contains([',', '?', '[', ']', '{', '}']) && look.flow_plain && !text.starts_with(':');
    }
    if look.special || look.breaks || look.spaces || look.tabs {
        look.plain = false;
    }
    look.flow_plain &= look.plain;
    look
}

fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && !matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}')
        || letter == '\u{85}'
}

fn scalar(node: &Node, how: u8, indent: usize, step: usize, simple: bool, flow: bool) -> String {
    let text = &*node.value;
    let look = look(text);
    let must_quote = &*node.tag == "!!str" && resolve(text) != "!!str" && node.style & style::TAGGED == 0;
    let block_allowed = !simple && !flow && !look.special && !look.trailing && !text.is_empty();
    let single_allowed = !(look.special || look.tabs || look.breaks && simple || text.contains(" \n"));
    if how & style::DOUBLE != 0 {
        return double(text);
    }
    if how & style::SINGLE != 0 {
        return if single_allowed { single(text, indent + step) } else { double(text) };
    }
    if how & style::LITERAL != 0 || how & style::FOLDED == 0 && text.contains('\n') {
        return if block_allowed { literal(text, indent + step, step) } else { double(text) };
    }
    if how & style::FOLDED != 0 {
        return if block_allowed { folded(text, indent + step, step) } else { double(text) };
    }
    if must_quote {
        return double(text);
    }
    let plain = if flow || simple { look.flow_plain || !flow && look.plain } else { look.plain };
    if text.is_empty() {
        return if &*node.tag == "!!str" { double(text) } else { String::new() };
    }
    if plain {
        text.to_owned()
    } else if single_allowed {
        single(text, indent + step)
    } else {
        double(text)
    }
}

fn single(text: &str, indent: usize) -> String {
    let mut out = String::from("'");
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
            if index == 1 {
                out.push('\n');
            }
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', indent));
            }
        }
        out.push_str(&line.replace('\'', "''"));
    }
    out.push('\'');
    out
}

/// A text in double quotes.
pub(super) fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\x1b' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            letter if is_printable(letter) => out.push(letter),
            letter if (letter as u32) < 0x100 => out.push_str(&format!("\\x{:02X}", letter as u32)),
            letter if (letter as u32) < 0x10000 => out.push_str(&format!("\\u{:04X}", letter as u32)),
            letter => out.push_str(&format!("\\U{:08X}", letter as u32)),
        }
    }
    out.push('"');
    out
}

/// The sign of a block scalar, with what tells its indentation and its end.
fn sign(text: &str, sign: char, step: usize) -> String {
    let mut out = String::from(sign);
    if text.starts_with([' ', '\n', '\t']) {
        out.push_str(&step.to_string());
    }
    if !text.ends_with('\n') {
        out.push('-');
    } else if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    }
    out
}

fn literal(text: &str, indent: usize, step: usize) -> String {
    let mut out = sign(text, '|', step);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out
}

fn folded(text: &str, indent: usize, step: usize) -> String {
    let mut out = sign(text, '>', step);
    let mut last_indented = true;
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        let indented = line.starts_with([' ', '\t']);
        if !line.is_empty() {
            // A line break between two lines of text is written as an empty line.
            if !last_indented && !indented {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
            last_indented = indented;
        }
    }
    out
}
