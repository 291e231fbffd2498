//! YAML texts into nodes, on `granit-parser`: its events make the tree, its comments are given to the nodes beside,
//! below or above them as go-yaml does.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span, StructureStyle, Tag};

use super::node::{Fault, Id, Key, Kind, Res, Tree, style};
use super::scalars::resolve;

/// A text of YAML, read document by document.
pub(super) struct Yaml {
    /// Roots of documents that are not taken yet, last first.
    ready: Vec<Id>,
}

/// Comments, separators and empty lines at the beginning of a text.
fn leading(text: &str) -> usize {
    let mut end = 0;
    let mut separators = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        let separator = line.trim_end() == "---";
        separators += usize::from(separator);
        // A second separator ends an empty document.
        if separators > 1
            || !(trimmed.is_empty() || trimmed.starts_with('#') || separator || line.starts_with("%YAML"))
        {
            break;
        }
        end += line.len();
    }
    end
}

struct Comment {
    text: String,
    offset: usize,
    line: usize,
    last: usize,
    column: usize,
    beside: bool,
}

/// A node that a comment can stand above.
struct Entry {
    offset: usize,
    line: usize,
    column: usize,
    id: Id,
}

/// The end of a key, scalar or flow collection.
struct End {
    offset: usize,
    line: usize,
    id: Id,
}

#[derive(Default)]
struct Document {
    comments: Vec<Comment>,
    entries: Vec<Entry>,
    ends: Vec<End>,
}

struct Builder<'t> {
    tree: &'t mut Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    names: HashMap<usize, String>,
    document: Document,
    root: Option<Id>,
}

struct Open {
    id: Id,
    key: Option<Id>,
    column: usize,
}

impl Yaml {
    /// Reads a whole text; `doc` counts the documents of this and earlier texts.
    pub(super) fn new(
        tree: &mut Tree,
        text: &str,
        file: u32,
        doc: &mut u32,
        keep_leading: bool,
    ) -> Res<Yaml> {
        let head = if keep_leading { leading(text) } else { 0 };
        let mut ready = Vec::new();
        let mut builder = Builder {
            tree,
            open: Vec::new(),
            anchors: HashMap::new(),
            names: HashMap::new(),
            document: Document::default(),
            root: None,
        };
        let options =
            granit_parser::options! { emit_anchor_events: true, max_buffered_comment_events: 1 << 20 };
        let mut last_node: Option<Id> = None;
        let mut stray: Vec<Comment> = Vec::new();
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| {
                let place = error.marker();
                Fault(format!("yaml: line {}: {}", place.line(), error.info()))
            })?;
            builder.tree.check()?;
            match event {
                Event::Comment(_, placement) => {
                    let offset = byte(&span, true);
                    if offset < head {
                        continue;
                    }
                    let comment = Comment {
                        text: span.slice(text).unwrap_or_default().trim_end().to_owned(),
                        offset,
                        line: span.start.line(),
                        last: span.start.line(),
                        column: span.start.col(),
                        beside: placement == Placement::Right && builder.is_beside(text, offset),
                    };
                    if builder.root.is_some() || !builder.open.is_empty() || ready.is_empty() {
                        builder.document.comments.push(comment);
                    } else {
                        stray.push(comment);
                    }
                }
                Event::DocumentStart(..) => {
                    builder.anchors.clear();
                    // Comments before the first node may be told before the document.
                    let before = byte(&span, true);
                    let (old, new): (Vec<_>, Vec<_>) =
                        stray.drain(..).partition(|comment| comment.offset < before);
                    if let Some(root) = ready.last().copied() {
                        let text = join(&old);
                        append(&mut builder.tree.m(root).foot, &text);
                    }
                    builder.document.comments.extend(new);
                }
                Event::DocumentEnd => {
                    let root = match builder.root.take() {
                        Some(root) => root,
                        None => builder.tree.scalar("!!null", ""),
                    };
                    let document = std::mem::take(&mut builder.document);
                    attach(builder.tree, root, document);
                    ready.push(root);
                }
                Event::Anchor(id, name) => {
                    builder.names.insert(id, name.to_string());
                    if let Some(node) = last_node {
                        builder.tree.m(node).anchor = Some(Rc::from(&*name));
                    }
                }
                Event::Alias(id) => {
                    let name = span.slice(text).unwrap_or_default().trim_start_matches('*').to_owned();
                    let target = builder.anchors.get(&id).copied();
                    let node = builder.tree.alias(&name, target);
                    builder.place(node, &span);
                    builder.end(node, &span);
                }
                Event::Scalar(value, how, anchor, tag) => {
                    let quoting = match how {
                        ScalarStyle::SingleQuoted => style::SINGLE,
                        ScalarStyle::DoubleQuoted => style::DOUBLE,
                        ScalarStyle::Literal => style::LITERAL,
                        ScalarStyle::Folded => style::FOLDED,
                        _ => 0,
                    };
                    // A value that is not there is told as `~`.
                    let value = if quoting == 0 && byte(&span, true) == byte(&span, false) {
                        "".into()
                    } else {
                        value
                    };
                    let plain = if quoting == 0 { resolve(&value) } else { "!!str" };
                    let node = builder.tree.scalar(plain, &*value);
                    builder.tree.m(node).style = quoting;
                    builder.describe(node, anchor, tag.as_deref());
                    builder.place(node, &span);
                    builder.end(node, &span);
                    last_node = Some(node);
                }
                Event::SequenceStart(how, anchor, tag) => {
                    let node = builder.tree.seq();
                    builder.open(node, how, anchor, tag.as_deref(), &span);
                    last_node = Some(node);
                }
                Event::MappingStart(how, anchor, tag) => {
                    let node = builder.tree.map();
                    builder.open(node, how, anchor, tag.as_deref(), &span);
                    last_node = Some(node);
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some(open) = builder.open.pop()
                        && builder.tree.n(open.id).style & style::FLOW != 0
                    {
                        builder.end(open.id, &span);
                    }
                }
                _ => {}
            }
        }
        if let Some(root) = ready.last().copied() {
            let text = join(&stray);
            append(&mut builder.tree.m(root).foot, &text);
        }
        if ready.is_empty() && text.get(..head).is_some_and(|text| text.contains('#')) {
            ready.push(builder.tree.scalar("!!null", ""));
        }
        if let Some(root) = ready.first().copied()
            && head > 0
        {
            tree.m(root).leading = text.get(..head).map(Rc::from);
        }
        for root in &ready {
            number(tree, *root, file, *doc)?;
            *doc += 1;
        }
        ready.reverse();
        Ok(Yaml { ready })
    }

    /// The next document.
    pub(super) fn next(&mut self) -> Option<Id> {
        self.ready.pop()
    }
}

