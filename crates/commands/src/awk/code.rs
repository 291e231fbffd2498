//! The code that programs are compiled to: instructions for a stack machine.

use super::ast::{Arith, Compare, Place, Var};
use super::value::Value;

/// Where an array is: a variable, or on the stack below its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Var(Var),
    Stack,
}

/// What `sub` and `getline` assign to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Nothing: the value is given, or goes to `$0`.
    None,
    Var(Var),
    /// Its number is on the stack.
    Field,
    /// Its key is on the stack, and the array if it is no variable.
    Element(Base),
}

impl Target {
    /// How many values on the stack lead to it.
    pub(super) fn depth(self) -> usize {
        match self {
            Target::None | Target::Var(_) => 0,
            Target::Field | Target::Element(Base::Var(_)) => 1,
            Target::Element(Base::Stack) => 2,
        }
    }
}

/// An instruction. Operands are taken from the stack, results are left on it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    Const(u32),
    Unset,
    /// A regular expression of the program, as a value.
    Regex(u32),
    Pop,
    Get(Var),
    /// NF, NR and the like.
    GetSpecial(u32),
    /// Leaves the value.
    Set(Var),
    /// Takes it.
    Store(Var),
    /// Adds to a number variable, or any other arithmetic: value → value
    Update(Var, Arith),
    /// The same, leaving nothing.
    UpdateStore(Var, Arith),
    /// A field by number; `$` by a constant.
    FieldAt(u32),
    /// The same, as a number.
    FieldNumber(u32),
    Field,
    /// value, number → value
    SetField,
    /// value, number → value
    UpdateField(Arith),
    /// number → value
    StepField(i8, bool),
    /// The array that a variable is.
    Array(Var),
    /// For an argument: an unset variable may become an array.
    Reference(Var),
    /// The same of an element: \[array,\] key → value
    ReferenceElement(Base),
    /// keys → key
    Join(u32),
    /// \[array,\] key → value
    Element(Base),
    /// The element whose key is a field.
    ElementOfField(Var, u32),
    /// value, \[array,\] key → value
    SetElement(Base),
    /// value, \[array,\] key →
    StoreElement(Base),
    /// value, \[array,\] key → value
    UpdateElement(Base, Arith),
    /// value →; the key is a field.
    UpdateOfField(Var, u32, Arith),
    /// \[array,\] key → value
    StepElement(Base, i8, bool),
    /// ; the key is a field.
    StepOfField(Var, u32, i8),
    /// \[array,\] key → array
    Subarray(Base),
    /// \[array,\] key → flag
    Contains(Base),
    /// \[array,\] key →
    Delete(Base),
    /// array →
    DeleteAll,
    Step(Var, i8, bool),
    /// Steps and leaves nothing.
    StepStore(Var, i8),
    Arith(Arith),
    Compare(Compare),
    Concat(u32),
    Negate,
    Plus,
    Not,
    /// value, pattern → flag; true: negated
    Match(bool),
    /// value → flag
    MatchStatic(u32, bool),
    /// Whether `$0` matches.
    MatchRecord(u32),
    Jump(u32),
    JumpIf(bool, u32),
    /// left, right →; jumps if the comparison comes out so.
    JumpCompare(Compare, bool, u32),
    /// Jumps if `$0` matches, or not.
    JumpRecord(u32, bool, u32),
    /// Jumps if the range is in progress.
    JumpInRange(u32, u32),
    BeginRange(u32),
    /// flag →; the range goes on or ends.
    EndRange(u32),
    Call(u32, u32),
    /// The name of a function that is not there.
    Undefined(u32),
    CallIndirect(Var, u32),
    Return,
    Builtin(&'static str, u32),
    /// `sub` and `gsub`: pattern, text, target → count
    Substitute(bool, Target),
    /// \[name,\] target → 1, 0 or -1
    Getline(Reader, Target),
    Print(u32, Writer),
    Printf(u32, Writer),
    /// Writes a field to standard output, and what follows.
    PutField(u32, After),
    /// value →
    Put(After),
    /// array →; begins a loop over its keys
    Iterate,
    /// Sets the variable to the next key, or jumps.
    NextKey(Var, u32),
    EndIterate,
    Next,
    NextFile,
    Exit(bool),
    /// subject, label → subject; jumps if it is the case
    Case(u32),
    End,
}

/// What stands behind a printed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// OFS.
    Separator,
    /// ORS; the output may be full.
    End,
}

/// Where `getline` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Main,
    File,
    Command,
    Coprocess,
}

/// Where `print` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Stdout,
    File,
    Append,
    Command,
    Coprocess,
}

/// A compiled program.
#[derive(Default)]
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    /// Where each instruction comes from.
    pub(super) places: Vec<Place>,
    pub(super) constants: Vec<Value>,
    pub(super) functions: Vec<Entry>,
    pub(super) begin: Option<usize>,
    pub(super) main: Option<usize>,
    pub(super) end: Option<usize>,
    pub(super) begin_file: Option<usize>,
    pub(super) end_file: Option<usize>,
    pub(super) globals: Vec<Vec<u8>>,
    pub(super) regexes: Vec<(Vec<u8>, Place)>,
    pub(super) sources: Vec<String>,
    pub(super) ranges: usize,
    /// SYMTAB or FUNCTAB occur.
    pub(super) uses_tables: bool,
}

/// Where a function begins.
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) at: usize,
    pub(super) parameters: Vec<Vec<u8>>,
}

impl Code {
    /// The place of a function by its name.
    pub(super) fn function(&self, name: &[u8]) -> Option<usize> {
        let name = name.strip_prefix(b"awk::").unwrap_or(name);
        self.functions.iter().position(|entry| entry.name == name)
    }

    /// A place as messages tell it.
    pub(super) fn place(&self, place: Place) -> String {
        let source = self.sources.get(place.source as usize).map_or("cmd. line", |source| source.as_str());
        format!("{source}:{}", place.line)
    }
}
