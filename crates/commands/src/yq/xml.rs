//! XML, on `quick-xml`: elements are maps, or texts where they have nothing but text; attributes, contents, processing
//! instructions and directives are entries with names of their own; elements of one name are a sequence.

use std::rc::Rc;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::node::{Fault, Id, Key, Kind, MAX_DEPTH, Res, Tree, fault, too_deep};

/// What entries that are no elements are called, and what is read.
#[derive(Debug, Clone)]
pub(super) struct Names {
    pub(super) attribute: String,
    pub(super) content: String,
    pub(super) directive: String,
    pub(super) instruction: String,
    pub(super) strict: bool,
    pub(super) keep_namespace: bool,
    pub(super) skip_instructions: bool,
    pub(super) skip_directives: bool,
}

struct Element {
    name: String,
    map: Id,
    texts: Vec<String>,
    /// Comments that no child has taken.
    comments: Vec<String>,
    /// Comments after a text.
    side: Vec<String>,
    /// The key of the child that was read last.
    last: Option<Id>,
    attributes: usize,
}

impl Element {
    fn new(tree: &mut Tree, name: String) -> Element {
        let map = tree.map();
        Element {
            name,
            map,
            texts: Vec::new(),
            comments: Vec::new(),
            side: Vec::new(),
            last: None,
            attributes: 0,
        }
    }
}

