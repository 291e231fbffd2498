//! Pathname expansion (POSIX XCU 2.13.3, bash manual "Filename Expansion").

use wasmsh_os::FileType;
use wasmsh_syntax::pattern::Pattern;

use crate::expand::pattern::has_magic;
use crate::options::Shopt;
use crate::symbol::known;
use crate::text::Str;
use crate::vm::{Unwind, Vm};

/// One component of a pattern.
enum Component {
    /// A name as it is.
    Plain(Vec<u8>),
    Pattern(std::rc::Rc<Pattern>),
    /// `**` with `globstar`.
    Any,
}

/// What `**` is to give.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tree {
    /// Something follows it: directories.
    Inner,
    /// It is the last: everything.
    All,
    /// It is the last, with a slash behind it: directories, and links to such.
    Directories,
}

impl Vm {
    /// Pushes the names that match `pattern`, or `text` if none does.
    pub(crate) fn pathname_expansion(&mut self, pattern: &[u8], text: Vec<u8>) -> Result<(), Unwind> {
        // A set GLOBIGNORE lets names with a dot be found.
        let ignores =
            self.shell.vars.get(known::GLOBIGNORE).value.scalar().is_some_and(|text| !text.is_empty());
        let mut names = self.glob_with(pattern, ignores || self.shopt(Shopt::DotGlob));
        if let Some(ignore) =
            self.shell.vars.get(known::GLOBIGNORE).value.scalar().filter(|text| !text.is_empty())
        {
            let patterns: Vec<Vec<_>> = split_colons(&ignore)
                .into_iter()
                .map(|text| split_path(text).into_iter().map(|part| self.pattern(part, false)).collect())
                .collect();
            names.retain(|name| {
                let base = name.rsplit(|b| *b == b'/').next().unwrap_or_default();
                // A slash is matched by a slash alone.
                let ignored = patterns.iter().any(|pattern| {
                    let parts: Vec<&[u8]> = name.split(|b| *b == b'/').collect();
                    parts.len() == pattern.len()
                        && parts.iter().zip(pattern).all(|(part, pattern)| pattern.is_match(part))
                });
                !ignored && base != b"." && base != b".."
            });
        }
        if names.is_empty() {
            if self.shopt(Shopt::FailGlob) {
                let mut message = b"no match: ".to_vec();
                message.extend_from_slice(&text);
                self.error(&message);
                return Err(self.failed_expansion());
            }
            if !self.shopt(Shopt::NullGlob) {
                self.args.push(text.into());
            }
            return Ok(());
        }
        self.args.extend(names.into_iter().map(Str::from));
        Ok(())
    }

    /// The names that match `pattern`, sorted.
    pub(crate) fn glob(&mut self, pattern: &[u8]) -> Vec<Vec<u8>> {
        self.glob_with(pattern, self.shopt(Shopt::DotGlob))
    }

    fn glob_with(&mut self, pattern: &[u8], dotglob: bool) -> Vec<Vec<u8>> {
        let nocase = self.shopt(Shopt::NoCaseGlob);
        let globstar = self.shopt(Shopt::GlobStar);
        let mut base = Vec::new();
        let mut rest = pattern;
        while let Some(tail) = rest.strip_prefix(b"/") {
            base.push(b'/');
            rest = tail;
        }
        let mut components = Vec::new();
        let mut directory_only = false;
        for part in split_path(rest) {
            if part.is_empty() {
                directory_only = true;
                continue;
            }
            directory_only = false;
            components.push(if globstar && part == b"**" {
                // One after the other stand for no more than one.
                if matches!(components.last(), Some(Component::Any)) {
                    continue;
                }
                Component::Any
            } else if has_magic(part) {
                Component::Pattern(self.pattern(part, nocase))
            } else {
                Component::Plain(unescape(part))
            });
        }
        let mut found = vec![base];
        let count = components.len();
        for (number, component) in components.iter().enumerate() {
            let last = number + 1 == count;
            let mut next = Vec::new();
            for prefix in &found {
                match component {
                    Component::Plain(name) => {
                        let mut path = prefix.clone();
                        path.extend_from_slice(name);
                        // A plain name at the end must exist; in the middle the next directory tells.
                        if last && self.ctx.stat(&path, false).is_err() {
                            continue;
                        }
                        next.push(path);
                    }
                    Component::Pattern(pattern) => {
                        self.glob_names(prefix, pattern, last && !directory_only, dotglob, &mut next)
                    }
                    Component::Any => {
                        let what = match (last, directory_only) {
                            (true, false) => Tree::All,
                            (true, true) => Tree::Directories,
                            (false, _) => Tree::Inner,
                        };
                        self.glob_tree(prefix, what, dotglob, &mut next);
                    }
                }
                self.fuel(4);
            }
            if !last || directory_only {
                for path in &mut next {
                    if !path.is_empty() && !path.ends_with(b"/") {
                        path.push(b'/');
                    }
                }
                // A directory of this name must be there.
                if matches!(component, Component::Plain(_)) && last {
                    next.retain(|path| self.ctx.stat(path, true).is_ok_and(|stat| stat.is_directory()));
                }
            }
            next.dedup();
            found = next;
            if found.is_empty() {
                return found;
            }
        }
        if count == 0 {
            return Vec::new();
        }
        found.sort();
        found.dedup();
        found
    }

