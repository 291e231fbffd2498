//! From trees to nodes: names find their places, patterns become bindings, the prelude is compiled as far as it is used.

use std::collections::HashMap;
use std::rc::Rc;

use super::natives;
use super::node::{Kind, N, Node};
use super::parse;
use super::syntax::{Ast, Definition, Import, Operator, Part, Pattern, Source};
use super::value::Value;

/// A name that nobody has defined, and the like.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum CompileError {
    /// A function or variable that is not there.
    #[error("{0} is not defined")]
    Undefined(String),
}

type Compiled<T> = Result<T, CompileError>;

/// A loaded module and what it stands on.
pub(crate) struct Module {
    pub(crate) source: Source,
    /// For each of the imports what it is.
    pub(crate) dependencies: Vec<Dependency>,
}

/// What an import has found.
pub(crate) enum Dependency {
    /// The module with this number.
    Module(usize),
    Data(Value),
}

#[derive(Clone)]
enum Entry {
    Function { name: String, arity: usize, id: usize, depth: u32 },
    Parameter { name: String, depth: u32 },
    Variable { name: String, depth: u32 },
    Label { name: String, depth: u32 },
    Constant { name: String, value: Value },
}

/// The definitions of the prelude by name and number of parameters.
type Prelude = HashMap<(String, usize), Rc<Definition>>;

fn prelude() -> Rc<Prelude> {
    thread_local! {
        static PRELUDE: std::cell::OnceCell<Rc<Prelude>> = const { std::cell::OnceCell::new() };
    }
    PRELUDE.with(|cell| {
        Rc::clone(cell.get_or_init(|| {
            let source = parse::parse(include_str!("prelude.jq")).unwrap_or_default();
            let definitions = source.definitions.into_iter();
            Rc::new(definitions.map(|one| ((one.name.clone(), one.parameters.len()), one)).collect())
        }))
    })
}

/// The names of all builtins, as `name/arity`.
pub(crate) fn builtins() -> Vec<String> {
    let mut names: Vec<String> = natives::NAMES.iter().map(|name| (*name).to_owned()).collect();
    names.extend(
        prelude()
            .keys()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, arity)| format!("{name}/{arity}")),
    );
    names.sort();
    names.dedup();
    names
}

struct Compiler {
    functions: Vec<Option<N>>,
    scope: Vec<Entry>,
    depth: u32,
    prelude: Rc<Prelude>,
    known: HashMap<(String, usize), usize>,
    globals: HashMap<String, Value>,
}

/// A program to run: its functions and its body.
pub(crate) struct Program {
    pub(crate) functions: Rc<[N]>,
    pub(crate) main: N,
}

/// Compiles the last of the modules, with variables that are known from outside.
pub(crate) fn compile(modules: &[Module], globals: HashMap<String, Value>) -> Compiled<Program> {
    let mut compiler = Compiler {
        functions: Vec::new(),
        scope: Vec::new(),
        depth: 0,
        prelude: prelude(),
        known: HashMap::new(),
        globals,
    };
    let mut exports: Vec<Vec<Entry>> = Vec::new();
    let mut main = Node::new(Kind::Identity);
    for (index, module) in modules.iter().enumerate() {
        compiler.scope.clear();
        for (import, dependency) in module.source.imports.iter().zip(&module.dependencies) {
            compiler.import(import, dependency, &exports);
        }
        let own = compiler.scope.len();
        for definition in &module.source.definitions {
            compiler.definition(definition)?;
        }
        if index + 1 == modules.len()
            && let Some(body) = &module.source.body
        {
            main = compiler.node(body)?;
        }
        // What is included is handed on; what is imported is not.
        let handed = compiler.scope.iter().enumerate().filter(|(at, entry)| {
            *at >= own || !matches!(entry, Entry::Function { name, .. } | Entry::Constant { name, .. } if name.contains("::"))
        });
        exports.push(handed.map(|(_, entry)| entry.clone()).collect());
    }
    let missing = Node::new(Kind::Empty);
    let functions =
        compiler.functions.into_iter().map(|body| body.unwrap_or_else(|| Rc::clone(&missing))).collect();
    Ok(Program { functions, main })
}

