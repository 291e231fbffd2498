//! The nodes of a document with all that is told of them (comments, styles, anchors, places), in an arena, so that an
//! operator can hold a node, ask for its parent and change it where it is.

use std::cell::Cell;
use std::rc::Rc;

use super::scalars::{number, resolve};

/// A node's place in the arena.
pub(super) type Id = u32;

/// Nesting that is followed in documents and results.
pub(super) const MAX_DEPTH: usize = 600;

/// Nodes that one walk visits, those behind aliases as often as they are met.
const MAX_VISITS: usize = 4_000_000;

/// Why an expression, or a text, cannot be taken.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Fault(pub(super) String);

pub(super) fn fault<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(message.into()))
}

pub(super) fn too_deep() -> Fault {
    Fault(format!("nested more than {MAX_DEPTH} levels deep"))
}

pub(super) type Res<T = Id> = Result<T, Fault>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Map,
    Seq,
    Scalar,
    Alias,
}

/// How a node is written; several at once.
pub(super) mod style {
    pub(in super::super) const TAGGED: u8 = 1;
    pub(in super::super) const DOUBLE: u8 = 2;
    pub(in super::super) const SINGLE: u8 = 4;
    pub(in super::super) const LITERAL: u8 = 8;
    pub(in super::super) const FOLDED: u8 = 16;
    pub(in super::super) const FLOW: u8 = 32;
    /// An inline table of TOML; YAML does not show it.
    pub(in super::super) const INLINE: u8 = 64;
    pub(in super::super) const QUOTED: u8 = DOUBLE | SINGLE | LITERAL | FOLDED;
}

/// Where a node is in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    None,
    /// The node that is its key in a map.
    Node(Id),
    Index(u32),
}

#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) style: u8,
    /// A key of a map.
    pub(super) is_key: bool,
    /// The root of a document that is evaluated together with others.
    pub(super) together: bool,
    pub(super) tag: Rc<str>,
    /// A scalar's text; the name that an alias has.
    pub(super) value: Rc<str>,
    pub(super) anchor: Option<Rc<str>>,
    /// Comments above, beside and below, with their `#`.
    pub(super) head: Option<Rc<str>>,
    pub(super) side: Option<Rc<str>>,
    pub(super) foot: Option<Rc<str>>,
    /// What is written before a document, as it was: comments, separators, empty lines.
    pub(super) leading: Option<Rc<str>>,
    /// Members of a sequence; keys and values of a map in turn.
    pub(super) content: Vec<Id>,
    /// What an alias stands for.
    pub(super) target: Option<Id>,
    pub(super) parent: Option<Id>,
    pub(super) key: Key,
    pub(super) doc: u32,
    pub(super) file: u32,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Node {
    fn new(kind: Kind, tag: &'static str) -> Node {
        Node {
            kind,
            style: 0,
            is_key: false,
            together: false,
            tag: Rc::from(tag),
            value: Rc::from(""),
            anchor: None,
            head: None,
            side: None,
            foot: None,
            leading: None,
            content: Vec::new(),
            target: None,
            parent: None,
            key: Key::None,
            doc: 0,
            file: 0,
            line: 0,
            column: 0,
        }
    }
}

/// All nodes there are.
pub(super) struct Tree {
    nodes: Vec<Node>,
    spare: Node,
    bytes: usize,
    ceiling: usize,
    /// Nodes visited in one walk that follows aliases.
    visits: Cell<usize>,
}

impl Tree {
    /// `ceiling`: bytes that the nodes may take.
    pub(super) fn new(ceiling: usize) -> Tree {
        Tree {
            nodes: Vec::new(),
            spare: Node::new(Kind::Scalar, "!!null"),
            bytes: 0,
            ceiling,
            visits: Cell::new(0),
        }
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.bytes = 0;
    }

    /// Whether there is room for more.
    pub(super) fn check(&self) -> Res<()> {
        if self.bytes > self.ceiling { fault("cannot allocate memory") } else { Ok(()) }
    }

    /// One more node of a walk that follows aliases; at depth 0 the walk begins.
    pub(super) fn visit(&self, depth: usize) -> Res<()> {
        let visits = if depth == 0 { 0 } else { self.visits.get() + 1 };
        self.visits.set(visits);
        match visits {
            _ if depth > MAX_DEPTH => Err(too_deep()),
            MAX_VISITS.. => fault("document contains excessive aliasing"),
            _ => Ok(()),
        }
    }

    /// There is more than there is room for: the next check tells.
    pub(super) fn exhaust(&mut self) {
        self.bytes = usize::MAX / 2;
    }

    pub(super) fn n(&self, id: Id) -> &Node {
        self.nodes.get(id as usize).unwrap_or(&self.spare)
    }

    pub(super) fn m(&mut self, id: Id) -> &mut Node {
        self.nodes.get_mut(id as usize).unwrap_or(&mut self.spare)
    }