    fn glob_names(
        &mut self,
        prefix: &[u8],
        pattern: &Pattern,
        last: bool,
        dotglob: bool,
        out: &mut Vec<Vec<u8>>,
    ) {
        let directory: &[u8] = if prefix.is_empty() { b"." } else { prefix };
        let Ok(entries) = self.ctx.read_directory(directory) else { return };
        if !self.shopt(Shopt::GlobSkipDots) {
            let names = [b".".as_slice(), b".."].into_iter().filter(|name| pattern.is_match_of_hidden(name));
            out.extend(names.map(|name| [prefix, name].concat()));
        }
        for entry in entries {
            let name = entry.name.as_bytes();
            let hidden = !dotglob && name.starts_with(b".");
            if !(if hidden { pattern.is_match_of_hidden(name) } else { pattern.is_match(name) }) {
                continue;
            }
            let mut path = prefix.to_vec();
            path.extend_from_slice(name);
            if !last && !self.is_directory(entry.stat.kind, &path) {
                continue;
            }
            out.push(path);
        }
    }

    fn is_directory(&self, kind: FileType, path: &[u8]) -> bool {
        match kind {
            FileType::Directory => true,
            FileType::SymbolicLink => self.ctx.stat(path, true).is_ok_and(|stat| stat.is_directory()),
            _ => false,
        }
    }

    /// `**`: what is below, without going through symbolic links.
    fn glob_tree(&mut self, prefix: &[u8], what: Tree, dotglob: bool, out: &mut Vec<Vec<u8>>) {
        // It also stands for no directory at all.
        let itself = if prefix.is_empty() {
            what == Tree::Inner
        } else {
            self.ctx.stat(prefix, true).is_ok_and(|stat| stat.is_directory())
        };
        if itself {
            out.push(prefix.to_vec());
        }
        let mut stack = vec![prefix.to_vec()];
        while let Some(prefix) = stack.pop() {
            self.fuel(8);
            let directory: &[u8] = if prefix.is_empty() { b"." } else { &prefix };
            let Ok(entries) = self.ctx.read_directory(directory) else { continue };
            for entry in entries {
                if entry.name.starts_with('.') && !dotglob {
                    continue;
                }
                let mut path = prefix.clone();
                path.extend_from_slice(entry.name.as_bytes());
                if entry.stat.is_directory() {
                    let mut inner = path.clone();
                    inner.push(b'/');
                    out.push(if what == Tree::All { path } else { inner.clone() });
                    stack.push(inner);
                } else if what == Tree::All
                    || what == Tree::Directories && self.is_directory(entry.stat.kind, &path)
                {
                    out.push(path);
                }
            }
        }
    }
}

/// Cuts at slashes; one inside an extended glob does not count.
fn split_path(pattern: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    let mut at = 0;
    while let Some(&b) = pattern.get(at) {
        match b {
            b'\\' if pattern.get(at + 1) != Some(&b'/') => at += 1,
            b'(' if at > 0 && matches!(pattern.get(at - 1), Some(b'?' | b'*' | b'+' | b'@' | b'!')) => {
                depth += 1
            }
            b')' if depth > 0 => depth -= 1,
            b'/' if depth == 0 => {
                parts.push(pattern.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(pattern.get(start..).unwrap_or_default());
    parts
}

/// Takes the backslashes out.
pub(crate) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(b) = bytes.next() {
        if b == b'\\' {
            out.extend(bytes.next());
        } else {
            out.push(b);
        }
    }
    out
}

/// Cuts at colons; one inside a bracket expression or an extended glob does not count.
fn split_colons(text: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0usize);
    while let Some(&b) = text.get(at) {
        match b {
            b'\\' => at += 1,
            b'[' => {
                // To the bracket that closes: not the first one, nor that of a class.
                let mut end = at + 1;
                if matches!(text.get(end), Some(b'!' | b'^')) {
                    end += 1;
                }
                if text.get(end) == Some(&b']') {
                    end += 1;
                }
                while let Some(&inner) = text.get(end) {
                    match inner {
                        b'[' if matches!(text.get(end + 1), Some(b':' | b'.' | b'=')) => {
                            let kind = text.get(end + 1).copied().unwrap_or_default();
                            let close =
                                memchr::memmem::find(text.get(end + 2..).unwrap_or_default(), &[kind, b']']);
                            end += close.map_or(1, |close| close + 4);
                        }
                        b']' => break,
                        _ => end += 1,
                    }
                }
                if end < text.len() {
                    at = end;
                }
            }
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.retain(|part| !part.is_empty());
    parts
}