impl Compiler {
    fn import(&mut self, import: &Import, dependency: &Dependency, exports: &[Vec<Entry>]) {
        let name = import.name.clone().unwrap_or_default();
        match dependency {
            Dependency::Data(value) => {
                for name in [name.clone(), format!("{name}::{name}")] {
                    self.scope.push(Entry::Constant { name, value: value.clone() });
                }
            }
            Dependency::Module(index) => {
                for entry in exports.get(*index).into_iter().flatten() {
                    if let Entry::Function { name: function, arity, id, depth } = entry {
                        let name = match &import.name {
                            Some(module) => format!("{module}::{function}"),
                            None => function.clone(),
                        };
                        self.scope.push(Entry::Function { name, arity: *arity, id: *id, depth: *depth });
                    }
                }
            }
        }
    }

    fn node(&mut self, ast: &Ast) -> Compiled<N> {
        Ok(Node::new(self.kind(ast)?))
    }

    /// Compiles with a variable more in sight.
    fn bound(&mut self, name: &str, then: &mut dyn FnMut(&mut Self) -> Compiled<N>) -> Compiled<N> {
        self.scope.push(Entry::Variable { name: name.to_owned(), depth: self.depth });
        self.depth += 1;
        let result = then(self);
        self.depth -= 1;
        self.scope.pop();
        result
    }

    fn variable(&self, depth: u32) -> N {
        Node::new(Kind::Var(self.depth - 1 - depth))
    }

    fn pattern(
        &mut self,
        pattern: &Pattern,
        source: N,
        then: &mut dyn FnMut(&mut Self) -> Compiled<N>,
    ) -> Compiled<N> {
        let body = match pattern {
            Pattern::Var(name) => self.bound(name, then)?,
            Pattern::Array(items) => {
                let slot = self.depth;
                self.bound("", &mut |compiler| compiler.items(slot, items, 0, then))?
            }
            Pattern::Object(members) => {
                let slot = self.depth;
                self.bound("", &mut |compiler| compiler.members(slot, members, then))?
            }
        };
        Ok(Node::new(Kind::Bind(source, body)))
    }

    fn items(
        &mut self,
        slot: u32,
        items: &[Pattern],
        index: usize,
        then: &mut dyn FnMut(&mut Self) -> Compiled<N>,
    ) -> Compiled<N> {
        let Some((first, rest)) = items.split_first() else { return then(self) };
        let key = Node::new(Kind::Const(Value::Number(index as f64)));
        let source = Node::new(Kind::Index(self.variable(slot), key));
        self.pattern(first, source, &mut |compiler| compiler.items(slot, rest, index + 1, then))
    }

    fn members(
        &mut self,
        slot: u32,
        members: &[(Ast, Option<String>, Option<Pattern>)],
        then: &mut dyn FnMut(&mut Self) -> Compiled<N>,
    ) -> Compiled<N> {
        let Some(((key, name, pattern), rest)) = members.split_first() else { return then(self) };
        let key = self.node(key)?;
        let index = Node::new(Kind::Index(Node::new(Kind::Identity), key));
        let source = Node::new(Kind::Pipe(self.variable(slot), index));
        let mut rest = |compiler: &mut Self| compiler.members(slot, rest, then);
        match (name, pattern) {
            (Some(name), Some(pattern)) => {
                let named = self.depth;
                let body = self.bound(name, &mut |compiler| {
                    let again = compiler.variable(named);
                    compiler.pattern(pattern, again, &mut rest)
                })?;
                Ok(Node::new(Kind::Bind(source, body)))
            }
            (Some(name), None) => {
                let body = self.bound(name, &mut rest)?;
                Ok(Node::new(Kind::Bind(source, body)))
            }
            (None, Some(pattern)) => self.pattern(pattern, source, &mut rest),
            (None, None) => rest(self),
        }
    }

