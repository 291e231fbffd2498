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

    /// The pattern with the group that each back-reference names in its place, which matches where this one does, and
    /// perhaps elsewhere. `None`: it would be too large.
    pub(crate) fn without_back_references(&self) -> Option<Self> {
        /// Parts of a pattern that are worth it.
        const MOST: usize = 2_000;
        let mut groups = Vec::new();
        let mut count = 0;
        let root = self.expand(&mut groups, &mut count);
        (count <= MOST).then_some(root)
    }

    fn expand(&self, groups: &mut Vec<(u32, Self)>, count: &mut usize) -> Self {
        *count += 1;
        if *count > 10_000 {
            return Self::Empty;
        }
        match self {
            Self::Group(number, inner) => {
                let inner = inner.expand(groups, count);
                groups.push((*number, inner.clone()));
                Self::Group(*number, Box::new(inner))
            }
            Self::Concat(nodes) => {
                Self::Concat(nodes.iter().map(|node| node.expand(groups, count)).collect())
            }
            Self::Alternate(nodes) => {
                Self::Alternate(nodes.iter().map(|node| node.expand(groups, count)).collect())
            }
            Self::Repeat { node, min, max } => {
                Self::Repeat { node: Box::new(node.expand(groups, count)), min: *min, max: *max }
            }
            Self::BackReference(number) => {
                let group = groups.iter().rev().find(|(other, _)| other == number);
                group.map_or(Self::Empty, |(_, node)| node.clone().into_text(count))
            }
            node => node.clone(),
        }
    }

    /// What a text that this one matched is, wherever it stands: without places and groups.
    fn into_text(self, count: &mut usize) -> Self {
        *count += 1;
        match self {
            Self::Assert(_) => Self::Empty,
            Self::Group(_, inner) => inner.into_text(count),
            Self::Concat(nodes) => {
                Self::Concat(nodes.into_iter().map(|node| node.into_text(count)).collect())
            }
            Self::Alternate(nodes) => {
                Self::Alternate(nodes.into_iter().map(|node| node.into_text(count)).collect())
            }
            Self::Repeat { node, min, max } => {
                Self::Repeat { node: Box::new(node.into_text(count)), min, max }
            }
            node => node,
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
