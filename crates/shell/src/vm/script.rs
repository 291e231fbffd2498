//! Source text that is read command by command, with what has been compiled of it.

use std::rc::Rc;

use wasmsh_syntax::error::{ParseError, Warning};
use wasmsh_syntax::options::{Aliases, ParserOptions};
use wasmsh_syntax::parser::{Parser, Poll};

use crate::shared::Shared;
use crate::text::Str;
use crate::vm::code::Code;
use crate::vm::compile;

/// What comes next in a script.
pub(crate) enum Unit {
    Code(Rc<Code>),
    Error(ParseError),
    /// The text so far ends inside a command, or it is used up, and more may come.
    NeedInput,
    End,
}

/// A script under way, or one that has been read before and is kept.
pub(crate) struct Script {
    parser: Parser,
    source: Str,
    units: Vec<(Rc<Code>, ParserOptions)>,
    done: bool,
    text: Str,
    first_line: u32,
    /// More lines may come (`push`).
    pub(crate) open: bool,
    /// Commands that have been read are kept: the text may be executed again.
    pub(crate) keep: bool,
    /// Something other than its text has decided how it was read.
    pub(crate) private: bool,
    /// Lines that history expansion looks at before they are parsed, and how many bytes of them it has seen.
    held: Option<(Vec<u8>, usize)>,
    /// The quotation in which the next line begins, as history expansion sees it.
    pub(crate) quote: u8,
}

/// The nesting that a script may have. Only memory bounds it; this much needs some tens of megabytes.
const MAX_DEPTH: u32 = 50_000;

impl Script {
    pub(crate) fn new(text: Str, source: Str, line: u32, options: ParserOptions) -> Script {
        let mut parser = Parser::new(text.to_vec(), ParserOptions { max_depth: MAX_DEPTH, ..options });
        parser.set_line(line);
        Script {
            parser,
            source,
            units: Vec::new(),
            done: false,
            text,
            first_line: line,
            open: false,
            keep: true,
            private: false,
            held: None,
            quote: 0,
        }
    }

    /// A script that is executed once, from its beginning.
    pub(crate) fn once(text: Str, source: Str, options: ParserOptions) -> Script {
        let mut script = Script::new(text, source, 1, options);
        script.text = Str::EMPTY;
        script.keep = false;
        script.private = true;
        script
    }

    /// A script whose lines come one by one.
    pub(crate) fn incremental(source: Str, options: ParserOptions) -> Script {
        let mut script = Script::once(Str::EMPTY, source, options);
        script.parser = Parser::incremental(ParserOptions { max_depth: MAX_DEPTH, ..options });
        script.open = true;
        script
    }

    /// One more line; none: no more will come.
    pub(crate) fn push(&mut self, line: Option<&[u8]>) {
        match line {
            Some(line) => self.parser.push(line),
            None => self.parser.finish(),
        }
    }

    /// From now on lines come one by one from [`held_line`](Self::held_line).
    pub(crate) fn hold(&mut self) {
        if !self.open && self.held.is_none() {
            self.held = Some((self.parser.hold_back(), 0));
            self.private = true;
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The next of the lines held back; whoever takes it pushes what becomes of it.
    pub(crate) fn held_line(&mut self) -> Option<Vec<u8>> {
        let (text, at) = self.held.as_mut()?;
        let rest = text.get(*at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        *at += length;
        Some(rest.get(..length).unwrap_or_default().to_vec())
    }

    /// Whether the next line belongs to the body of a here-document.
    pub(crate) fn in_here_document(&self) -> bool {
        self.parser.in_here_document()
    }

    /// Takes code that this script, which is not kept, has given and that has run.
    pub(crate) fn recycle(&mut self, shared: &Shared, code: Rc<Code>) {
        if let Some(ast) = compile::recycle(shared, code) {
            self.parser.recycle(ast);
        }
    }

    /// A copy that reads from the beginning of unit `from`, with nothing kept.
    fn reread(&self, from: usize, options: ParserOptions) -> Script {
        let used: usize = self.units.iter().take(from).map(|(code, _)| code.ast.text.len()).sum();
        let line = self.units.get(from).map_or(self.first_line, |(code, _)| code.ast.first_line);
        let rest = self.text.get(used..).unwrap_or_default();
        let mut script = Script::new(Str::new(rest), self.source.clone(), line, options);
        script.private = true;
        script
    }

    /// Unit number `index`. `Err`: the settings have changed since it was read; go on with unit 0 of that script.
    pub(crate) fn unit(
        &mut self,
        index: usize,
        shared: &Shared,
        options: ParserOptions,
        aliases: &dyn Aliases,
        warn: &mut dyn FnMut(&Warning),
    ) -> Result<Unit, Box<Script>> {
        if let Some((code, read_with)) = self.units.get(index) {
            if same(read_with, &options) {
                return Ok(Unit::Code(code.clone()));
            }
            return Err(Box::new(self.reread(index, options)));
        }
        if self.done {
            return Ok(Unit::End);
        }
        if options.aliases {
            self.private = true;
        }
        self.parser.options = ParserOptions { max_depth: MAX_DEPTH, ..options };
        let next = if self.open || self.held.is_some() {
            match self.parser.poll(aliases) {
                Ok(Poll::NeedInput { inside }) => {
                    if !inside {
                        self.quote = 0;
                    }
                    return Ok(Unit::NeedInput);
                }
                Ok(Poll::Command(ast)) => Ok(Some(ast)),
                Ok(Poll::End) => Ok(None),
                Err(error) => Err(error),
            }
        } else {
            self.parser.next(aliases)
        };
        match next {
            Ok(Some(ast)) => {
                for warning in &ast.warnings {
                    self.private = true;
                    warn(warning);
                }
                let code = compile::compile(shared, ast, self.source.clone());
                if self.keep {
                    self.units.push((code.clone(), options));
                }
                Ok(Unit::Code(code))
            }
            Ok(None) => {
                self.done = true;
                Ok(Unit::End)
            }
            Err(error) => {
                self.private = true;
                Ok(Unit::Error(error))
            }
        }
    }
}

fn same(a: &ParserOptions, b: &ParserOptions) -> bool {
    a.extglob == b.extglob && a.posix == b.posix && a.aliases == b.aliases && a.keyword == b.keyword
}

impl Script {
    /// Whether nothing follows unit number `index`.
    pub(crate) fn is_read(&self, index: usize) -> bool {
        self.units.len() == index
            && self.parser.remaining() == 0
            && self.held.as_ref().is_none_or(|(text, at)| *at >= text.len())
    }

    /// Whether the text was read as part of this file at this line.
    pub(crate) fn is_like(&self, source: &Str, line: u32) -> bool {
        self.first_line == line && self.source == *source
    }
}