    /// `source as patterns | then`; without a source the value is the variable bound last.
    fn patterns(
        &mut self,
        patterns: &[Pattern],
        source: N,
        then: &mut dyn FnMut(&mut Self) -> Compiled<N>,
    ) -> Compiled<N> {
        if let [only] = patterns {
            return self.pattern(only, source, then);
        }
        let mut names = Vec::new();
        patterns.iter().for_each(|pattern| pattern.names(&mut names));
        let slot = self.depth;
        self.scope.push(Entry::Variable { name: String::new(), depth: slot });
        self.depth += 1;
        let mut list = Vec::new();
        for pattern in patterns {
            // All variables of all patterns are there.
            let (scope, depth) = (self.scope.len(), self.depth);
            for name in &names {
                self.scope.push(Entry::Variable { name: name.clone(), depth: self.depth });
                self.depth += 1;
            }
            let value = self.variable(slot);
            let mut node = self.pattern(pattern, value, then)?;
            for _ in &names {
                node = Node::new(Kind::Bind(Node::new(Kind::Const(Value::Null)), node));
            }
            list.push(node);
            self.scope.truncate(scope);
            self.depth = depth;
        }
        self.depth -= 1;
        self.scope.pop();
        Ok(Node::new(Kind::Alternatives(source, list.into())))
    }

    /// What leads from an output of a fold's source to the update.
    fn entry(&mut self, patterns: &[Pattern], then: &mut dyn FnMut(&mut Self) -> Compiled<N>) -> Compiled<N> {
        if let [Pattern::Var(name)] = patterns {
            return self.bound(name, then);
        }
        let slot = self.depth;
        self.bound("", &mut |compiler| {
            let value = compiler.variable(slot);
            compiler.patterns(patterns, value, then)
        })
    }

