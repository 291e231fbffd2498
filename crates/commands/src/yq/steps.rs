//! Steps from a node to others: members by name, by number and by pattern, all below it, parts of a sequence or text.

use std::rc::Rc;

use super::eval::{Scope, Yq};
use super::node::{Fault, Id, Key, Kind, MAX_DEPTH, Res, Tree, fault, style, too_deep};
use super::parse::Expr;

impl Yq {
    pub(super) fn descend(&mut self, id: Id, keys: bool, found: &mut Vec<Id>) -> Res<()> {
        let mut list = vec![(id, 0)];
        while let Some((id, depth)) = list.pop() {
            if depth > MAX_DEPTH {
                return Err(too_deep());
            }
            found.push(id);
            let node = self.tree.n(id);
            match node.kind {
                Kind::Map if !keys => {
                    list.extend(node.content.iter().skip(1).step_by(2).rev().map(|id| (*id, depth + 1)))
                }
                _ => list.extend(node.content.iter().rev().map(|id| (*id, depth + 1))),
            }
        }
        Ok(())
    }

    /// The entries of a map, with those that it merges in where they are told; what comes later counts.
    pub(super) fn resolved(&mut self, map: Id, depth: usize) -> Vec<(Id, Id)> {
        if self.tree.visit(depth).is_err() {
            self.tree.exhaust();
            return Vec::new();
        }
        let entries = self.tree.entries(map);
        let is_merge = |tree: &Tree, key: Id| &*tree.n(key).tag == "!!merge";
        if depth > 64 || !entries.iter().any(|(key, _)| is_merge(&self.tree, *key)) {
            return entries;
        }
        let mut all: indexmap::IndexMap<Rc<str>, (Id, Id), foldhash::fast::FixedState> =
            indexmap::IndexMap::default();
        for (key, value) in entries {
            if !is_merge(&self.tree, key) {
                all.insert(Rc::clone(&self.tree.n(key).value), (key, value));
                continue;
            }
            let value = self.tree.real(value);
            let sources = match self.tree.n(value).kind {
                Kind::Seq => self.tree.n(value).content.clone(),
                _ => vec![value],
            };
            for source in sources {
                let source = self.tree.real(source);
                if self.tree.n(source).kind != Kind::Map {
                    continue;
                }
                for (key, value) in self.resolved(source, depth + 1) {
                    all.insert(Rc::clone(&self.tree.n(key).value), (key, value));
                }
                if self.tree.check().is_err() {
                    return Vec::new();
                }
            }
        }
        all.into_values().collect()
    }

