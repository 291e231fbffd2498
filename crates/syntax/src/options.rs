//! What changes the grammar: parser options and aliases.

use std::borrow::Cow;

/// Settings of the shell that change how source text is read. They may change between complete commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParserOptions {
    /// `shopt -s extglob`: `?( *( +( @( !(` in words begin extended patterns. (Inside `[[ … ]]` right of
    /// `==` and `!=` they always do.)
    pub extglob: bool,
    /// POSIX mode.
    pub posix: bool,
    /// `#` begins a comment (`shopt interactive_comments`, which non-interactive shells need not look at).
    pub comments: bool,
    /// Aliases are expanded (`shopt expand_aliases`).
    pub aliases: bool,
    /// `set -k`: assignments among the arguments of a command are put before it.
    pub keyword: bool,
    /// How deep constructs may nest. Memory is the only cost of a higher limit: the native stack is not used.
    pub max_depth: u32,
}

impl Default for ParserOptions {
    fn default() -> Self {
        ParserOptions {
            extglob: false,
            posix: false,
            comments: true,
            aliases: false,
            keyword: false,
            max_depth: 100_000,
        }
    }
}

/// The alias table, owned by the caller.
pub trait Aliases {
    /// The replacement text of an alias.
    fn get(&self, name: &[u8]) -> Option<Cow<'_, [u8]>>;
}

/// No aliases.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAliases;

impl Aliases for NoAliases {
    fn get(&self, _: &[u8]) -> Option<Cow<'_, [u8]>> {
        None
    }
}

impl<S: std::hash::BuildHasher> Aliases for std::collections::HashMap<Vec<u8>, Vec<u8>, S> {
    fn get(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.get(name).map(|text| Cow::Borrowed(&text[..]))
    }
}

impl Aliases for std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    fn get(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.get(name).map(|text| Cow::Borrowed(&text[..]))
    }
}
