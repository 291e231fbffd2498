//! The evaluation of expressions: each takes a list of nodes and gives a list of nodes. Nodes are held, not copied, so
//! that an assignment changes the document itself. What is recursive here follows the expression, whose height the
//! parser bounds, or a document, whose depth the tree bounds.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use wasmsh_os::Ctx;

use super::Settings;
use super::node::{Id, Res, Tree, fault};
use super::parse::{Expr, Merge, Op};
use super::steps::Name;

/// Evaluations of `eval` inside one another.
const MAX_EVALS: usize = 8;

pub(super) type Evaluation<'a, T = Vec<Id>> = Pin<Box<dyn Future<Output = Res<T>> + 'a>>;

/// What an expression is evaluated against.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) nodes: Vec<Id>,
    variables: Option<Rc<Variable>>,
    /// Nothing is created by looking for it.
    pub(super) read: bool,
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
    pub(super) fn groups(&self, nodes: &[Id]) -> Vec<Vec<Id>> {
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

    pub(super) fn owners(&self, scope: &Scope) -> Vec<Option<Id>> {
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
}

/// A literal counts once, however many documents are looked at together.
pub(super) fn once(expr: &Expr, mut values: Vec<Id>) -> Vec<Id> {
    if matches!(expr, Expr::Literal(..)) {
        values.truncate(1);
    }
    values
}

/// Evaluates a text as an expression, inside another.
pub(super) fn enter(yq: &mut Yq) -> Res<()> {
    yq.evals += 1;
    if yq.evals > MAX_EVALS { fault("eval is nested too deep") } else { Ok(()) }
}
