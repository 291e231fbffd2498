//! Which names are meant: members that were named, and patterns that leave files out.

use bstr::{BString, ByteSlice};

use crate::glob::Glob;

/// How a pattern is compared with names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matching {
    pub(super) wildcards: bool,
    /// Only at the beginning of the name, not behind every slash.
    pub(super) anchored: bool,
    pub(super) ignore_case: bool,
    /// Wildcards match slashes.
    pub(super) slash: bool,
    /// What is below a matching directory matches.
    pub(super) recursive: bool,
}

/// A pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    text: BString,
    glob: Glob,
    how: Matching,
}

impl Pattern {
    pub(super) fn new(text: &[u8], how: Matching) -> Pattern {
        let text = if text.len() > 1 { text.strip_suffix(b"/").unwrap_or(text) } else { text };
        let glob = Glob::new(text).ignore_case(how.ignore_case).pathname(!how.slash);
        Pattern { text: text.into(), glob, how }
    }

    fn whole(&self, name: &[u8]) -> bool {
        if self.how.wildcards {
            self.glob.matches(name)
        } else if self.how.ignore_case {
            self.text.eq_ignore_ascii_case(name)
        } else {
            self.text == name
        }
    }

    /// Whether it matches the name, or a directory that the name is in.
    fn matches_here(&self, name: &[u8]) -> bool {
        self.whole(name)
            || (self.how.recursive
                && memchr::memchr_iter(b'/', name)
                    .any(|slash| slash > 0 && self.whole(name.get(..slash).unwrap_or_default())))
    }

    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let name = if name.len() > 1 { name.strip_suffix(b"/").unwrap_or(name) } else { name };
        self.matches_here(name)
            || (!self.how.anchored
                && memchr::memchr_iter(b'/', name).any(|slash| {
                    let tail = name.get(slash + 1..).unwrap_or_default();
                    !tail.starts_with(b"/") && self.matches_here(tail)
                }))
    }
}

/// The members that an operation is about.
pub(super) struct Selection {
    names: Vec<Wanted>,
}

struct Wanted {
    text: BString,
    pattern: Pattern,
    directory: BString,
    found: u64,
}

impl Selection {
    /// Names, each with the directory that it is extracted into.
    pub(super) fn new(names: Vec<(BString, BString)>, how: Matching) -> Selection {
        let names = names
            .into_iter()
            .map(|(text, directory)| Wanted { pattern: Pattern::new(&text, how), text, directory, found: 0 })
            .collect();
        Selection { names }
    }

    /// Whether a member is wanted: where to put it; `None` inside: no name was given.
    pub(super) fn wants(&mut self, name: &[u8], occurrence: Option<u64>) -> Option<Option<BString>> {
        if self.names.is_empty() {
            return Some(None);
        }
        for wanted in &mut self.names {
            if wanted.pattern.matches(name) {
                wanted.found += 1;
                return match occurrence {
                    Some(number) if wanted.found != number => None,
                    _ => Some(Some(wanted.directory.clone())),
                };
            }
        }
        None
    }

    /// Whether every name has been met as often as was asked for, so that reading on is of no use.
    pub(super) fn is_done(&self, occurrence: Option<u64>) -> bool {
        occurrence.is_some_and(|number| {
            !self.names.is_empty() && self.names.iter().all(|wanted| wanted.found >= number)
        })
    }

    /// The names that no member had, or not so many.
    pub(super) fn missing(&self, occurrence: Option<u64>) -> impl Iterator<Item = &BString> {
        self.names
            .iter()
            .filter(move |wanted| wanted.found < occurrence.unwrap_or(1))
            .map(|wanted| &wanted.text)
    }
}

/// Files of version control systems (`--exclude-vcs`).
pub(super) const VCS: &[&str] = &[
    "CVS",
    ".cvsignore",
    "RCS",
    "SCCS",
    ".svn",
    ".git",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".arch-ids",
    "{arch}",
    "=RELEASE-ID",
    "=meta-update",
    "=update",
    ".bzr",
    ".bzrignore",
    ".bzrtags",
    ".hg",
    ".hgignore",
    ".hgtags",
    "_darcs",
];

/// Backups and lock files (`--exclude-backups`).
pub(super) const BACKUPS: &[&str] = &[".#*", "*~", "#*#"];

/// Whether a text has characters that are special in patterns.
pub(super) fn has_wildcards(text: &[u8]) -> bool {
    text.find_byteset(b"*?[").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_parts() {
        let how =
            Matching { wildcards: true, anchored: false, ignore_case: false, slash: true, recursive: true };
        let pattern = Pattern::new(b"*.o", how);
        assert!(pattern.matches(b"a/b.o"));
        assert!(pattern.matches(b"b.o/c"));
        assert!(!pattern.matches(b"a/b.oo"));
        let anchored = Pattern::new(b"b", Matching { anchored: true, wildcards: false, ..how });
        assert!(anchored.matches(b"b/c"));
        assert!(!anchored.matches(b"a/b"));
    }
}
