//! The sources of a program: files, texts of the command line, and what they include.

use std::collections::HashSet;

use bstr::{BString, ByteSlice};

use super::ast::Place;
use super::lex::{LexError, Placed, Token, tokens};
use super::parse::SyntaxError;
use crate::{Fail, Tool};

/// Where gawk looks for files when AWKPATH is unset.
const PATH: &[u8] = b".:/usr/share/awk";

/// What makes up the program.
pub(super) enum Part {
    Text(BString),
    File(BString),
    /// As a file, but no program by itself.
    Include(BString),
}

impl Part {
    /// Whether no program is wanted beside it.
    pub(super) fn is_program(&self) -> bool {
        !matches!(self, Part::Include(_))
    }
}

/// All sources that were read.
pub(super) struct Sources {
    pub(super) names: Vec<String>,
    texts: Vec<Vec<u8>>,
    included: HashSet<BString>,
    posix: bool,
    /// What is odd about them, as it is said.
    pub(super) warnings: Vec<String>,
}

impl Sources {
    pub(super) fn new(posix: bool) -> Sources {
        Sources {
            names: Vec::new(),
            texts: Vec::new(),
            included: HashSet::new(),
            posix,
            warnings: Vec::new(),
        }
    }

    /// A place as messages tell it.
    pub(super) fn place(&self, place: Place) -> String {
        let source = self.names.get(place.source as usize).map_or("cmd. line", |name| name.as_str());
        format!("{source}:{}", place.line.max(1))
    }

    /// The tokens of a part, those of included files in their places.
    pub(super) async fn load(&mut self, t: &Tool, part: &Part) -> Result<Vec<Placed>, Fail> {
        let first = match part {
            Part::Text(text) => self.add(t, "cmd. line".into(), text.to_vec())?,
            Part::File(name) => {
                let text = match &name[..] {
                    b"-" | b"/dev/stdin" => read(t, name).await?,
                    _ => self.find(t, name).await?.1,
                };
                self.included.insert(name.clone());
                self.add(t, name.to_string(), text)?
            }
            Part::Include(name) => {
                let (path, text) = self.find(t, name).await?;
                self.included.insert(path);
                self.add(t, name.to_string(), text)?
            }
        };
        let mut open = vec![first.into_iter()];
        let mut found = Vec::new();
        while let Some(inner) = open.last_mut() {
            match inner.next() {
                None => {
                    open.pop();
                }
                Some(Placed { token: Token::End, place, start }) => {
                    let token = if open.len() > 1 { Token::Leave } else { Token::End };
                    found.push(Placed { token, place, start });
                }
                Some(Placed { token: Token::Directive(name), place, start }) if name == b"include" => {
                    let Some(Placed { token: Token::Text(file), .. }) = inner.next() else {
                        return Err(self.error(&t.name, place, Some(start), "syntax error"));
                    };
                    let (path, text) = self.find(t, &file).await?;
                    // Each file once; what includes itself ends so.
                    if !self.included.insert(path) {
                        continue;
                    }
                    let tokens = self.add(t, file.as_bstr().to_string(), text)?;
                    found.push(Placed { token: Token::Enter, place, start });
                    open.push(tokens.into_iter());
                }
                Some(placed) => found.push(placed),
            }
        }
        Ok(found)
    }

    fn add(&mut self, t: &Tool, name: String, text: Vec<u8>) -> Result<Vec<Placed>, Fail> {
        let number = self.names.len() as u32;
        self.names.push(name);
        let result = tokens(&text, number, self.posix);
        self.texts.push(text);
        match result {
            Ok(tokens) => {
                for (line, warning) in tokens.warnings {
                    let place = self.place(Place { source: number, line });
                    self.warnings.push(format!("{place}: warning: {warning}"));
                }
                Ok(tokens.found)
            }
            Err(LexError { line, start, message }) => {
                Err(self.error(&t.name, Place { source: number, line }, Some(start), &message))
            }
        }
    }

    /// A file of the program, looked for in AWKPATH, with `.awk` behind it if need be.
    async fn find(&self, t: &Tool, name: &[u8]) -> Result<(BString, Vec<u8>), Fail> {
        let mut candidates: Vec<BString> = Vec::new();
        if name.contains(&b'/') {
            candidates.push(name.into());
        } else {
            let path = t.ctx.env("AWKPATH").unwrap_or_else(|| PATH.into());
            for directory in path.split(|byte| *byte == b':') {
                candidates.push(match directory {
                    b"" | b"." => name.into(),
                    directory => [directory, b"/", name].concat().into(),
                });
            }
        }
        for suffix in [&b""[..], b".awk"] {
            for candidate in &candidates {
                let path = BString::from([&candidate[..], suffix].concat());
                if t.ctx.stat(&path, true).is_ok_and(|stat| !stat.is_directory()) {
                    let text = read(t, &path).await?;
                    return Ok((path, text));
                }
            }
        }
        let text = read(t, name).await?;
        Ok((name.into(), text))
    }

    /// A syntax error as the tool says it.
    pub(super) fn syntax_error(&self, tool: &str, error: &SyntaxError) -> Fail {
        self.error(tool, error.place, error.at, &error.message)
    }

    /// With the line of the program and a mark at the place.
    fn error(&self, tool: &str, place: Place, at: Option<usize>, message: &str) -> Fail {
        let shown = self.place(place);
        let Some(at) = at else { return Fail::Message(format!("{shown}: error: {message}"), 1) };
        let text = self.texts.get(place.source as usize).map_or(&[][..], |text| text);
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind_byte(b'\n').map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let blanks = " ".repeat(at.saturating_sub(start));
        Fail::Message(format!("{shown}: {}\n{tool}: {shown}: {blanks}^ {message}", line.as_bstr()), 1)
    }
}

async fn read(t: &Tool, name: &[u8]) -> Result<Vec<u8>, Fail> {
    let mut text = Vec::new();
    let result = match t.open(if name == b"/dev/stdin" { b"-" } else { name }).await {
        Ok(mut input) => input.read_to_end(&mut text).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(text),
        Err(error) => Err(Fail::Message(
            format!("fatal: cannot open source file `{}' for reading: {}", name.as_bstr(), error.strerror()),
            2,
        )),
    }
}
