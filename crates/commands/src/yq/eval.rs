//! The evaluation of expressions: each takes a list of nodes and gives a list of nodes. Nodes are held, not copied, so
//! that an assignment changes the document itself. What is recursive here follows the expression, whose height the
//! parser bounds, or a document, whose depth the tree bounds.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use wasmsh_os::Ctx;

use super::Settings;
use super::node::{Fault, Id, Key, Kind, MAX_DEPTH, Res, Tree, fault, style, too_deep};
use super::parse::{Attribute, Expr, Merge, Op, Part};

/// Evaluations of `eval` inside one another.
const MAX_EVALS: usize = 8;

pub(super) type Evaluation<'a, T = Vec<Id>> = Pin<Box<dyn Future<Output = Res<T>> + 'a>>;

/// What an expression is evaluated against.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) nodes: Vec<Id>,
    variables: Option<Rc<Variable>>,
    /// Nothing is created by looking for it.
    read: bool,
    /// The layout of dates.
    pub(super) layout: Option<Rc<str>>,
}

struct Variable {
    name: Rc<str>,
    values: Vec<Id>,
    next: Option<Rc<Variable>>,
}

impl Scope {
    pub(super) fn new(nodes: Vec<Id>) -> Scope {
        Scope { nodes, variables: None, read: false, layout: None }
    }

    pub(super) fn of(&self, nodes: Vec<Id>) -> Scope {
        Scope { nodes, ..self.clone() }
    }

    pub(super) fn reading(&self, nodes: Vec<Id>) -> Scope {
        Scope { nodes, read: true, ..self.clone() }
    }

    pub(super) fn with(&self, name: Rc<str>, values: Vec<Id>) -> Scope {
        let variables = Some(Rc::new(Variable { name, values, next: self.variables.clone() }));
        Scope { variables, ..self.clone() }
    }

    fn variable(&self, name: &str) -> Option<&[Id]> {
        let mut at = self.variables.as_deref();
        while let Some(variable) = at {
            if &*variable.name == name {
                return Some(&variable.values);
            }
            at = variable.next.as_deref();
        }
        None
    }
}

/// What evaluates.
pub(super) struct Yq {
    pub(super) tree: Tree,
    pub(super) ctx: Ctx,
    pub(super) settings: Rc<Settings>,
    /// The names of the files.
    pub(super) files: Vec<String>,
    pub(super) evals: usize,
}

impl Yq {
    /// The nodes as they are taken together: all of them, if documents are evaluated at once, or each alone.
    fn groups(&self, nodes: &[Id]) -> Vec<Vec<Id>> {
        if nodes.is_empty() || nodes.iter().any(|id| self.tree.n(*id).together) {
            return vec![nodes.to_vec()];
        }
        nodes.iter().map(|id| vec![*id]).collect()
    }

    /// Tells a new node that it comes from the document of another.
    pub(super) fn like(&mut self, new: Id, from: Option<Id>) -> Id {
        if let Some(from) = from {
            let (doc, file) = (self.tree.n(from).doc, self.tree.n(from).file);
            let node = self.tree.m(new);
            (node.doc, node.file) = (doc, file);
        }
        new
    }