    pub(super) fn splat(&mut self, id: Id) -> Vec<Id> {
        let id = self.tree.real(id);
        match self.tree.n(id).kind {
            Kind::Map => self.resolved(id, 0).into_iter().map(|(_, value)| value).collect(),
            Kind::Seq => self.tree.n(id).content.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) async fn index(
        &mut self,
        base: &Expr,
        index: &Expr,
        optional: bool,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        // Alone, since the index is that of each node.
        for owner in self.owners(scope) {
            let own = scope.of(owner.into_iter().collect());
            let nodes = self.eval(base, &own).await?;
            let indices = self.eval(index, &scope.reading(own.nodes)).await?;
            for id in nodes {
                for index in &indices {
                    let mut names = vec![self.tree.real(*index)];
                    if self.tree.n(*index).kind == Kind::Seq {
                        names = self.tree.n(*index).content.clone();
                    }
                    for name in names {
                        let node = self.tree.n(name);
                        let whole = matches!(&*node.tag, "!!int")
                            .then(|| super::scalars::integer(&node.value))
                            .flatten();
                        let key = match whole {
                            Some(number) => Name::Number(number, Rc::clone(&node.value)),
                            None => Name::Text(Rc::clone(&node.value)),
                        };
                        self.step(id, &key, true, optional, scope.read, &mut found)?;
                    }
                }
            }
        }
        Ok(found)
    }

    /// One step down from a node. What is not there is made, unless `read`.
    pub(super) fn step(
        &mut self,
        id: Id,
        name: &Name,
        wild: bool,
        optional: bool,
        read: bool,
        found: &mut Vec<Id>,
    ) -> Res<()> {
        let id = self.tree.real(id);
        let attached = !read;
        if self.tree.is_null(id) {
            let sequence = matches!(name, Name::Number(..));
            if attached {
                let node = self.tree.m(id);
                node.kind = if sequence { Kind::Seq } else { Kind::Map };
                node.tag = Rc::from(if sequence { "!!seq" } else { "!!map" });
                (node.value, node.style) = (Rc::from(""), 0);
            } else {
                found.push(self.missing(id, name, false));
                return Ok(());
            }
        }
        match self.tree.n(id).kind {
            Kind::Map => {
                let text = name.text();
                let before = found.len();
                let pattern = wild && text.contains(['*', '?']);
                for (key, value) in self.resolved(id, 0) {
                    let key = &self.tree.n(self.tree.real(key)).value;
                    if **key == **text || pattern && matches(key, text) {
                        found.push(value);
                    }
                }
                if before == found.len() && !text.contains('*') {
                    found.push(self.missing(id, name, attached));
                }
                Ok(())
            }
            Kind::Seq => {
                let index = match name {
                    Name::Number(number, _) => *number,
                    Name::Text(text) if **text == *"*" => {
                        found.extend(self.splat(id));
                        return Ok(());
                    }
                    Name::Text(text) => match text.parse() {
                        Ok(index) => index,
                        Err(_) if optional => return Ok(()),
                        Err(_) => {
                            return fault(format!(
                                "cannot index array with '{text}' (strconv.ParseInt: parsing \"{text}\": invalid syntax)"
                            ));
                        }
                    },
                };
                let length = self.tree.n(id).content.len();
                let at = if index < 0 { index + length as i64 } else { index };
                let Ok(at) = usize::try_from(at) else {
                    return fault(format!("index [{index}] out of range, array size is {length}"));
                };
                if let Some(member) = self.tree.n(id).content.get(at) {
                    found.push(*member);
                } else if attached {
                    if at > length + (1 << 20) {
                        return fault(format!(
                            "index [{index}] is too far beyond the array's size of {length}"
                        ));
                    }
                    for _ in length..=at {
                        let null = self.tree.null();
                        self.like(null, Some(id));
                        self.tree.push(id, null);
                    }
                    found.extend(self.tree.n(id).content.last().copied());
                } else {
                    found.push(self.missing(id, &Name::Number(at as i64, Rc::from(at.to_string())), false));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A null that is, or would be, a member of a node.
    fn missing(&mut self, parent: Id, name: &Name, attached: bool) -> Id {
        let value = self.tree.null();
        self.like(value, Some(parent));
        let key = match name {
            Name::Number(number, _) if self.tree.n(parent).kind == Kind::Seq => {
                let node = self.tree.m(value);
                (node.parent, node.key) = (Some(parent), Key::Index(*number as u32));
                return value;
            }
            Name::Number(_, text) => self.tree.scalar("!!int", Rc::clone(text)),
            Name::Text(text) => self.tree.string(Rc::clone(text)),
        };
        self.like(key, Some(parent));
        if attached {
            if self.tree.n(parent).content.is_empty() {
                self.tree.m(parent).style &= style::TAGGED;
            }
            self.tree.put(parent, key, value);
        } else {
            self.tree.join(parent, key, value);
        }
        value
    }

    pub(super) async fn slice(
        &mut self,
        base: &Expr,
        from: Option<&Expr>,
        to: Option<&Expr>,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for owner in self.owners(scope) {
            let own = scope.of(owner.into_iter().collect());
            self.slice_one(base, from, to, &own, &mut found).await?;
        }
        Ok(found)
    }

    async fn slice_one(
        &mut self,
        base: &Expr,
        from: Option<&Expr>,
        to: Option<&Expr>,
        scope: &Scope,
        found: &mut Vec<Id>,
    ) -> Res<()> {
        let nodes = self.eval(base, scope).await?;
        let mut bounds = [None, None];
        for (bound, expr) in bounds.iter_mut().zip([from, to]) {
            if let Some(expr) = expr {
                let value = self.eval(expr, &scope.reading(scope.nodes.clone())).await?;
                let Some(value) = value.first() else { return fault("a slice needs a number") };
                let text = Rc::clone(&self.tree.n(*value).value);
                *bound = Some(
                    super::scalars::integer(&text)
                        .ok_or_else(|| Fault(format!("a slice needs a number, not {text}")))?,
                );
            }
        }
        for id in nodes {
            let id = self.tree.real(id);
            let [from, to] = bounds;
            let place = |bound: i64, length: usize| {
                let at = if bound < 0 { bound + length as i64 } else { bound };
                at.clamp(0, length as i64) as usize
            };
            match self.tree.n(id).kind {
                Kind::Seq => {
                    let content = self.tree.n(id).content.clone();
                    let start = place(from.unwrap_or(0), content.len());
                    let end = to.map_or(content.len(), |to| place(to, content.len()));
                    let seq = self.tree.shell(id);
                    for member in content.get(start..end).unwrap_or_default() {
                        let member = self.tree.copy(*member)?;
                        self.tree.push(seq, member);
                    }
                    found.push(seq);
                }
                Kind::Scalar if self.tree.core_tag(id) == "!!str" => {
                    let letters: Vec<char> = self.tree.n(id).value.chars().collect();
                    let start = place(from.unwrap_or(0), letters.len());
                    let end = to.map_or(letters.len(), |to| place(to, letters.len()));
                    let text: String = letters.get(start..end).unwrap_or_default().iter().collect();
                    let new = self.tree.string(text);
                    found.push(self.like(new, Some(id)));
                }
                _ if self.tree.is_null(id) => found.push(id),
                _ => return fault(format!("cannot slice {}", self.tree.core_tag(id))),
            }
        }
        Ok(())
    }
}

/// What a step is named by.
pub(super) enum Name {
    Number(i64, Rc<str>),
    Text(Rc<str>),
}

impl Name {
    fn text(&self) -> &Rc<str> {
        match self {
            Name::Number(_, text) | Name::Text(text) => text,
        }
    }
}

/// Whether a text is of the form of a pattern with `*` and `?`.
pub(super) fn matches(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some('*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(letter) if *letter == '?' || Some(letter) == text.get(at) => {
                (at, place) = (at + 1, place + 1)
            }
            _ => match star {
                Some((pattern_at, text_at)) => {
                    star = Some((pattern_at, text_at + 1));
                    (at, place) = (text_at + 1, pattern_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(place..).is_none_or(|rest| rest.iter().all(|letter| *letter == '*'))
}
