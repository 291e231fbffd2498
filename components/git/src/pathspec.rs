//! Which paths a command is about: folders, patterns, and the `:(…)` forms.

use gix::bstr::{BStr, BString, ByteSlice};
use gix::glob::wildmatch;
use gix::glob::wildmatch::Mode;

use crate::error::{Result, fatal};
use crate::session::Session;

/// One pattern.
#[derive(Clone, Debug)]
struct Pattern {
    /// As the user wrote it.
    text: BString,
    /// From the root on, without a slash at its end.
    path: BString,
    exclude: bool,
    glob: bool,
    strict: bool,
    fold: bool,
    folder_only: bool,
}

/// All patterns of a command; none match everything.
#[derive(Clone, Debug, Default)]
pub struct Pathspec(Vec<Pattern>);

impl Pathspec {
    /// Reads the arguments.
    pub fn new(session: &Session<'_>, arguments: &[BString]) -> Result<Pathspec> {
        let mut patterns = Vec::new();
        for text in arguments {
            if text.is_empty() {
                return Err(fatal!(
                    "empty string is not a valid pathspec. please use . instead if you meant to match all paths"
                ));
            }
            patterns.push(read(session, text.as_bstr())?);
        }
        if !patterns.is_empty() && patterns.iter().all(|pattern| pattern.exclude) {
            patterns.push(read(session, b".".as_bstr())?);
        }
        Ok(Pathspec(patterns))
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file is meant.
    pub fn matches(&self, path: &BStr) -> bool {
        self.0.is_empty()
            || (self.0.iter().any(|pattern| !pattern.exclude && pattern.matches(path))
                && !self.0.iter().any(|pattern| pattern.exclude && pattern.matches(path)))
    }

    /// Whether something below a folder (with its slash) or a file can be meant.
    pub fn may_match(&self, path: &BStr) -> bool {
        if !path.ends_with(b"/") {
            return self.matches(path);
        }
        self.0.is_empty() || self.0.iter().any(|pattern| !pattern.exclude && pattern.may_match_below(path))
    }

    /// The first pattern (as the user wrote it) that none of the paths match.
    pub fn unmatched<'a>(&self, paths: impl Iterator<Item = &'a BStr> + Clone) -> Option<BString> {
        self.0
            .iter()
            .filter(|pattern| !pattern.exclude && !pattern.path.is_empty())
            .find(|pattern| !paths.clone().any(|path| pattern.matches(path)))
            .map(|pattern| pattern.text.clone())
    }

    /// The patterns that name one place: what the user wrote, and the path from the root on.
    pub fn places(&self) -> impl Iterator<Item = (&BStr, &BStr)> {
        self.0
            .iter()
            .filter(|pattern| !pattern.exclude)
            .map(|pattern| (pattern.text.as_bstr(), pattern.path.as_bstr()))
    }
}

impl Pattern {
    fn matches(&self, path: &BStr) -> bool {
        if self.path.is_empty() {
            return true;
        }
        let folded;
        let (wanted, path): (&BStr, &BStr) = if self.fold {
            folded = (self.path.to_ascii_lowercase(), path.to_ascii_lowercase());
            (folded.0.as_bstr(), folded.1.as_bstr())
        } else {
            (self.path.as_bstr(), path)
        };
        if let Some(rest) = path.strip_prefix(wanted.as_bytes())
            && (rest.starts_with(b"/") || (rest.is_empty() && !self.folder_only))
        {
            return true;
        }
        let mode = if self.strict { Mode::NO_MATCH_SLASH_LITERAL } else { Mode::empty() };
        self.glob && wildmatch(wanted, path, mode)
    }

    fn may_match_below(&self, folder: &BStr) -> bool {
        let literal = match self.path.find_byteset(b"*?[\\").filter(|_| self.glob) {
            Some(at) => &self.path[..at],
            None => &self.path[..],
        };
        if self.fold {
            return true;
        }
        let length = literal.len().min(folder.len());
        literal[..length] == folder[..length]
            || folder.strip_suffix(b"/").is_some_and(|folder| folder.starts_with(literal))
    }
}

fn read(session: &Session<'_>, text: &BStr) -> Result<Pattern> {
    let mut pattern = Pattern {
        text: text.to_owned(),
        path: BString::default(),
        exclude: false,
        glob: true,
        strict: false,
        fold: false,
        folder_only: text.ends_with(b"/"),
    };
    let mut rest = text;
    let mut top = false;
    if let Some(long) = text.strip_prefix(b":(") {
        let end = long
            .find_byte(b')')
            .ok_or_else(|| fatal!("Missing ')' at the end of pathspec magic in '{text}'"))?;
        for word in long[..end].split(|byte| *byte == b',') {
            match word {
                b"" => {}
                b"top" => top = true,
                b"exclude" => pattern.exclude = true,
                b"icase" => pattern.fold = true,
                b"glob" => pattern.strict = true,
                b"literal" => pattern.glob = false,
                other => {
                    return Err(fatal!("Invalid pathspec magic '{}' in '{text}'", other.as_bstr()));
                }
            }
        }
        rest = long[end + 1..].as_bstr();
    } else if let Some(mut short) = text.strip_prefix(b":") {
        loop {
            match short.first() {
                Some(b'/') => top = true,
                Some(b'!' | b'^') => pattern.exclude = true,
                Some(b':') => {
                    short = &short[1..];
                    break;
                }
                _ => break,
            }
            short = &short[1..];
        }
        rest = short.as_bstr();
    }
    pattern.path = if top {
        let mut path = BString::from("/");
        path.extend_from_slice(rest);
        BString::from(path.trim_with(|letter| letter == '/'))
    } else {
        session.inside(rest)?
    };
    pattern.glob &= pattern.path.find_byteset(b"*?[\\").is_some();
    Ok(pattern)
}