    pub(super) fn eval<'a>(&'a mut self, expr: &'a Expr, scope: &'a Scope) -> Evaluation<'a> {
        Box::pin(async move {
            self.ctx.ticks(1 + scope.nodes.len() as u32).await;
            self.tree.check()?;
            match expr {
                Expr::Own => Ok(scope.nodes.clone()),
                Expr::Descend(keys) => {
                    let mut found = Vec::new();
                    for id in &scope.nodes {
                        self.descend(*id, *keys, &mut found)?;
                    }
                    Ok(found)
                }
                Expr::Literal(tag, text) => {
                    let owners = self.owners(scope);
                    Ok(owners
                        .into_iter()
                        .map(|owner| {
                            let new = self.tree.scalar(tag, Rc::clone(text));
                            self.like(new, owner)
                        })
                        .collect())
                }
                Expr::Variable(name) => match scope.variable(name) {
                    Some(values) => Ok(values.to_vec()),
                    None if &**name == "ENV" => Ok(vec![self.environment()]),
                    None => {
                        fault(format!("there is no variable {name}, you may want to check your expression"))
                    }
                },
                Expr::Field(base, name, optional) => {
                    let nodes = self.eval(base, scope).await?;
                    let mut found = Vec::new();
                    for id in nodes {
                        let key = Name::Text(Rc::clone(name));
                        self.step(id, &key, true, *optional, scope.read, &mut found)?;
                    }
                    Ok(found)
                }
                Expr::Splat(base) => {
                    let nodes = self.eval(base, scope).await?;
                    Ok(nodes.into_iter().flat_map(|id| self.splat(id)).collect())
                }
                Expr::Pipe(stages) => {
                    let mut at = scope.clone();
                    for stage in stages {
                        at.nodes = self.eval(stage, &at).await?;
                    }
                    Ok(at.nodes)
                }
                Expr::Union(all) => {
                    let mut found = Vec::new();
                    for one in all {
                        found.extend(self.eval(one, scope).await?);
                    }
                    Ok(found)
                }
                Expr::Index(base, index, optional) => self.index(base, index, *optional, scope).await,
                other => self.eval_rest(other, scope).await,
            }
        })
    }

    /// The rarer ones: a future of their own keeps that of the others small.
    fn eval_rest<'a>(&'a mut self, expr: &'a Expr, scope: &'a Scope) -> Evaluation<'a> {
        Box::pin(async move {
            match expr {
                Expr::Text(parts) => self.text(parts, scope).await,
                Expr::Slice(base, from, to) => self.slice(base, from.as_deref(), to.as_deref(), scope).await,
                Expr::Binary(op, merge, left, right) => self.binary(*op, *merge, left, right, scope).await,
                Expr::Assign(what, relative, clobber, left, right) => {
                    self.assign(*what, *relative, *clobber, left, right, scope).await
                }
                Expr::Change(op, merge, left, right) => self.change(*op, *merge, left, right, scope).await,
                Expr::Bind(source, name, reference, body) => {
                    let values = self.eval(source, &scope.reading(scope.nodes.clone())).await?;
                    let mut found = Vec::new();
                    for value in values {
                        let value = if *reference { value } else { self.tree.copy(value)? };
                        let inner = scope.with(Rc::clone(name), vec![value]);
                        found.extend(self.eval(body, &inner).await?);
                    }
                    Ok(found)
                }
                Expr::Reduce(source, name, init, block) => {
                    let mut found = Vec::new();
                    for group in self.groups(&scope.nodes) {
                        let first = scope.of(group.first().copied().into_iter().collect());
                        let items = self.eval(source, &scope.of(group)).await?;
                        let mut nodes = self.eval(init, &first).await?;
                        for item in items {
                            let mut inner = scope.with(Rc::clone(name), vec![item]);
                            inner.nodes = nodes;
                            nodes = self.eval(block, &inner).await?;
                        }
                        found.extend(nodes);
                    }
                    Ok(found)
                }
                Expr::Array(inner) => self.array(inner.as_deref(), scope).await,
                Expr::Object(entries) => self.object(entries, scope).await,
                Expr::Call(name, arguments) => self.call(name, arguments, scope).await,
                Expr::If(branches, other) => {
                    let mut found = Vec::new();
                    'nodes: for id in scope.nodes.clone() {
                        let inner = scope.of(vec![id]);
                        for (condition, branch) in branches {
                            let result = self.eval(condition, &scope.reading(vec![id])).await?;
                            if result.first().is_some_and(|id| self.tree.truthy(*id)) {
                                found.extend(self.eval(branch, &inner).await?);
                                continue 'nodes;
                            }
                        }
                        match other {
                            Some(other) => found.extend(self.eval(other, &inner).await?),
                            None => found.push(id),
                        }
                    }
                    Ok(found)
                }
                _ => Ok(Vec::new()),
            }
        })
    }

    fn owners(&self, scope: &Scope) -> Vec<Option<Id>> {
        if scope.nodes.is_empty() { vec![None] } else { scope.nodes.iter().copied().map(Some).collect() }
    }

    fn environment(&mut self) -> Id {
        let map = self.tree.map();
        for (name, value) in self.ctx.environment().iter() {
            let value = self.tree.string(value.to_string());
            self.tree.put_named(map, &name.to_string(), value);
        }
        map
    }

    fn descend(&mut self, id: Id, keys: bool, found: &mut Vec<Id>) -> Res<()> {
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

    async fn index(&mut self, base: &Expr, index: &Expr, optional: bool, scope: &Scope) -> Res<Vec<Id>> {
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
                            .then(|| super::node::integer(&node.value))
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

    async fn slice(
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
                    super::node::integer(&text)
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

    async fn text(&mut self, parts: &[Part], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for owner in self.owners(scope) {
            let inner = scope.reading(owner.into_iter().collect());
            let mut text = String::new();
            for part in parts {
                match part {
                    Part::Text(part) => text.push_str(part),
                    Part::Inner(expr) => {
                        for id in self.eval(expr, &inner).await? {
                            text.push_str(&self.as_text(id)?);
                        }
                    }
                }
            }
            let new = self.tree.string(text);
            found.push(self.like(new, owner));
        }
        Ok(found)
    }

    async fn array(&mut self, inner: Option<&Expr>, scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for group in self.groups(&scope.nodes) {
            let seq = self.tree.seq();
            self.like(seq, group.first().copied());
            if let Some(inner) = inner {
                for id in self.eval(inner, &scope.of(group)).await? {
                    let copy = self.tree.copy(id)?;
                    self.tree.m(copy).together = false;
                    self.tree.m(copy).leading = None;
                    self.tree.push(seq, copy);
                }
            }
            found.push(seq);
        }
        Ok(found)
    }

    async fn object(&mut self, entries: &[(Expr, Expr)], scope: &Scope) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for owner in self.owners(scope) {
            let inner = scope.of(owner.into_iter().collect());
            let map = self.tree.map();
            let mut maps = vec![self.like(map, owner)];
            for (key, value) in entries {
                let keys = self.eval(key, &inner).await?;
                let values = self.eval(value, &inner).await?;
                let mut next = Vec::new();
                let last = maps.len() * keys.len() * values.len();
                for map in &maps {
                    for key in &keys {
                        for value in &values {
                            let map = if last == maps.len() { *map } else { self.tree.copy(*map)? };
                            let name = Rc::clone(&self.tree.n(self.tree.real(*key)).value);
                            let value = self.tree.copy(*value)?;
                            self.tree.m(value).leading = None;
                            match self.tree.get(map, &name) {
                                Some(old) => self.tree.assign(old, value, true)?,
                                None => {
                                    let key = self.tree.copy(*key)?;
                                    self.tree.put(map, key, value);
                                }
                            }
                            next.push(map);
                        }
                    }
                }
                maps = next;
                self.ctx.ticks(maps.len() as u32).await;
            }
            found.extend(maps);
        }
        Ok(found)
    }

    async fn binary(
        &mut self,
        op: Op,
        merge: Merge,
        left: &Expr,
        right: &Expr,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        let mut found = Vec::new();
        for group in self.groups(&scope.nodes) {
            let owner = group.first().copied();
            if op == Op::Alternative {
                let outer = scope.of(group);
                let lefts = self.eval(left, &outer).await?;
                let truthy =
                    |yq: &Yq| -> Vec<Id> { lefts.iter().copied().filter(|id| yq.tree.truthy(*id)).collect() };
                let mut chosen = truthy(self);
                if chosen.is_empty() {
                    let rights = self.eval(right, &outer).await?;
                    // The right side may have set what the left one found: `.a // (.a = 0)`.
                    chosen = truthy(self);
                    if chosen.is_empty() {
                        chosen = if rights.is_empty() { lefts } else { rights };
                    }
                }
                found.extend(chosen);
                continue;
            }
            let inner = scope.reading(group);
            let lefts = self.eval(left, &inner).await?;
            let known = match op {
                Op::And if !lefts.is_empty() => {
                    lefts.iter().all(|id| !self.tree.truthy(*id)).then_some(false)
                }
                Op::Or if !lefts.is_empty() => lefts.iter().all(|id| self.tree.truthy(*id)).then_some(true),
                _ => None,
            };
            if let Some(value) = known {
                for _ in lefts {
                    let new = self.tree.boolean(value);
                    found.push(self.like(new, owner));
                }
                continue;
            }
            let rights = self.eval(right, &inner).await?;
            let lefts = once(left, lefts);
            let rights = once(right, rights);
            let options = |all: Vec<Id>| -> Vec<Option<Id>> {
                if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() }
            };
            let (lefts, rights) = (options(lefts), options(rights));
            for left in &lefts {
                for right in &rights {
                    if let Some(result) = self.operate(op, merge, *left, *right, scope)? {
                        if self.tree.n(result).parent.is_none() {
                            self.like(result, owner);
                        }
                        found.push(result);
                    }
                }
                self.ctx.ticks(rights.len() as u32).await;
            }
        }
        Ok(found)
    }

    async fn assign(
        &mut self,
        what: Attribute,
        relative: bool,
        clobber: bool,
        left: &Expr,
        right: &Expr,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        if relative {
            for id in self.eval(left, scope).await? {
                let values = self.eval(right, &scope.reading(vec![id])).await?;
                if let Some(value) = values.first() {
                    self.set(what, id, *value, clobber)?;
                }
            }
            return Ok(scope.nodes.clone());
        }
        for group in self.groups(&scope.nodes) {
            let targets = self.eval(left, &scope.of(group.clone())).await?;
            let values = self.eval(right, &scope.reading(group)).await?;
            if let Some(value) = values.first() {
                // The value may be a part of what is changed.
                let value = self.tree.copy(*value)?;
                for id in targets {
                    self.set(what, id, value, clobber)?;
                }
            }
        }
        Ok(scope.nodes.clone())
    }

    async fn change(
        &mut self,
        op: Op,
        merge: Merge,
        left: &Expr,
        right: &Expr,
        scope: &Scope,
    ) -> Res<Vec<Id>> {
        for group in self.groups(&scope.nodes) {
            let targets = self.eval(left, &scope.of(group.clone())).await?;
            let values = once(right, self.eval(right, &scope.reading(group)).await?);
            for id in targets {
                if op == Op::Alternative && self.tree.truthy(id) {
                    continue;
                }
                for value in &values {
                    let result = match op {
                        Op::Alternative => Some(*value),
                        _ => self.operate(op, merge, Some(id), Some(*value), scope)?,
                    };
                    if let Some(result) = result {
                        self.set(Attribute::Value, id, result, false)?;
                    }
                }
            }
        }
        Ok(scope.nodes.clone())
    }

    fn set(&mut self, what: Attribute, id: Id, value: Id, clobber: bool) -> Res<()> {
        if what == Attribute::Value {
            return self.tree.assign(id, value, clobber);
        }
        let text = Rc::clone(&self.tree.n(self.tree.real(value)).value);
        let comment = (!text.is_empty()).then(|| Rc::clone(&text));
        match what {
            Attribute::Style => {
                let value = match &*text {
                    "" => 0,
                    "tagged" => style::TAGGED,
                    "double" => style::DOUBLE,
                    "single" => style::SINGLE,
                    "literal" => style::LITERAL,
                    "folded" => style::FOLDED,
                    "flow" => style::FLOW,
                    other => return fault(format!("unknown style {other}")),
                };
                self.tree.m(id).style = value;
            }
            Attribute::Tag => {
                let node = self.tree.m(id);
                if &*text != "!!str" && node.kind == Kind::Scalar && text.starts_with("!!") {
                    node.style &= !style::QUOTED;
                }
                node.style &= !style::TAGGED;
                node.tag = text;
            }
            Attribute::Anchor => self.tree.m(id).anchor = comment,
            Attribute::Alias if text.is_empty() => {}
            Attribute::Alias => {
                let mut root = id;
                while let Some(parent) = self.tree.n(root).parent {
                    root = parent;
                }
                let mut all = Vec::new();
                self.descend(root, true, &mut all)?;
                let target = all.into_iter().find(|id| self.tree.n(*id).anchor.as_deref() == Some(&*text));
                let node = self.tree.m(id);
                (node.kind, node.target, node.value) = (Kind::Alias, target, text);
                (node.style, node.tag, node.content) = (0, Rc::from(""), Vec::new());
            }
            Attribute::Side => self.tree.m(id).side = comment,
            Attribute::Head => (self.tree.m(id).head, self.tree.m(id).leading) = (comment, None),
            Attribute::Foot => self.tree.m(id).foot = comment,
            Attribute::Comments => {
                let node = self.tree.m(id);
                node.head.clone_from(&comment);
                node.side.clone_from(&comment);
                (node.foot, node.leading) = (comment, None);
            }
            Attribute::Value => {}
        }
        Ok(())
    }
}

/// A literal counts once, however many documents are looked at together.
fn once(expr: &Expr, mut values: Vec<Id>) -> Vec<Id> {
    if matches!(expr, Expr::Literal(..)) {
        values.truncate(1);
    }
    values
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

/// Evaluates a text as an expression, inside another.
pub(super) fn enter(yq: &mut Yq) -> Res<()> {
    yq.evals += 1;
    if yq.evals > MAX_EVALS { fault("eval is nested too deep") } else { Ok(()) }
}
