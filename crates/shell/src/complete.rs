//! Completion of the word before a cursor, for prompts.

use crate::text::Str;
use crate::vm::Vm;

/// Candidates that replace the text from byte `start` to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins.
    pub start: u32,
    /// What it could be, sorted.
    pub candidates: Vec<Vec<u8>>,
}

/// The start of the word that ends the text, and whether a command name stands there.
fn word_start(text: &[u8]) -> (usize, bool) {
    let mut start = 0;
    let mut command = true;
    let mut quote = 0u8;
    let mut at = 0;
    while let Some(&b) = text.get(at) {
        match b {
            b'\\' if quote != b'\'' => at += 1,
            b'\'' | b'"' => {
                if quote == 0 {
                    quote = b;
                } else if quote == b {
                    quote = 0;
                }
            }
            b' ' | b'\t' if quote == 0 => {
                let word = text.get(start..at).unwrap_or_default();
                if !word.is_empty() {
                    let name = word.split(|b| *b == b'=').next().unwrap_or_default();
                    let assignment = word.contains(&b'=') && crate::vm::variables::is_name(name);
                    let keyword = matches!(
                        word,
                        b"if"
                            | b"then"
                            | b"else"
                            | b"elif"
                            | b"while"
                            | b"until"
                            | b"do"
                            | b"!"
                            | b"{"
                            | b"time"
                    );
                    command = command && (assignment || keyword);
                }
                start = at + 1;
            }
            b'|' | b'&' | b';' | b'\n' | b'(' if quote == 0 => {
                command = true;
                start = at + 1;
            }
            b'<' | b'>' if quote == 0 => {
                command = false;
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    (start.min(text.len()), command)
}

impl Vm {
    /// Completions for the word that ends `text`.
    pub(crate) fn complete(&mut self, text: &[u8]) -> Completion {
        let (start, command) = word_start(text);
        let word = text.get(start..).unwrap_or_default();
        // A variable: from the dollar sign on.
        if let Some(dollar) = word.iter().rposition(|b| *b == b'$') {
            let name = word.get(dollar + 1..).unwrap_or_default();
            let (open, name) = match name.strip_prefix(b"{") {
                Some(name) => (true, name),
                None => (false, name),
            };
            if name.is_empty() || crate::vm::variables::is_name(name) {
                let names = self.completion_names(b"variable", name).unwrap_or_default();
                let candidates = names
                    .into_iter()
                    .map(|name| if open { [b"${", &*name, b"}"].concat() } else { [b"$", &*name].concat() })
                    .collect();
                return Completion { start: (start + dollar) as u32, candidates };
            }
        }
        let plain = crate::expand::glob::unescape(word);
        let mut candidates = if command && !plain.contains(&b'/') {
            self.completion_names(b"command", &plain).unwrap_or_default()
        } else {
            Vec::new()
        };
        if !command || plain.contains(&b'/') || candidates.is_empty() {
            let lookup = match plain.strip_prefix(b"~/") {
                Some(rest) => match self.tilde(b"") {
                    Some(home) => [&*home, b"/", rest].concat(),
                    None => plain.clone(),
                },
                None => plain.clone(),
            };
            let cut = lookup.len() - plain.len().min(lookup.len());
            for path in self.completion_names(b"file", &lookup).unwrap_or_default() {
                let directory = self.ctx.stat(&path, true).is_ok_and(|stat| stat.is_directory());
                let shown = if plain.starts_with(b"~/") {
                    [b"~", path.get(cut + 1..).unwrap_or_default()].concat()
                } else {
                    path
                };
                let mut quoted = if shown.starts_with(b"~") {
                    shown
                } else {
                    wasmsh_syntax::quote::backslash(&Str::from(shown)).into_owned()
                };
                if directory {
                    quoted.push(b'/');
                }
                candidates.push(quoted);
            }
        }
        candidates.sort();
        candidates.dedup();
        Completion { start: start as u32, candidates }
    }
}

#[cfg(test)]
mod tests {
    use super::word_start;

    #[test]
    fn the_word_before_the_cursor() {
        assert_eq!(word_start(b"ec"), (0, true));
        assert_eq!(word_start(b"ls /usr/b"), (3, false));
        assert_eq!(word_start(b"a | gr"), (4, true));
        assert_eq!(word_start(b"x=1 ec"), (4, true));
        assert_eq!(word_start(b"cat \"a b"), (4, false));
        assert_eq!(word_start(b"cat < fi"), (6, false));
        assert_eq!(word_start(b""), (0, true));
    }
}