    fn kind(&mut self, ast: &Ast) -> Compiled<Kind> {
        Ok(match ast {
            Ast::Identity => Kind::Identity,
            Ast::Descend => return self.call("recurse", &[]),
            Ast::Const(value) => Kind::Const(value.clone()),
            Ast::Var(name) => return self.named(name),
            Ast::Call(name, arguments) => return self.call(name, arguments),
            Ast::Format(name) => {
                let name = Value::string(name.trim_start_matches('@'));
                Kind::Native(native("format", 1), Rc::new([Node::new(Kind::Const(name))]))
            }
            Ast::Text(format, parts) => {
                let mut arguments = Vec::new();
                for part in parts {
                    arguments.push(match part {
                        Part::Plain(text) if text.is_empty() => continue,
                        Part::Plain(text) => Node::new(Kind::Const(Value::string(text.clone()))),
                        Part::Inner(inner) => {
                            let inner = self.node(inner)?;
                            let format = Node::new(self.kind(&Ast::Format(format.clone()))?);
                            Node::new(Kind::Pipe(inner, format))
                        }
                    });
                }
                Kind::Native(native("_concat", 1), arguments.into())
            }
            Ast::Index(term, key) => Kind::Index(self.node(term)?, self.node(key)?),
            Ast::Iterate(term) => Kind::Iterate(self.node(term)?),
            Ast::Slice(term, from, to) => {
                let mut bound = |ast: &Option<Box<Ast>>| match ast {
                    Some(ast) => self.node(ast),
                    None => Ok(Node::new(Kind::Const(Value::Null))),
                };
                let (from, to) = (bound(from)?, bound(to)?);
                Kind::Index(self.node(term)?, Node::new(Kind::Slice(from, to)))
            }
            Ast::Pipe(stages) => {
                let nodes = stages.iter().map(|stage| self.node(stage)).collect::<Compiled<Vec<N>>>()?;
                return Ok(chain(nodes, Kind::Pipe));
            }
            Ast::Comma(items) => {
                let nodes = items.iter().map(|item| self.node(item)).collect::<Compiled<Vec<N>>>()?;
                return Ok(chain(nodes, Kind::Comma));
            }
            Ast::Negate(inner) => match parse::constant(inner) {
                Some(Value::Number(number)) if number != 0.0 => Kind::Const(Value::Number(-number)),
                Some(Value::Literal(literal)) => Kind::Const(literal.negated()),
                _ => Kind::Negate(self.node(inner)?),
            },
            Ast::Binary(..) => return self.binary(ast),
            Ast::Array(None) => Kind::Const(Value::array(Vec::new())),
            Ast::Array(Some(inner)) => match parse::constant(ast) {
                // Data that stands in a program is made once.
                Some(value) => Kind::Const(value),
                None => Kind::Collect(self.node(inner)?),
            },
            Ast::Object(members) if members.is_empty() => Kind::Const(Value::object(Default::default())),
            Ast::Object(members) => {
                let mut nodes = Vec::new();
                for (key, value) in members {
                    nodes.push((self.node(key)?, self.node(value)?));
                }
                Kind::Object(nodes.into())
            }
            Ast::Try(body, handler) => {
                let handler = match handler {
                    Some(handler) => Some(self.node(handler)?),
                    None => None,
                };
                Kind::Try(self.node(body)?, handler)
            }
            Ast::If(condition, then, otherwise) => {
                // A chain of `elif` is long rather than deep.
                let mut branches = vec![(self.node(condition)?, self.node(then)?)];
                let mut rest = &**otherwise;
                while let Ast::If(condition, then, otherwise) = rest {
                    branches.push((self.node(condition)?, self.node(then)?));
                    rest = otherwise;
                }
                let mut kind = self.kind(rest)?;
                for (condition, then) in branches.into_iter().rev() {
                    kind = Kind::If(condition, then, Node::new(kind));
                }
                kind
            }
            Ast::As(source, patterns, body) => {
                let source = self.node(source)?;
                let node = self.patterns(patterns, source, &mut |compiler| compiler.node(body))?;
                return Ok(unwrap(node));
            }
            Ast::Reduce(source, patterns, init, update) => {
                let (source, init) = (self.node(source)?, self.node(init)?);
                let entry = self.entry(patterns, &mut |compiler| {
                    let update = compiler.node(update)?;
                    Ok(Node::new(Kind::Update(update)))
                })?;
                Kind::Reduce(source, init, entry)
            }
            Ast::Foreach(source, patterns, init, update, extract) => {
                let (source, init) = (self.node(source)?, self.node(init)?);
                let entry = self.entry(patterns, &mut |compiler| {
                    let update = compiler.node(update)?;
                    let extract = match extract {
                        Some(extract) => Some(compiler.node(extract)?),
                        None => None,
                    };
                    Ok(Node::new(Kind::UpdateExtract(update, extract)))
                })?;
                Kind::Foreach(source, init, entry)
            }
            Ast::Label(name, body) => {
                self.scope.push(Entry::Label { name: name.clone(), depth: self.depth });
                self.depth += 1;
                let body = self.node(body);
                self.depth -= 1;
                self.scope.pop();
                Kind::Label(body?)
            }
            Ast::Break(name) => {
                let depth = self.scope.iter().rev().find_map(|entry| match entry {
                    Entry::Label { name: other, depth } if other == name => Some(*depth),
                    _ => None,
                });
                let depth = depth.ok_or_else(|| CompileError::Undefined(format!("$*label-{name}")))?;
                Kind::Break(self.depth - 1 - depth)
            }
            Ast::Def(definition, body) => {
                let scope = self.scope.len();
                self.definition(definition)?;
                let body = self.kind(body);
                self.scope.truncate(scope);
                return body;
            }
        })
    }

    /// A chain of operators leans to the left and can be long.
    fn binary(&mut self, ast: &Ast) -> Compiled<Kind> {
        let mut spine = Vec::new();
        let mut at = ast;
        while let Ast::Binary(operator, left, right) = at {
            if matches!(operator, Operator::ModifyWith(_) | Operator::ModifyAlternative) {
                break;
            }
            spine.push((*operator, &**right));
            at = left;
        }
        let mut kind = match at {
            Ast::Binary(operator, left, right) => self.update(*operator, left, right)?,
            other => self.kind(other)?,
        };
        for (operator, right) in spine.into_iter().rev() {
            let left = Node::new(kind);
            let right = self.node(right)?;
            kind = match operator {
                Operator::And => Kind::And(left, right),
                Operator::Or => Kind::Or(left, right),
                Operator::Alternative => Kind::Alternative(left, right),
                Operator::Assign => Kind::Assign(left, right),
                Operator::Modify => Kind::Modify(left, right),
                other => Kind::Binary(other, left, right),
            };
        }
        Ok(kind)
    }

