//! The tree of a parsed pattern.

use crate::class::Class;

/// A part of a pattern. Depth is bounded by the parser, so the functions over it may recurse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Empty,
    /// One character.
    Char(char),
    /// A byte that belongs to no UTF-8 sequence, or any byte of 0x80 and above when characters are bytes.
    Byte(u8),
    Any,
    Class(Class),
    Assert(Assert),
    /// `( … )` with its number, from 1 on.
    Group(u32, Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        /// `None`: as often as can be.
        max: Option<u32>,
    },
    BackReference(u32),
}

/// A place in the haystack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Assert {
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `` \` ``
    BufferStart,
    /// `\'`
    BufferEnd,
    /// `\<`
    WordStart,
    /// `\>`
    WordEnd,
    /// `\b`
    WordBoundary,
    /// `\B`
    NotWordBoundary,
}

impl Node {
    /// How the leftmost-first and the leftmost-longest match can differ: alternatives, and repetitions whose
    /// count is open. With no alternative and at most one open repetition they cannot.
    pub(crate) fn ambiguity(&self) -> usize {
        match self {
            Self::Alternate(nodes) => 2 + nodes.iter().map(Self::ambiguity).sum::<usize>(),
            Self::Concat(nodes) => nodes.iter().map(Self::ambiguity).sum(),
            Self::Group(_, node) => node.ambiguity(),
            Self::Repeat { node, min, max } => usize::from(*max != Some(*min)) + node.ambiguity(),
            _ => 0,
        }
    }

    /// The pattern when it is nothing but characters.
    pub(crate) fn literal(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut push = |node: &Self| match node {
            Self::Char(char) => {
                bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                true
            }
            Self::Byte(byte) => {
                bytes.push(*byte);
                true
            }
            Self::Empty => true,
            _ => false,
        };
        let all = match self {
            Self::Concat(nodes) => nodes.iter().all(push),
            node => push(node),
        };
        all.then_some(bytes)
    }
}
