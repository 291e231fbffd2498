//! Programs of jq as trees.

use std::rc::Rc;

use super::value::Value;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Ast {
    Identity,
    /// `..`
    Descend,
    Const(Value),
    /// `$name`
    Var(String),
    /// `f(…)`
    Call(String, Vec<Ast>),
    /// A format, as a filter.
    Format(String),
    /// The parts of a text with interpolations, each through the format.
    Text(String, Vec<Part>),
    /// `t[k]`
    Index(Box<Ast>, Box<Ast>),
    /// `t[]`
    Iterate(Box<Ast>),
    /// `t[from:to]`
    Slice(Box<Ast>, Option<Box<Ast>>, Option<Box<Ast>>),
    Pipe(Vec<Ast>),
    Comma(Vec<Ast>),
    Negate(Box<Ast>),
    Binary(Operator, Box<Ast>, Box<Ast>),
    Array(Option<Box<Ast>>),
    Object(Vec<(Ast, Ast)>),
    Try(Box<Ast>, Option<Box<Ast>>),
    If(Box<Ast>, Box<Ast>, Box<Ast>),
    /// `source as pattern ?// pattern | body`
    As(Box<Ast>, Vec<Pattern>, Box<Ast>),
    Reduce(Box<Ast>, Vec<Pattern>, Box<Ast>, Box<Ast>),
    Foreach(Box<Ast>, Vec<Pattern>, Box<Ast>, Box<Ast>, Option<Box<Ast>>),
    Label(String, Box<Ast>),
    Break(String),
    /// Definitions, and what they are for.
    Def(Rc<Definition>, Box<Ast>),
}

/// A piece of a text.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Plain(String),
    Inner(Ast),
}

/// What binds variables.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    Var(String),
    Array(Vec<Pattern>),
    /// The key; the variable that also gets the member; what takes it apart.
    Object(Vec<(Ast, Option<String>, Option<Pattern>)>),
}

impl Pattern {
    /// The variables, each once.
    pub(crate) fn names(&self, names: &mut Vec<String>) {
        let mut add = |name: &String| {
            if !names.contains(name) {
                names.push(name.clone());
            }
        };
        match self {
            Pattern::Var(name) => add(name),
            Pattern::Array(patterns) => patterns.iter().for_each(|pattern| pattern.names(names)),
            Pattern::Object(members) => {
                for (_, name, pattern) in members {
                    if let Some(name) = name
                        && !names.contains(name)
                    {
                        names.push(name.clone());
                    }
                    if let Some(pattern) = pattern {
                        pattern.names(names);
                    }
                }
            }
        }
    }
}

/// `def name(parameters): body;`
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    /// Those with a `$` are values.
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Ast,
}

/// What stands between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    Alternative,
    Assign,
    Modify,
    /// `+=` and the like.
    ModifyWith(Arithmetic),
    /// `//=`
    ModifyAlternative,
}

/// What an update can compute with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl From<Arithmetic> for Operator {
    fn from(operator: Arithmetic) -> Operator {
        match operator {
            Arithmetic::Add => Operator::Add,
            Arithmetic::Subtract => Operator::Subtract,
            Arithmetic::Multiply => Operator::Multiply,
            Arithmetic::Divide => Operator::Divide,
            Arithmetic::Remainder => Operator::Remainder,
        }
    }
}

/// A dependency: `import` or `include`.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) path: String,
    /// `import … as name`; `None`: `include`.
    pub(crate) name: Option<String>,
    /// `as $name`: data.
    pub(crate) data: bool,
    pub(crate) meta: Option<Value>,
}

/// A text of jq: a program or a module.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) meta: Option<Value>,
    pub(crate) imports: Vec<Import>,
    pub(crate) definitions: Vec<Rc<Definition>>,
    pub(crate) body: Option<Ast>,
}