    /// `left OP= right`: the right side is computed first, with what `.` is outside.
    fn update(&mut self, operator: Operator, left: &Ast, right: &Ast) -> Compiled<Kind> {
        let right = self.node(right)?;
        let slot = self.depth;
        let body = self.bound("", &mut |compiler| {
            let places = compiler.node(left)?;
            let value = compiler.variable(slot);
            let this = Node::new(Kind::Identity);
            let update = match operator {
                Operator::ModifyWith(arithmetic) => Kind::Binary(arithmetic.into(), this, value),
                _ => Kind::Alternative(this, value),
            };
            Ok(Node::new(Kind::Modify(places, Node::new(update))))
        })?;
        Ok(Kind::Bind(right, body))
    }

    fn named(&mut self, name: &str) -> Compiled<Kind> {
        for entry in self.scope.iter().rev() {
            match entry {
                Entry::Variable { name: other, depth } if other == name => {
                    return Ok(Kind::Var(self.depth - 1 - depth));
                }
                Entry::Constant { name: other, value } if other == name => {
                    return Ok(Kind::Const(value.clone()));
                }
                _ => {}
            }
        }
        match self.globals.get(name) {
            Some(value) => Ok(Kind::Const(value.clone())),
            None => Err(CompileError::Undefined(format!("${name}"))),
        }
    }

    fn definition(&mut self, definition: &Definition) -> Compiled<usize> {
        let id = self.functions.len();
        self.functions.push(None);
        self.scope.push(Entry::Function {
            name: definition.name.clone(),
            arity: definition.parameters.len(),
            id,
            depth: self.depth,
        });
        let body = self.body(definition)?;
        if let Some(slot) = self.functions.get_mut(id) {
            *slot = Some(body);
        }
        Ok(id)
    }

    fn body(&mut self, definition: &Definition) -> Compiled<N> {
        let (scope, depth) = (self.scope.len(), self.depth);
        let mut values = Vec::new();
        for parameter in &definition.parameters {
            let name = parameter.trim_start_matches('$');
            if parameter.starts_with('$') {
                values.push((name, self.depth));
            }
            self.scope.push(Entry::Parameter { name: name.to_owned(), depth: self.depth });
            self.depth += 1;
        }
        let mut sources = Vec::new();
        for (name, parameter) in values {
            sources.push(Node::new(Kind::Parameter(self.depth - 1 - parameter)));
            self.scope.push(Entry::Variable { name: name.to_owned(), depth: self.depth });
            self.depth += 1;
        }
        let body = self.node(&definition.body);
        self.scope.truncate(scope);
        self.depth = depth;
        Ok(sources.into_iter().rev().fold(body?, |body, source| Node::new(Kind::Bind(source, body))))
    }

    fn call(&mut self, name: &str, arguments: &[Ast]) -> Compiled<Kind> {
        let arity = arguments.len();
        let found = self.scope.iter().rev().find_map(|entry| match entry {
            Entry::Function { name: other, arity: count, id, depth } if other == name && *count == arity => {
                Some((Some(*id), *depth))
            }
            Entry::Parameter { name: other, depth } if other == name && arity == 0 => Some((None, *depth)),
            _ => None,
        });
        match found {
            Some((Some(function), depth)) => return self.apply(function, self.depth - depth, arguments),
            Some((None, depth)) => return Ok(Kind::Parameter(self.depth - 1 - depth)),
            None => {}
        }
        if let Some(kind) = self.special(name, arguments)? {
            return Ok(kind);
        }
        let key = (name.to_owned(), arity);
        if let Some(function) = self.known.get(&key) {
            return self.apply(*function, self.depth, arguments);
        }
        if let Some(definition) = self.prelude.get(&key).cloned() {
            let (scope, depth) = (std::mem::take(&mut self.scope), std::mem::replace(&mut self.depth, 0));
            let id = self.functions.len();
            self.functions.push(None);
            self.known.insert(key, id);
            self.scope.push(Entry::Function { name: name.to_owned(), arity, id, depth: 0 });
            let body = self.body(&definition);
            (self.scope, self.depth) = (scope, depth);
            let body = body?;
            if let Some(slot) = self.functions.get_mut(id) {
                *slot = Some(body);
            }
            return self.apply(id, self.depth, arguments);
        }
        if let Some(native) = natives::find(name, arity) {
            let arguments =
                arguments.iter().map(|argument| self.node(argument)).collect::<Compiled<Vec<N>>>()?;
            return Ok(Kind::Native(native, arguments.into()));
        }
        Err(CompileError::Undefined(format!("{name}/{arity}")))
    }