/// Tells all nodes which document they are in.
pub(super) fn number(tree: &mut Tree, root: Id, file: u32, doc: u32) -> Res<()> {
    let mut list = vec![root];
    while let Some(id) = list.pop() {
        let node = tree.m(id);
        (node.file, node.doc) = (file, doc);
        list.extend_from_slice(&node.content);
    }
    Ok(())
}

fn byte(span: &Span, start: bool) -> usize {
    let marker = if start { span.start } else { span.end };
    marker.byte_offset().unwrap_or_else(|| marker.index())
}

fn append(to: &mut Option<Rc<str>>, text: &str) {
    if text.is_empty() {
        return;
    }
    *to = Some(match to {
        Some(old) => Rc::from(format!("{old}\n\n{text}")),
        None => Rc::from(text),
    });
}

fn join(comments: &[Comment]) -> String {
    comments.iter().map(|comment| comment.text.as_str()).collect::<Vec<_>>().join("\n")
}

impl Builder<'_> {
    /// Whether there is something before a comment on its line.
    fn is_beside(&self, text: &str, offset: usize) -> bool {
        let before = text.get(..offset).unwrap_or_default();
        !before.rsplit('\n').next().unwrap_or_default().trim().is_empty()
    }

    fn describe(&mut self, id: Id, anchor: usize, tag: Option<&Tag>) {
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let Some(tag) = tag else { return };
        let node = self.tree.m(id);
        let name = match tag.core_suffix() {
            Some(suffix) => format!("!!{suffix}"),
            None => format!("{}{}", tag.original_handle(), tag.suffix()),
        };
        if name == "!" {
            node.tag = Rc::from("!!str");
            return;
        }
        node.tag = Rc::from(name);
        node.style |= style::TAGGED;
    }

    fn open(&mut self, id: Id, how: StructureStyle, anchor: usize, tag: Option<&Tag>, span: &Span) {
        if how == StructureStyle::Flow {
            self.tree.m(id).style |= style::FLOW;
        }
        self.describe(id, anchor, tag);
        self.place(id, span);
        self.open.push(Open { id, key: None, column: span.start.col() });
    }

    /// Puts a node where it belongs.
    fn place(&mut self, id: Id, span: &Span) {
        let (line, column, offset) = (span.start.line(), span.start.col(), byte(span, true));
        let node = self.tree.m(id);
        (node.line, node.column) = (line as u32, column as u32 + 1);
        let entry = |column| Entry { offset, line, column, id };
        match self.open.last_mut() {
            None => {
                self.root = Some(id);
                if !matches!(self.tree.n(id).kind, Kind::Map | Kind::Seq) {
                    self.document.entries.push(entry(0));
                }
            }
            Some(open) if self.tree.n(open.id).kind == Kind::Map => match open.key.take() {
                None => {
                    open.key = Some(id);
                    self.tree.m(id).is_key = true;
                    self.document.entries.push(entry(column));
                }
                Some(key) => self.tree.put(open.id, key, id),
            },
            Some(open) => {
                let (parent, column) = (open.id, open.column);
                self.tree.push(parent, id);
                self.document.entries.push(entry(column));
            }
        }
    }

    fn end(&mut self, id: Id, span: &Span) {
        let block = self.tree.n(id).style & (style::LITERAL | style::FOLDED) != 0;
        // The span of a block scalar goes on to the next token.
        let line = if block {
            let lines = self.tree.n(id).value.trim_end_matches('\n').matches('\n').count();
            span.start.line() + lines + 1
        } else {
            span.end.line()
        };
        self.document.ends.push(End { offset: byte(span, false), line, id });
    }
}

