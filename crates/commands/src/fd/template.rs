//! The commands of `fd -x` and `-X`, with placeholders for the files.

use bstr::{BString, ByteSlice};

use crate::path::{base_name, parent};

#[derive(Clone)]
enum Part {
    Text(BString),
    Path,
    Base,
    Parent,
    Stem,
    BaseStem,
}

/// A command with its arguments.
pub(super) struct Template {
    words: Vec<Vec<Part>>,
    /// One command gets several files.
    batch: bool,
}

const MARKS: &[(&str, Part)] = &[
    ("{//}", Part::Parent),
    ("{/.}", Part::BaseStem),
    ("{/}", Part::Base),
    ("{.}", Part::Stem),
    ("{}", Part::Path),
];

impl Template {
    /// The words of a command; without a placeholder the path stands at the end.
    pub(super) fn new(words: &[BString], batch: bool) -> Template {
        let mut words: Vec<Vec<Part>> = words.iter().map(|word| parts(word)).collect();
        let placed = words.iter().flatten().any(|part| !matches!(part, Part::Text(_)));
        if !placed {
            words.push(vec![Part::Path]);
        }
        Template { words, batch }
    }

    /// How many arguments have placeholders.
    pub(super) fn places(&self) -> usize {
        self.words.iter().filter(|word| word.iter().any(|part| !matches!(part, Part::Text(_)))).count()
    }

    /// Whether the command itself is a placeholder.
    pub(super) fn begins_with_place(&self) -> bool {
        self.words.first().is_some_and(|word| word.iter().any(|part| !matches!(part, Part::Text(_))))
    }

    /// The command for these files: an argument with a placeholder stands once for each.
    pub(super) fn fill(&self, paths: &[BString], separator: Option<&[u8]>) -> Vec<BString> {
        let mut out = Vec::new();
        for word in &self.words {
            let fixed = word.iter().all(|part| matches!(part, Part::Text(_)));
            let paths = if fixed || !self.batch { paths.get(..1).unwrap_or_default() } else { paths };
            for path in paths {
                let mut text = BString::default();
                for part in word {
                    let value: &[u8] = match part {
                        Part::Text(text) => text.as_slice(),
                        Part::Path => path,
                        Part::Base => base_name(path),
                        Part::Parent => parent(path),
                        Part::Stem => stem(path.strip_prefix(b"./").unwrap_or(path)),
                        Part::BaseStem => stem(base_name(path)),
                    };
                    match (part, separator) {
                        (Part::Text(_), _) | (_, None) => text.extend_from_slice(value),
                        (_, Some(separator)) => text.extend_from_slice(&value.replace("/", separator)),
                    }
                }
                out.push(text);
            }
        }
        out
    }
}

fn parts(word: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = BString::default();
    let mut rest = word;
    while let Some(first) = rest.first() {
        if let Some((mark, part)) = MARKS.iter().find(|(mark, _)| rest.starts_with(mark.as_bytes())) {
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(part.clone());
            rest = rest.get(mark.len()..).unwrap_or_default();
        } else {
            text.push(*first);
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    if !text.is_empty() || parts.is_empty() {
        parts.push(Part::Text(text));
    }
    parts
}

/// The path without the extension of its name.
fn stem(path: &[u8]) -> &[u8] {
    let name = base_name(path);
    match name.rfind_byte(b'.') {
        Some(dot) if dot > 0 => path.get(..path.len() - (name.len() - dot)).unwrap_or(path),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(words: &[&str], batch: bool, paths: &[&str]) -> Vec<String> {
        let words: Vec<BString> = words.iter().map(|word| BString::from(*word)).collect();
        let paths: Vec<BString> = paths.iter().map(|path| BString::from(*path)).collect();
        Template::new(&words, batch).fill(&paths, None).iter().map(BString::to_string).collect()
    }

    #[test]
    fn placeholders() {
        assert_eq!(
            fill(&["a", "{/}-{.}", "{//}{/.}"], false, &["./d/x.tar.gz"]),
            ["a", "x.tar.gz-d/x.tar", "./dx.tar"]
        );
        assert_eq!(fill(&["ls", "-l"], true, &["a", "b"]), ["ls", "-l", "a", "b"]);
    }
}
