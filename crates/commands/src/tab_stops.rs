//! Tab stops as `expand` and `unexpand` take them: a list, a distance, and what follows the last of a list.

use bstr::{BString, ByteSlice};

use crate::{Fail, Tool};

/// Where tabs lead.
#[derive(Default)]
pub(crate) struct TabStops {
    list: Vec<u64>,
    /// The sign that was read last; it holds for all numbers behind it.
    sign: u8,
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
            // Of several signs the last one counts.
            let signs = word.iter().take_while(|byte| matches!(byte, b'/' | b'+')).count();
            let (signs, digits) = word.split_at(signs);
            self.sign = signs.last().copied().unwrap_or(self.sign);
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
            let last = match self.sign {
                b'/' => &mut self.multiples,
                b'+' => &mut self.steps,
                _ => {
                    self.list.push(value);
                    continue;
                }
            };
            // One of nothing is as none.
            if last.is_some_and(|size| size > 0) {
                let sign = char::from(self.sign);
                return Err(wrong(format!("'{sign}' specifier only allowed with the last value")));
            }
            *last = Some(value);
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
        if self.multiples.is_some() && self.steps.is_some() {
            return wrong("'/' specifier is mutually exclusive with '+'");
        }
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

/// Arguments in which the old form `-4,8` is written as the option `--tabs`, and how many these are.
pub(crate) fn with_old_form(arguments: Vec<BString>) -> (Vec<BString>, usize) {
    let mut operands = false;
    let mut count = 0;
    let rewritten = arguments.into_iter().map(|argument| {
        operands |= argument == "--";
        match argument.strip_prefix(b"-") {
            Some(list)
                if !operands
                    && list.first().is_some_and(u8::is_ascii_digit)
                    && list.iter().all(|byte| byte.is_ascii_digit() || *byte == b',') =>
            {
                count += 1;
                [&b"--tabs="[..], list].concat().into()
            }
            _ => argument,
        }
    });
    (rewritten.collect(), count)
}