/// Gives the comments of a document to its nodes.
fn attach(tree: &mut Tree, root: Id, document: Document) {
    let Document { comments, entries, ends } = document;
    let mut groups: Vec<Comment> = Vec::new();
    for comment in comments {
        if comment.beside {
            beside(tree, &ends, comment);
            continue;
        }
        match groups.last_mut() {
            Some(group) if group.last + 1 == comment.line && group.column == comment.column => {
                group.text.push('\n');
                group.text.push_str(&comment.text);
                group.last = comment.line;
            }
            _ => groups.push(comment),
        }
    }
    for group in groups {
        let at = entries.partition_point(|entry| entry.offset <= group.offset);
        let next = entries.get(at);
        let before = entries.get(..at).unwrap_or_default();
        let content_end = ends
            .get(..ends.partition_point(|end| end.offset <= group.offset))
            .and_then(|ends| ends.iter().rev().map(|end| end.line).max());
        let touches = content_end.is_some_and(|line| line + 1 >= group.line);
        let same = before.iter().rev().find(|entry| entry.column <= group.column);
        match next {
            Some(next) if next.column >= group.column => {
                let gap = group.last + 1 < next.line;
                if before.is_empty() && gap {
                    append(&mut tree.m(root).head, &group.text);
                } else if let Some(same) = same.filter(|same| touches && gap && same.column == group.column) {
                    append(&mut tree.m(same.id).foot, &group.text);
                } else {
                    append(&mut tree.m(next.id).head, &group.text);
                }
            }
            Some(_) => match same {
                Some(same) => append(&mut tree.m(same.id).foot, &group.text),
                None => append(&mut tree.m(root).foot, &group.text),
            },
            None => match same {
                Some(same) if touches && tree.n(same.id).parent.is_some() => {
                    append(&mut tree.m(same.id).foot, &group.text);
                }
                _ => append(&mut tree.m(root).foot, &group.text),
            },
        }
    }
}

fn beside(tree: &mut Tree, ends: &[End], comment: Comment) {
    let at = ends.partition_point(|end| end.offset <= comment.offset);
    let before = at.checked_sub(1).and_then(|at| ends.get(at)).filter(|end| end.line == comment.line);
    let target = match (before, ends.get(at)) {
        // `key: | # a comment`
        (Some(end), Some(next))
            if tree.n(next.id).key == Key::Node(end.id)
                && tree.n(next.id).style & (style::LITERAL | style::FOLDED) != 0 =>
        {
            next.id
        }
        (Some(end), _) => end.id,
        (None, Some(next)) => {
            append(&mut tree.m(next.id).head, &comment.text);
            return;
        }
        (None, None) => return,
    };
    append(&mut tree.m(target).side, &comment.text);
}
