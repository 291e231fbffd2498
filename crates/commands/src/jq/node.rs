//! Compiled programs: trees whose names are resolved to places.

use std::rc::Rc;

use super::host::Native;
use super::syntax::Operator;
use super::value::Value;

/// A node, shared with the frames that wait for it.
pub(crate) type N = Rc<Node>;

/// An operation, and what is known of it beforehand.
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// One output or an error, without forks: it can be computed at once. The number bounds the recursion.
    pub(crate) simple: Option<u8>,
}

/// The deepest tree that is computed at once.
const MAX_SIMPLE: u8 = 24;

/// An operation.
pub(crate) enum Kind {
    Identity,
    Const(Value),
    /// The variable that was bound so many bindings ago.
    Var(u32),
    Pipe(N, N),
    Comma(N, N),
    Index(N, N),
    Iterate(N),
    Negate(N),
    Binary(Operator, N, N),
    And(N, N),
    Or(N, N),
    Alternative(N, N),
    Collect(N),
    Object(Rc<[(N, N)]>),
    /// The key of a slice.
    Slice(N, N),
    Try(N, Option<N>),
    If(N, N, N),
    /// For each output of the first, bound, the second.
    Bind(N, N),
    /// Each of the list is tried with the output of the first bound, the next after an error.
    Alternatives(N, Rc<[N]>),
    /// Source, start, and what leads to [`Kind::Update`] with the output of the source bound.
    Reduce(N, N, N),
    Foreach(N, N, N),
    Update(N),
    UpdateExtract(N, Option<N>),
    Label(N),
    Break(u32),
    Call {
        function: usize,
        /// Bindings since its definition.
        pops: u32,
        arguments: Rc<[N]>,
    },
    /// The parameter that was bound so many bindings ago.
    Parameter(u32),
    Native(Native, Rc<[N]>),
    Empty,
    Path(N),
    GetPath(N),
    Modify(N, N),
    /// Paths, and the value for all of them.
    Assign(N, N),
    Range(N, N, N),
    First(N),
    Last(N),
    /// The count is simple.
    Limit(N, N),
    Skip(N, N),
    /// The next input, or each of the rest.
    Input {
        all: bool,
    },
    /// What a module says of itself.
    ModuleMeta,
}

impl Node {
    pub(crate) fn new(kind: Kind) -> N {
        let simple = height(&kind).filter(|height| *height <= MAX_SIMPLE);
        Rc::new(Node { kind, simple })
    }
}

/// The rest of a chain of `|`, `,` or `elif`, if nobody else holds it.
fn take_rest(kind: &mut Kind) -> Option<N> {
    match kind {
        Kind::Pipe(_, rest) | Kind::Comma(_, rest) | Kind::If(_, _, rest)
            if Rc::strong_count(rest) == 1
                && matches!(rest.kind, Kind::Pipe(..) | Kind::Comma(..) | Kind::If(..)) =>
        {
            Some(std::mem::replace(rest, Rc::new(Node { kind: Kind::Empty, simple: None })))
        }
        _ => None,
    }
}

impl Drop for Node {
    /// A chain can be as long as a program, which the stack is not.
    fn drop(&mut self) {
        let mut rest = take_rest(&mut self.kind);
        while let Some(node) = rest {
            rest = Rc::try_unwrap(node).ok().and_then(|mut node| take_rest(&mut node.kind));
        }
    }
}

fn height(kind: &Kind) -> Option<u8> {
    let of = |nodes: &[&N]| -> Option<u8> {
        let mut most = 0;
        for node in nodes {
            most = most.max(node.simple?);
        }
        Some(most + 1)
    };
    match kind {
        Kind::Identity | Kind::Const(_) | Kind::Var(_) => Some(0),
        Kind::Negate(a) => of(&[a]),
        Kind::Pipe(a, b)
        | Kind::Index(a, b)
        | Kind::Binary(_, a, b)
        | Kind::And(a, b)
        | Kind::Or(a, b)
        | Kind::Alternative(a, b)
        | Kind::Slice(a, b) => of(&[a, b]),
        Kind::If(a, b, c) => of(&[a, b, c]),
        Kind::Object(members) => {
            let nodes: Vec<&N> = members.iter().flat_map(|(key, value)| [key, value]).collect();
            of(&nodes)
        }
        Kind::Native(_, arguments) => of(&arguments.iter().collect::<Vec<&N>>()),
        _ => None,
    }
}