    fn apply(&mut self, function: usize, pops: u32, arguments: &[Ast]) -> Compiled<Kind> {
        let arguments = arguments.iter().map(|argument| self.node(argument)).collect::<Compiled<Vec<N>>>()?;
        Ok(Kind::Call { function, pops, arguments: arguments.into() })
    }

    /// What the machine does itself.
    fn special(&mut self, name: &str, arguments: &[Ast]) -> Compiled<Option<Kind>> {
        let constant = |number: f64| Node::new(Kind::Const(Value::Number(number)));
        Ok(Some(match (name, arguments) {
            ("empty", []) => Kind::Empty,
            ("true", []) => Kind::Const(Value::Bool(true)),
            ("false", []) => Kind::Const(Value::Bool(false)),
            ("null", []) => Kind::Const(Value::Null),
            ("path", [inner]) => Kind::Path(self.node(inner)?),
            ("getpath", [path]) => Kind::GetPath(self.node(path)?),
            ("select", [condition]) => {
                Kind::If(self.node(condition)?, Node::new(Kind::Identity), Node::new(Kind::Empty))
            }
            ("map", [inner]) => {
                let each = Node::new(Kind::Iterate(Node::new(Kind::Identity)));
                let inner = self.node(inner)?;
                Kind::Collect(Node::new(Kind::Pipe(each, inner)))
            }
            ("range", [to]) => Kind::Range(constant(0.0), self.node(to)?, constant(1.0)),
            ("range", [from, to]) => Kind::Range(self.node(from)?, self.node(to)?, constant(1.0)),
            ("range" | "_range", [from, to, by]) => {
                Kind::Range(self.node(from)?, self.node(to)?, self.node(by)?)
            }
            ("first", [inner]) => Kind::First(self.node(inner)?),
            ("last", [inner]) => Kind::Last(self.node(inner)?),
            ("limit" | "skip", [count, inner]) => {
                let make = |count: N, inner: N| {
                    if name == "limit" { Kind::Limit(count, inner) } else { Kind::Skip(count, inner) }
                };
                let count = self.node(count)?;
                if count.simple.is_some() {
                    return Ok(Some(make(count, self.node(inner)?)));
                }
                let body = self.bound("", &mut |compiler| {
                    let inner = compiler.node(inner)?;
                    Ok(Node::new(make(Node::new(Kind::Var(0)), inner)))
                })?;
                Kind::Bind(count, body)
            }
            ("input", []) => Kind::Input { all: false },
            ("inputs", []) => Kind::Input { all: true },
            ("modulemeta", []) => Kind::ModuleMeta,
            _ => return Ok(None),
        }))
    }
}

fn native(name: &str, arity: usize) -> super::host::Native {
    natives::find(name, arity).unwrap_or(|_, _, _| Ok(Value::Null))
}

/// Joins nodes pairwise, from the right.
fn chain(mut nodes: Vec<N>, join: fn(N, N) -> Kind) -> Kind {
    let Some(last) = nodes.pop() else { return Kind::Identity };
    let mut result = last;
    while let Some(node) = nodes.pop() {
        result = Node::new(join(node, result));
    }
    unwrap(result)
}

/// The operation of a node that nobody else has.
fn unwrap(node: N) -> Kind {
    match Rc::try_unwrap(node) {
        Ok(mut node) => std::mem::replace(&mut node.kind, Kind::Empty),
        // It is shared: as a step of its own.
        Err(node) => Kind::Pipe(Node::new(Kind::Identity), node),
    }
}
