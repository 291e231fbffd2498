//! Tab stops as `expand` and `unexpand` take them: a list, a distance, and what follows the last of a list.

use bstr::{BString, ByteSlice};

use crate::{Fail, Tool};

/// Where tabs lead.
#[derive(Default)]
pub(crate) struct TabStops {
    list: Vec<u64>,
    /// `/N`: behind the list, the multiples of N.
    multiples: Option<u64>,
    /// `+N`: behind the list, every N columns from its last stop on.
    steps: Option<u64>,
}

/// What stands behind a column.
pub(crate) enum Next {
    Stop(u64),
    /// The list is at its end.
    None,
}

impl TabStops {
    /// Adds the stops of an argument: numbers with commas or blanks between them.
    pub(crate) fn add(&mut self, t: &Tool, text: &[u8]) -> Result<(), Fail> {
        let wrong = |message: String| Fail::Message(message, 1);
        for word in text.split(|byte| matches!(byte, b',' | b' ' | b'\t')).filter(|word| !word.is_empty()) {
            if self.multiples.is_some() || self.steps.is_some() {
                let sign = if self.multiples.is_some() { '/' } else { '+' };
                return Err(wrong(format!("'{sign}' specifier only allowed with the last value")));
            }
            let (sign, digits) = match word {
                [sign @ (b'/' | b'+'), digits @ ..] => (*sign, digits),
                digits => (0, digits),
            };
            if let Some(at) = digits.iter().position(|byte| !byte.is_ascii_digit()) {
                let rest = digits.get(at..).unwrap_or_default();
                return Err(wrong(match rest.first() {
                    Some(sign @ (b'/' | b'+')) => {
                        format!("'{}' specifier not at start of number: {}", char::from(*sign), t.quote(rest))
                    }
                    _ => format!("tab size contains invalid character(s): {}", t.quote(rest)),
                }));
            }
            let Some(value) = digits.to_str().ok().and_then(|digits| digits.parse::<u64>().ok()) else {
                if digits.is_empty() {
                    continue;
                }
                return Err(wrong(format!("tab stop is too large {}", t.quote(digits))));
            };
            match sign {
                b'/' => self.multiples = Some(value),
                b'+' => self.steps = Some(value),
                _ => self.list.push(value),
            }
        }
        Ok(())
    }

    /// Checks the whole, and gives it the default.
    pub(crate) fn finish(&mut self) -> Result<(), Fail> {
        let wrong = |message: &str| Err(Fail::Message(message.into(), 1));
        let mut last = 0;
        for &stop in &self.list {
            if stop == 0 {
                return wrong("tab size cannot be 0");
            }
            if stop <= last {
                return wrong("tab sizes must be ascending");
            }
            last = stop;
        }
        // A distance of nothing says nothing.
        self.multiples = self.multiples.filter(|size| *size > 0);
        self.steps = self.steps.filter(|size| *size > 0);
        if self.multiples.is_none() && self.steps.is_none() {
            match self.list[..] {
                [] => self.multiples = Some(8),
                [size] => (self.multiples, self.list) = (Some(size), Vec::new()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The first stop behind `column`.
    pub(crate) fn after(&self, column: u64) -> Next {
        let index = self.list.partition_point(|stop| *stop <= column);
        if let Some(&stop) = self.list.get(index) {
            return Next::Stop(stop);
        }
        let end = self.list.last().copied().unwrap_or(0);
        match (self.multiples, self.steps) {
            (Some(size), _) => Next::Stop(column.saturating_add(size - column % size)),
            (None, Some(size)) => Next::Stop(column.saturating_add(size - (column - end) % size)),
            (None, None) => Next::None,
        }
    }
}

/// Arguments in which the old form `-4,8` is written as the option that it stands for.
pub(crate) fn with_old_form(arguments: Vec<BString>) -> Vec<BString> {
    let mut operands = false;
    let rewritten = arguments.into_iter().map(|argument| {
        operands |= argument == "--";
        match argument.strip_prefix(b"-") {
            Some(list)
                if !operands
                    && list.first().is_some_and(u8::is_ascii_digit)
                    && list.iter().all(|byte| byte.is_ascii_digit() || *byte == b',') =>
            {
                [&b"--tabs="[..], list].concat().into()
            }
            _ => argument,
        }
    });
    rewritten.collect()
}
