//! What bc programs are compiled to.

/// A place for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Variable(usize),
    /// Its index is on the stack.
    Element(usize),
    Scale,
    InputBase,
    OutputBase,
    Last,
}

/// An operator of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Rest,
    Raise,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// An instruction.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Digits, to be read in the base of the moment.
    Number(Vec<u8>),
    Load(Place),
    /// Leaves the value.
    Store(Place),
    /// \[index\] → the same twice
    DuplicateIndex,
    Binary(Binary),
    Negate,
    Not,
    /// place: by, and whether the old value is left.
    Step(Place, i64, bool),
    Root,
    Length,
    ScaleOf,
    Read,
    Random,
    /// Prints the value and a newline.
    Show,
    /// Prints the value.
    Print,
    Text(Vec<u8>, bool),
    Drop,
    Duplicate,
    Jump(usize),
    JumpIfZero(usize),
    JumpUnlessZero(usize),
    /// function; arguments: for an array its number.
    Call(usize, Vec<Option<usize>>),
    Return,
    Halt,
    Limits,
    Warranty,
}

impl Op {
    /// The bytes that it is long in GNU's code, which tells addresses.
    pub(super) fn size(&self) -> usize {
        match self {
            Op::Number(digits) if digits == b"0" || digits == b"1" => 1,
            Op::Number(digits) => digits.len() + 2,
            Op::Load(_) | Op::Store(_) | Op::Root | Op::Length | Op::ScaleOf | Op::Read | Op::Random => 2,
            Op::Step(..) => 4,
            Op::Text(text, _) => text.len() + 2,
            Op::Jump(_) | Op::JumpIfZero(_) | Op::JumpUnlessZero(_) => 3,
            Op::Call(_, arguments) => arguments.len() + 3,
            _ => 1,
        }
    }
}

/// A parameter or local variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    Variable(usize),
    Array(usize),
    /// An array that is not copied.
    Reference(usize),
}

/// A function.
#[derive(Debug, Clone, Default)]
pub(super) struct Function {
    pub(super) name: Vec<u8>,
    pub(super) code: std::rc::Rc<Vec<Op>>,
    pub(super) defined: bool,
    pub(super) is_void: bool,
    pub(super) parameters: Vec<Local>,
    pub(super) locals: Vec<Local>,
}
