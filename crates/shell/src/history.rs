//! The list of commands that were read, for `history`, `fc` and `HISTCMD` (bash manual "Bash History Facilities").

pub(crate) mod expansion;

use crate::text::Str;

/// One command.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) text: Str,
    /// When it was added, in seconds since 1970.
    pub(crate) time: i64,
}

/// The list.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    /// How many have been taken off the beginning: `HISTSIZE` was reached.
    pub(crate) dropped: usize,
    /// Entries that are not in the history file yet, at the end of the list.
    pub(crate) fresh: usize,
    /// Lines of the history file that have been read.
    pub(crate) lines_read: usize,
    /// The command that is executed is the last entry.
    pub(crate) has_current: bool,
    /// What history expansion remembers.
    pub(crate) recent: expansion::Recent,
}

impl History {
    /// Appends an entry.
    pub(crate) fn add(&mut self, text: Str, time: i64) {
        self.entries.push(Entry { text, time });
        self.fresh += 1;
    }

    /// Takes the entry at `index` out.
    pub(crate) fn remove(&mut self, index: usize) {
        if index < self.entries.len() {
            self.entries.remove(index);
            self.fresh = self.fresh.min(self.entries.len());
        }
    }

    /// Keeps the last `size` entries. `added`: the list was full and has got one more; otherwise the limit has
    /// become lower, and bash then begins to count anew, one too low.
    pub(crate) fn stifle(&mut self, size: usize, added: bool) {
        let excess = self.entries.len().saturating_sub(size);
        if excess > 0 {
            self.entries.drain(..excess);
            self.dropped = if added { self.dropped + excess } else { excess - 1 };
            self.fresh = self.fresh.min(self.entries.len());
        }
    }

    /// The number of the first entry.
    pub(crate) fn base(&self) -> usize {
        self.dropped + 1
    }
}

/// The entries that the text of a complete command makes: lines of comments each one, the command one whose
/// lines are joined as `cmdhist` says, unless a here-document or a quotation holds their ends.
pub(crate) fn entries(text: &[u8], here_document: bool, join: bool) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let line = rest.get(..end).unwrap_or_default();
        let bare = line.trim_ascii_start();
        if !bare.is_empty() && !bare.starts_with(b"#") {
            break;
        }
        if !bare.is_empty() {
            entries.push(line.to_vec());
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    if rest.trim_ascii().is_empty() {
        return entries;
    }
    if here_document {
        entries.push(rest.to_vec());
        return entries;
    }
    let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
    if !join {
        entries.extend(rest.split(|b| *b == b'\n').map(<[u8]>::to_vec));
        return entries;
    }
    entries.push(joined(rest));
    entries
}

fn joined(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut quote = 0u8;
    let mut bytes = text.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        match b {
            b'\\' if quote != b'\'' => {
                out.push(b);
                out.extend(bytes.next());
                continue;
            }
            b'\'' | b'"' | b'`' => {
                if quote == 0 {
                    quote = b;
                } else if quote == b {
                    quote = 0;
                }
            }
            b'\n' if quote == 0 => {
                let line = out.trim_ascii_end();
                let word = line
                    .rsplit(|b| b.is_ascii_whitespace() || *b == b';' || *b == b'(')
                    .next()
                    .unwrap_or_default();
                let open = line.is_empty()
                    || line.ends_with(b";")
                    || line.ends_with(b"&")
                    || line.ends_with(b"|")
                    || line.ends_with(b"(")
                    || line.ends_with(b"{")
                    || matches!(
                        word,
                        b"do" | b"then" | b"else" | b"elif" | b"in" | b"if" | b"while" | b"until" | b"!"
                    );
                let next_in = {
                    let ahead: Vec<u8> = bytes.clone().take(3).collect();
                    ahead.starts_with(b"in") && ahead.get(2).is_none_or(u8::is_ascii_whitespace)
                };
                out.extend_from_slice(if open || next_in { b" " } else { b"; " });
                while bytes.next_if(|b| *b == b'\n').is_some() {}
                continue;
            }
            _ => {}
        }
        out.push(b);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::entries;

    fn texts(text: &str) -> Vec<String> {
        entries(text.as_bytes(), false, true)
            .into_iter()
            .map(|entry| String::from_utf8(entry).unwrap_or_default())
            .collect()
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(texts("for i in 1 2\ndo\necho $i; done\n"), ["for i in 1 2; do echo $i; done"]);
        assert_eq!(texts("# a\n\necho 'x\ny'\n"), ["# a", "echo 'x\ny'"]);
        assert_eq!(texts("a &&\nb\n"), ["a && b"]);
    }
}