/// A text with the references that XML itself knows put in.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let end = rest.find(';').filter(|end| *end < 12);
        let name = end.and_then(|end| rest.get(1..end)).unwrap_or_default();
        match entity(name) {
            Some(letter) => {
                out.push(letter);
                rest = rest.get(name.len() + 2..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

pub(super) fn decode(tree: &mut Tree, text: &str, names: &Names) -> Res {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = names.strict;
    config.allow_unmatched_ends = !names.strict;
    config.allow_dangling_amp = true;
    let mut stack = vec![Element::new(tree, String::new())];
    let mut chunk = String::new();
    loop {
        tree.check()?;
        let event = reader.read_event().map_err(|error| {
            let before = text.get(..reader.buffer_position() as usize).unwrap_or(text);
            Fault(format!("xml: line {}: {error}", before.matches('\n').count() + 1))
        })?;
        // The pieces of one text come one by one.
        match &event {
            Event::Text(part) => {
                chunk.push_str(part);
                continue;
            }
            Event::GeneralRef(part) => {
                chunk.push_str(&format!("&{};", &**part));
                continue;
            }
            _ => {}
        }
        let Some(element) = stack.last_mut() else { break };
        let whole = unescape(chunk.trim());
        chunk.clear();
        if !whole.is_empty() && stack_depth(element) {
            element.texts.push(whole);
        }
        match event {
            Event::Start(start) => {
                if stack.len() > MAX_DEPTH {
                    return Err(too_deep());
                }
                let element = begin(tree, &start, names);
                stack.push(element);
            }
            Event::Empty(start) => {
                let element = begin(tree, &start, names);
                end(tree, &mut stack, element, names);
            }
            Event::End(_) => {
                if stack.len() > 1
                    && let Some(element) = stack.pop()
                {
                    end(tree, &mut stack, element, names);
                }
            }
            Event::CData(part) => element.texts.push(part.to_string()),
            Event::Comment(part) => {
                let text = part.to_string();
                let lines: Vec<String> =
                    text.trim().lines().map(|line| format!("# {}", line.trim_start())).collect();
                let text = lines.join("\n");
                if element.texts.is_empty() || element.last.is_some() {
                    element.comments.push(text)
                } else {
                    element.side.push(text)
                }
            }
            Event::Decl(part) if !names.skip_instructions => {
                let text = part.to_string();
                let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
                instruction(tree, element, name, rest, names);
            }
            Event::PI(part) if !names.skip_instructions => {
                let text = part.to_string();
                let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
                instruction(tree, element, name, rest, names);
            }
            Event::DocType(part) if !names.skip_directives => {
                let value = tree.string(format!("DOCTYPE {}", part.trim_start()));
                tree.put_named(element.map, &names.directive, value);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if stack.len() > 1 {
        return fault("xml: unexpected EOF");
    }
    let Some(root) = stack.pop() else { return Ok(tree.map()) };
    let map = root.map;
    finish(tree, root);
    if tree.n(map).content.is_empty() {
        return Ok(tree.null());
    }
    Ok(map)
}

/// Texts outside of all elements are not kept.
fn stack_depth(element: &Element) -> bool {
    !element.name.is_empty()
}

fn instruction(tree: &mut Tree, element: &mut Element, name: &str, rest: &str, names: &Names) {
    let value = tree.string(rest.trim());
    tree.put_named(element.map, &format!("{}{name}", names.instruction), value);
}

fn begin(tree: &mut Tree, start: &BytesStart<'_>, names: &Names) -> Element {
    let local = |name: &str| {
        if names.keep_namespace {
            name.to_owned()
        } else {
            name.rsplit(':').next().unwrap_or(name).to_owned()
        }
    };
    let mut element = Element::new(tree, local(start.name().as_ref()));
    for attribute in start.html_attributes().with_checks(false).flatten() {
        let value = tree.string(unescape(&attribute.value));
        let name = local(attribute.key.as_ref());
        tree.put_named(element.map, &format!("{}{name}", names.attribute), value);
        element.attributes += 1;
    }
    element
}

/// Gives the last comments of an element to its last child.
fn finish(tree: &mut Tree, element: Element) {
    if let Some(last) = element.last.filter(|_| !element.comments.is_empty()) {
        tree.m(last).foot = Some(Rc::from(element.comments.join("\n")));
    }
}

fn end(tree: &mut Tree, stack: &mut [Element], mut element: Element, names: &Names) {
    let Some(parent) = stack.last_mut() else { return };
    let texts = std::mem::take(&mut element.texts);
    let side = std::mem::take(&mut element.side);
    let content = match texts.as_slice() {
        [] => None,
        [one] => Some(tree.string(one.as_str())),
        several => {
            let seq = tree.seq();
            for text in several {
                let text = tree.string(text.as_str());
                tree.push(seq, text);
            }
            Some(seq)
        }
    };
    let is_empty = tree.n(element.map).content.is_empty();
    let mut above = std::mem::take(&mut parent.comments);
    let value = match content {
        None if is_empty => tree.scalar("!!null", ""),
        None => element.map,
        Some(content) if is_empty => {
            above.append(&mut element.comments);
            content
        }
        Some(content) => {
            // The content stands before all other entries.
            let key = tree.string(names.content.as_str());
            let mut entries = vec![key, content];
            entries.extend_from_slice(&tree.n(element.map).content);
            tree.set_content(element.map, entries);
            if !side.is_empty() {
                tree.m(key).side = Some(Rc::from(side.join(" ")));
            }
            element.map
        }
    };
    if value != element.map && !side.is_empty() {
        tree.m(value).side = Some(Rc::from(side.join("\n")));
    }
    let name = std::mem::take(&mut element.name);
    finish(tree, element);
    let head = (!above.is_empty()).then(|| Rc::from(above.join("\n")));
    match tree.get(parent.map, &name) {
        Some(old) if tree.n(old).kind == Kind::Seq => {
            tree.m(value).head = head;
            tree.push(old, value);
            parent.last = Some(value);
        }
        Some(old) => {
            let seq = tree.seq();
            tree.m(value).head = head;
            let content: Vec<Id> =
                tree.n(parent.map).content.iter().map(|id| if *id == old { seq } else { *id }).collect();
            tree.push(seq, old);
            tree.push(seq, value);
            tree.set_content(parent.map, content);
            parent.last = Some(value);
        }
        None => {
            let key = tree.string(name);
            tree.m(key).head = head;
            tree.put(parent.map, key, value);
            parent.last = Some(key);
        }
    }
}

struct Writer<'t> {
    tree: &'t Tree,
    names: &'t Names,
    indent: usize,
    limit: usize,
    out: String,
}

pub(super) fn encode(tree: &Tree, id: Id, names: &Names, indent: usize, limit: usize) -> Res<String> {
    let mut writer = Writer { tree, names, indent, limit, out: String::new() };
    tree.visit(0)?;
    let real = tree.real(id);
    let node = tree.n(real);
    match node.kind {
        Kind::Map => {
            if let Some(leading) = node.leading.as_deref().or(node.head.as_deref()) {
                writer.comment(leading);
                if !writer.out.is_empty() {
                    writer.out.push('\n');
                }
            }
            for (key, value) in tree.entries(real) {
                let name = &*tree.n(key).value;
                if let Some(head) = tree.n(key).head.as_deref() {
                    writer.comment(head);
                    writer.out.push('\n');
                }
                if let Some(target) = name.strip_prefix(&*names.instruction) {
                    writer.out.push_str(&format!("<?{target} {}?>\n", tree.n(value).value));
                } else if *name == names.directive {
                    writer.out.push_str(&format!("<!{}>\n", tree.n(value).value));
                } else {
                    if let Some(side) = tree.n(key).side.as_deref() {
                        writer.comment(side);
                        writer.out.push('\n');
                    }
                    writer.element(name, value, 0)?;
                    if let Some(foot) = tree.n(key).foot.as_deref() {
                        writer.comment(foot);
                    }
                    if !writer.out.ends_with('\n') {
                        writer.out.push('\n');
                    }
                }
            }
            if let Some(foot) = node.foot.as_deref() {
                writer.out.truncate(writer.out.trim_end_matches('\n').len());
                writer.comment(foot);
                writer.out.push('\n');
            }
        }
        Kind::Scalar => {
            let text = Rc::clone(&node.value);
            writer.escape(&text, false);
            writer.out.push('\n');
        }
        _ => {
            return fault(format!("cannot encode {} to XML - only maps can be encoded", tree.core_tag(real)));
        }
    }
    Ok(writer.out)
}

impl Writer<'_> {
    fn escape(&mut self, text: &str, attribute: bool) {
        for letter in text.chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&#34;"),
                '\'' => self.out.push_str("&#39;"),
                '\t' => self.out.push_str("&#x9;"),
                '\r' => self.out.push_str("&#xD;"),
                '\n' if attribute => self.out.push_str("&#xA;"),
                letter => self.out.push(letter),
            }
        }
    }

    fn comment(&mut self, text: &str) {
        let lines: Vec<&str> = text
            .split('\n')
            .map(|line| {
                let line = line.trim_start();
                let line = line.strip_prefix('#').unwrap_or(line);
                line.strip_prefix(' ').unwrap_or(line)
            })
            .collect();
        let text = lines.join("\n").replace("--", "- -");
        let text = text.trim_end_matches([' ']);
        if text.trim().is_empty() {
            return;
        }
        let text = text.trim_end_matches('\n');
        if text.starts_with('\n') {
            self.out.push_str(&format!("<!--{text}\n-->"));
        } else {
            self.out.push_str(&format!("<!-- {text} -->"));
        }
    }

    fn line(&mut self, depth: usize) {
        if self.indent > 0 {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', depth * self.indent));
        }
    }

    fn element(&mut self, name: &str, id: Id, depth: usize) -> Res<()> {
        self.tree.visit(depth + 1)?;
        if self.out.len() > self.limit {
            return fault("cannot allocate memory");
        }
        let real = self.tree.real(id);
        let node = self.tree.n(real);
        match node.kind {
            Kind::Seq => {
                for (index, member) in node.content.iter().enumerate() {
                    if index > 0 {
                        self.line(depth);
                    }
                    self.element(name, *member, depth)?;
                }
                return Ok(());
            }
            Kind::Map => {}
            _ => {
                self.out.push_str(&format!("<{name}>"));
                if let (Some(head), Key::Index(_)) = (node.head.as_deref(), node.key) {
                    self.comment(head);
                }
                if !self.tree.is_null(real) {
                    self.escape(&node.value, false);
                }
                if let Some(side) = node.side.as_deref() {
                    self.comment(side);
                }
                self.out.push_str(&format!("</{name}>"));
                return Ok(());
            }
        }
        self.out.push('<');
        self.out.push_str(name);
        let names = self.names;
        let entries = self.tree.entries(real);
        let is_attribute = |key: &str| {
            key.starts_with(&*names.attribute)
                && key != names.content
                && key != names.directive
                && !key.starts_with(&*names.instruction)
        };
        for (key, value) in &entries {
            let key = &*self.tree.n(*key).value;
            if is_attribute(key) {
                let value = self.tree.n(self.tree.real(*value));
                if value.kind != Kind::Scalar {
                    return fault(format!(
                        "cannot use {} as attribute, only scalars are supported",
                        self.tree.core_tag(real)
                    ));
                }
                self.out.push_str(&format!(" {}=\"", key.get(names.attribute.len()..).unwrap_or_default()));
                self.escape(&value.value, true);
                self.out.push('"');
            }
        }
        self.out.push('>');
        let mut children = false;
        for (key, value) in &entries {
            let node = self.tree.n(*key);
            let key = &*node.value;
            if is_attribute(key) {
                continue;
            }
            if let Some(head) = node.head.as_deref() {
                self.comment(head);
            }
            if let Some(target) = key.strip_prefix(&*names.instruction) {
                self.out.push_str(&format!("<?{target} {}?>", self.tree.n(*value).value));
            } else if key == names.directive {
                self.out.push_str(&format!("<!{}>", self.tree.n(*value).value));
            } else if key == names.content {
                let value = self.tree.n(self.tree.real(*value));
                let parts = if value.kind == Kind::Seq { value.content.clone() } else { Vec::new() };
                let text = Rc::clone(&value.value);
                if let Some(side) = node.side.as_deref() {
                    self.comment(side);
                }
                self.escape(&text, false);
                for part in parts {
                    let text = Rc::clone(&self.tree.n(part).value);
                    self.escape(&text, false);
                }
            } else {
                if let Some(side) = node.side.as_deref() {
                    self.comment(side);
                }
                children = true;
                self.line(depth + 1);
                self.element(key, *value, depth + 1)?;
            }
            if let Some(foot) = node.foot.as_deref() {
                self.comment(foot);
            }
        }
        if children {
            self.line(depth);
        }
        self.out.push_str(&format!("</{name}>"));
        Ok(())
    }
}
