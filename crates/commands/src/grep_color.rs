//! The colours of `grep`, by `GREP_COLORS`.

/// Numbers of SGR for what `grep` prints; an empty one is no colour.
pub(crate) struct Colors {
    /// The rest of selected lines, and of lines of context.
    pub(crate) selected: String,
    pub(crate) context: String,
    /// Matches in selected lines, and in lines of context.
    pub(crate) selected_match: String,
    pub(crate) context_match: String,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) offset: String,
    pub(crate) separator: String,
    /// With `-v` the two kinds of lines change their colours.
    pub(crate) reversed: bool,
    /// Each sequence clears the rest of its line.
    clears: bool,
}

impl Default for Colors {
    fn default() -> Colors {
        Colors {
            selected: String::new(),
            context: String::new(),
            selected_match: "01;31".into(),
            context_match: "01;31".into(),
            name: "35".into(),
            number: "32".into(),
            offset: "32".into(),
            separator: "36".into(),
            reversed: false,
            clears: true,
        }
    }
}

impl Colors {
    /// One colour for all matches: what `GREP_COLOR` once said.
    pub(crate) fn set_matches(&mut self, value: &str) {
        self.selected_match = value.into();
        self.context_match = value.into();
    }

    /// Reads `name=value:name:…`, up to what is malformed.
    pub(crate) fn read(&mut self, text: &[u8]) {
        for part in text.split(|byte| *byte == b':') {
            let (name, value) = match part.iter().position(|byte| *byte == b'=') {
                Some(at) => (part.get(..at).unwrap_or_default(), part.get(at + 1..)),
                None => (part, None),
            };
            let value = match value {
                None => None,
                Some(value) if value.iter().all(|byte| byte.is_ascii_digit() || *byte == b';') => {
                    Some(String::from_utf8_lossy(value).into_owned())
                }
                Some(_) => return,
            };
            match (name, value) {
                (b"rv", None) => self.reversed = true,
                (b"ne", None) => self.clears = false,
                (b"mt", Some(value)) => self.set_matches(&value),
                (b"ms", Some(value)) => self.selected_match = value,
                (b"mc", Some(value)) => self.context_match = value,
                (b"sl", Some(value)) => self.selected = value,
                (b"cx", Some(value)) => self.context = value,
                (b"fn", Some(value)) => self.name = value,
                (b"ln", Some(value)) => self.number = value,
                (b"bn", Some(value)) => self.offset = value,
                (b"se", Some(value)) => self.separator = value,
                _ => {}
            }
        }
    }

    /// Begins a colour.
    pub(crate) fn begin(&self, color: &str, out: &mut Vec<u8>) {
        if !color.is_empty() {
            out.extend_from_slice(format!("\x1b[{color}m").as_bytes());
            if self.clears {
                out.extend_from_slice(b"\x1b[K");
            }
        }
    }

    /// Ends it.
    pub(crate) fn end(&self, color: &str, out: &mut Vec<u8>) {
        if !color.is_empty() {
            out.extend_from_slice(if self.clears { b"\x1b[m\x1b[K" } else { b"\x1b[m" });
        }
    }

    /// A text in a colour.
    pub(crate) fn put(&self, color: &str, text: &[u8], out: &mut Vec<u8>) {
        self.begin(color, out);
        out.extend_from_slice(text);
        self.end(color, out);
    }
}
