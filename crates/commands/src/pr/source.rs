//! What `pr` reads: the lines of a file, cut into pages by form feeds.

use bstr::BString;
use wasmsh_os::{Errno, Input};

use super::options::{Plan, Show};

/// Where a file stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// A form feed has ended its page.
    Held,
    Closed,
}

/// The longest line, in bytes.
const LONGEST: usize = 1 << 28;

/// A file being read.
pub(super) struct Source {
    input: Option<Input>,
    pub(super) name: BString,
    pub(super) state: State,
    /// Its last page ended since it was full: a form feed that follows is that end.
    pub(super) filled: bool,
}

impl Source {
    pub(super) fn new(input: Option<Input>, name: BString) -> Source {
        let state = if input.is_some() { State::Open } else { State::Closed };
        Source { input, name, state, filled: false }
    }

    async fn peek(&mut self) -> Result<Option<u8>, Errno> {
        match &mut self.input {
            Some(input) => Ok(input.fill().await?.first().copied()),
            None => Ok(None),
        }
    }

    fn skip(&mut self) {
        if let Some(input) = &mut self.input {
            input.consume(1);
        }
    }

    /// Passes a form feed, and the newline behind it.
    async fn pass_feed(&mut self) -> Result<(), Errno> {
        self.skip();
        if self.peek().await? == Some(b'\n') {
            self.skip();
        }
        Ok(())
    }

    /// Begins a page: the file is open again, unless it has ended.
    pub(super) async fn begin(&mut self) -> Result<(), Errno> {
        if self.state == State::Held {
            self.state = State::Open;
        }
        if std::mem::take(&mut self.filled) && self.peek().await? == Some(b'\x0c') {
            self.pass_feed().await?;
        }
        if self.peek().await?.is_none() {
            self.close();
        }
        Ok(())
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.input = None;
    }

    /// The next line of the page, as it is shown. False: the page has no more.
    pub(super) async fn line(&mut self, plan: &Plan, shown: &mut Vec<u8>) -> Result<bool, Errno> {
        if self.state != State::Open {
            return Ok(false);
        }
        shown.clear();
        let number = plan.numbers.filter(|_| !plan.merge).map_or(0, |numbers| numbers.width);
        let mut line = Line { start: number, column: number, cut: false, empty: true };
        let mut any = false;
        loop {
            let Some(input) = &mut self.input else { return Ok(any) };
            let block = input.fill().await?;
            if block.is_empty() {
                self.close();
                return Ok(any);
            }
            let end = memchr::memchr2(b'\n', b'\x0c', block);
            let text = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
            any |= !text.is_empty();
            for &byte in text {
                if line.cut {
                    break;
                }
                line.put(byte, plan, shown);
            }
            let count = text.len();
            let feed = end.is_some_and(|end| block.get(end) == Some(&b'\x0c'));
            input.consume(count);
            if shown.len() > LONGEST {
                return Err(Errno::NoMemory);
            }
            if feed {
                self.pass_feed().await?;
                self.state = State::Held;
                return Ok(any);
            }
            if end.is_some() {
                self.skip();
                return Ok(true);
            }
        }
    }
}

/// A line being converted.
struct Line {
    start: i64,
    column: i64,
    /// It has no room for more.
    cut: bool,
    /// Nothing is in it: the first character has room in any case.
    empty: bool,
}

impl Line {
    fn put(&mut self, byte: u8, plan: &Plan, out: &mut Vec<u8>) {
        let octal = [b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)];
        let (text, width): (&[u8], i64) = if byte == b'\t' || byte == plan.tab_in.letter {
            let stop = if byte == plan.tab_in.letter { plan.tab_in.width } else { 8 };
            let width = stop - self.column % stop;
            if !self.fits(width, plan) {
                return;
            }
            if plan.expand {
                out.resize(out.len() + usize::try_from(width).unwrap_or(0), b' ');
            } else {
                out.push(byte);
            }
            return;
        } else if byte == b' ' || byte.is_ascii_graphic() {
            (&[byte], 1)
        } else if plan.show == Show::Hat && byte < 0x80 {
            (&[b'^', byte ^ 0x40], 2)
        } else if plan.show != Show::Raw {
            (&octal, 4)
        } else if byte == b'\x08' {
            // There is nowhere to go back to.
            if self.column == self.start {
                return;
            }
            (&[byte], -1)
        } else {
            (&[byte], 0)
        };
        if self.fits(width, plan) {
            out.extend_from_slice(text);
        }
    }

    fn fits(&mut self, width: i64, plan: &Plan) -> bool {
        if plan.limit.is_some_and(|limit| !self.empty && width > 0 && self.column + width > limit) {
            self.cut = true;
            return false;
        }
        self.column += width;
        self.empty = false;
        true
    }
}