    pub(super) fn add(&mut self, node: Node) -> Id {
        self.bytes += size_of::<Node>() + node.value.len() + 8 * node.content.len();
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    pub(super) fn scalar(&mut self, tag: &'static str, value: impl Into<Rc<str>>) -> Id {
        let mut node = Node::new(Kind::Scalar, tag);
        node.value = value.into();
        self.add(node)
    }

    pub(super) fn string(&mut self, value: impl Into<Rc<str>>) -> Id {
        self.scalar("!!str", value)
    }

    pub(super) fn boolean(&mut self, value: bool) -> Id {
        self.scalar("!!bool", if value { "true" } else { "false" })
    }

    pub(super) fn int(&mut self, value: i64) -> Id {
        self.scalar("!!int", value.to_string())
    }

    pub(super) fn null(&mut self) -> Id {
        self.scalar("!!null", "null")
    }

    /// A scalar of the type that its text looks like.
    pub(super) fn guess(&mut self, value: &str) -> Id {
        self.scalar(resolve(value), value)
    }

    pub(super) fn map(&mut self) -> Id {
        self.add(Node::new(Kind::Map, "!!map"))
    }

    pub(super) fn seq(&mut self) -> Id {
        self.add(Node::new(Kind::Seq, "!!seq"))
    }

    pub(super) fn alias(&mut self, name: &str, target: Option<Id>) -> Id {
        let mut node = Node::new(Kind::Alias, "");
        (node.value, node.target) = (Rc::from(name), target);
        self.add(node)
    }

    /// Takes a member into a sequence, at its end.
    pub(super) fn push(&mut self, seq: Id, member: Id) {
        let index = self.n(seq).content.len() as u32;
        self.bytes += 8;
        self.m(seq).content.push(member);
        let node = self.m(member);
        (node.parent, node.key, node.is_key) = (Some(seq), Key::Index(index), false);
    }

    /// Takes an entry into a map, at its end.
    pub(super) fn put(&mut self, map: Id, key: Id, value: Id) {
        self.bytes += 16;
        self.m(map).content.extend([key, value]);
        self.join(map, key, value);
    }

    pub(super) fn join(&mut self, map: Id, key: Id, value: Id) {
        let node = self.m(key);
        (node.parent, node.is_key) = (Some(map), true);
        let node = self.m(value);
        (node.parent, node.key, node.is_key) = (Some(map), Key::Node(key), false);
    }

    pub(super) fn put_named(&mut self, map: Id, name: &str, value: Id) {
        let key = self.string(name);
        self.put(map, key, value);
    }

    /// The entries of a map.
    pub(super) fn entries(&self, map: Id) -> Vec<(Id, Id)> {
        self.n(map).content.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect()
    }

    /// The value of a name in a map itself.
    pub(super) fn get(&self, map: Id, name: &str) -> Option<Id> {
        self.entries(map).into_iter().find(|(key, _)| &*self.n(*key).value == name).map(|(_, value)| value)
    }

    /// The node itself, or what it is an alias of.
    pub(super) fn real(&self, mut id: Id) -> Id {
        for _ in 0..MAX_DEPTH {
            match (self.n(id).kind, self.n(id).target) {
                (Kind::Alias, Some(target)) => id = target,
                _ => break,
            }
        }
        id
    }

    /// A copy that belongs to nobody; it has the key of the first.
    pub(super) fn copy(&mut self, id: Id) -> Res {
        let copy = self.copy_at(id, 0)?;
        self.check()?;
        Ok(copy)
    }

    fn copy_at(&mut self, id: Id, depth: usize) -> Res {
        if depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let mut node = self.n(id).clone();
        let content = std::mem::take(&mut node.content);
        let kind = node.kind;
        let copy = self.add(node);
        self.check()?;
        self.fill(copy, kind, &content, depth)?;
        Ok(copy)
    }

    /// Fills a node with copies.
    fn fill(&mut self, target: Id, kind: Kind, content: &[Id], depth: usize) -> Res<()> {
        if kind == Kind::Map {
            for pair in content.chunks_exact(2) {
                if let [key, value] = pair {
                    let key = self.copy_at(*key, depth + 1)?;
                    let value = self.copy_at(*value, depth + 1)?;
                    self.put(target, key, value);
                }
            }
        } else {
            for member in content {
                let member = self.copy_at(*member, depth + 1)?;
                self.push(target, member);
            }
        }
        Ok(())
    }

    /// A node without members like another: its kind, style, place, comments.
    pub(super) fn shell(&mut self, id: Id) -> Id {
        let mut node = self.n(id).clone();
        node.content.clear();
        self.add(node)
    }

    /// Gives a node the value of another, as an assignment does: its place stays, and its style where it has one.
    pub(super) fn assign(&mut self, target: Id, from: Id, clobber: bool) -> Res<()> {
        if target == from {
            return Ok(());
        }
        let from = self.copy(from)?;
        let source = self.n(from).clone();
        let node = self.m(target);
        let custom = !node.tag.starts_with("!!") && !node.tag.is_empty();
        let kept = !clobber && custom;
        let changes = node.kind != source.kind || (node.tag != source.tag && node.kind == Kind::Scalar);
        if changes && !kept || node.style & style::QUOTED != 0 && source.value.contains('\n') {
            node.style = 0;
        }
        node.kind = source.kind;
        if !kept {
            node.tag = source.tag;
        }
        if node.style == 0 {
            node.style = source.style;
        }
        if source.anchor.is_some() {
            node.anchor = source.anchor;
        }
        for (mine, other) in
            [(&mut node.head, source.head), (&mut node.side, source.side), (&mut node.foot, source.foot)]
        {
            if other.is_some() {
                *mine = other;
            }
        }
        (node.value, node.target) = (source.value, source.target);
        node.content = source.content.clone();
        let content = source.content;
        self.adopt(target, &content);
        Ok(())
    }

    /// Makes a node the parent of its content.
    pub(super) fn adopt(&mut self, parent: Id, content: &[Id]) {
        if self.n(parent).kind == Kind::Map {
            for pair in content.chunks_exact(2) {
                if let [key, value] = pair {
                    self.join(parent, *key, *value);
                }
            }
        } else {
            for (index, member) in content.iter().enumerate() {
                let node = self.m(*member);
                (node.parent, node.key, node.is_key) = (Some(parent), Key::Index(index as u32), false);
            }
        }
    }

    /// Replaces a node's content.
    pub(super) fn set_content(&mut self, id: Id, content: Vec<Id>) {
        self.m(id).content.clone_from(&content);
        self.adopt(id, &content);
    }

    /// Takes a node out of its parent.
    pub(super) fn remove(&mut self, id: Id) {
        let Some(parent) = self.n(id).parent else { return };
        let mut content = self.n(parent).content.clone();
        let Some(at) = content.iter().position(|member| *member == id) else { return };
        if self.n(parent).kind == Kind::Map {
            let at = at & !1;
            content.drain(at..(at + 2).min(content.len()));
        } else {
            content.remove(at);
        }
        self.set_content(parent, content);
    }

    /// The key of a node in its parent, as a node.
    pub(super) fn key_node(&mut self, id: Id) -> Option<Id> {
        match self.n(id).key {
            _ if self.n(id).is_key => Some(id),
            Key::None => None,
            Key::Node(key) => Some(key),
            Key::Index(index) => Some(self.int(i64::from(index))),
        }
    }

    /// The keys from the root to a node.
    pub(super) fn path(&self, id: Id) -> Vec<Step> {
        let mut path = Vec::new();
        let mut at = id;
        while let Some(parent) = self.n(at).parent {
            match self.n(at).key {
                _ if self.n(at).is_key => path.push(Step::Key(at)),
                Key::Node(key) => path.push(Step::Key(key)),
                Key::Index(index) => path.push(Step::Index(index)),
                Key::None => break,
            }
            at = parent;
            if path.len() > MAX_DEPTH {
                break;
            }
        }
        path.reverse();
        path
    }

    /// The tag of a node's value: that of its text where it has one of its own.
    pub(super) fn core_tag(&self, id: Id) -> &str {
        let node = self.n(self.real(id));
        if node.tag.starts_with("!!") && !node.tag.is_empty() {
            return &node.tag;
        }
        match node.kind {
            Kind::Map => "!!map",
            Kind::Seq => "!!seq",
            _ if node.style & style::QUOTED != 0 => "!!str",
            _ => resolve(&node.value),
        }
    }

    pub(super) fn is_null(&self, id: Id) -> bool {
        let node = self.n(self.real(id));
        node.kind == Kind::Scalar && &*node.tag == "!!null"
    }

    pub(super) fn truthy(&self, id: Id) -> bool {
        let node = self.n(self.real(id));
        !(node.kind == Kind::Scalar
            && (&*node.tag == "!!null" || &*node.tag == "!!bool" && node.value.eq_ignore_ascii_case("false")))
    }

    /// Whether two nodes have the same value; the order of keys does not matter.
    pub(super) fn same(&self, left: Id, right: Id, depth: usize) -> Res<bool> {
        self.visit(depth)?;
        let (left, right) = (self.real(left), self.real(right));
        let (a, b) = (self.n(left), self.n(right));
        if a.kind != b.kind {
            return Ok(false);
        }
        match a.kind {
            Kind::Scalar | Kind::Alias => {
                let (x, y) = (self.core_tag(left), self.core_tag(right));
                if x == "!!null" || y == "!!null" {
                    return Ok(x == y);
                }
                let numbers = |tag: &str| tag == "!!int" || tag == "!!float";
                if numbers(x) && numbers(y) {
                    return Ok(number(&a.value) == number(&b.value));
                }
                Ok(a.value == b.value)
            }
            Kind::Seq => {
                if a.content.len() != b.content.len() {
                    return Ok(false);
                }
                for (x, y) in a.content.iter().zip(&b.content) {
                    if !self.same(*x, *y, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Kind::Map => {
                if a.content.len() != b.content.len() {
                    return Ok(false);
                }
                for (key, value) in self.entries(left) {
                    match self.get(right, &self.n(key).value) {
                        Some(other) if self.same(value, other, depth + 1)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
        }
    }
}

/// A step of a path.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Key(Id),
    Index(u32),
}
