//! The inputs of jq: files one after the other, as values, lines, or one array of all.

use std::collections::VecDeque;

use bstr::{BString, ByteSlice};
use wasmsh_os::Input;

use super::read::{Reader, Step};
use super::value::Value;
use crate::{Fail, Tool};

/// How inputs are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mode {
    pub(crate) raw: bool,
    pub(crate) slurp: bool,
    pub(crate) stream: bool,
    pub(crate) stream_errors: bool,
    pub(crate) seq: bool,
}

/// What reading gave.
pub(crate) enum Next {
    Value(Value),
    End,
    /// No JSON; nothing can follow.
    Error(String),
}

/// The inputs.
pub(crate) struct Inputs {
    mode: Mode,
    files: VecDeque<BString>,
    current: Option<Input>,
    /// The file that is being read; `None`: none yet.
    pub(crate) name: Option<String>,
    reader: Reader,
    lines: u64,
    /// So many bytes at the end of the buffer are known to have no newline.
    clear: std::cell::Cell<usize>,
    slurped: bool,
    broken: bool,
    /// A file could not be opened or read.
    pub(crate) failed: bool,
}

impl Inputs {
    pub(crate) fn new(mode: Mode, mut files: Vec<BString>) -> Inputs {
        if files.is_empty() {
            files.push("-".into());
        }
        Inputs {
            mode,
            files: files.into(),
            current: None,
            name: None,
            reader: Reader::new(mode.stream, mode.seq),
            lines: 0,
            clear: std::cell::Cell::new(0),
            slurped: false,
            broken: false,
            failed: false,
        }
    }

    /// Lines read, counting the present one.
    pub(crate) fn line(&self) -> u64 {
        if self.mode.raw {
            return self.lines;
        }
        let rest = self.current.as_ref().map_or(&[][..], |input| input.buffered());
        let more = rest.len() > self.clear.get() && memchr::memchr(b'\n', rest).is_some();
        if !more {
            self.clear.set(rest.len());
        }
        self.reader.line + u64::from(more)
    }

    /// Opens the next file if none is open. False: there is none.
    async fn open(&mut self, t: &mut Tool) -> Result<bool, Fail> {
        while self.current.is_none() {
            let Some(file) = self.files.pop_front() else { return Ok(false) };
            self.name = Some(if file == "-" { "<stdin>".into() } else { file.to_str_lossy().into_owned() });
            match t.open(&file).await {
                Ok(input) => self.current = Some(input),
                Err(error) => self.tell(t, "open", error).await?,
            }
        }
        Ok(true)
    }

    async fn tell(&mut self, t: &mut Tool, what: &str, error: wasmsh_os::Errno) -> Result<(), Fail> {
        self.failed = true;
        self.current = None;
        let name = self.name.clone().unwrap_or_default();
        t.warn(format!("error: Could not {what} file {name}: {}", error.strerror())).await
    }

    /// The next input.
    pub(crate) async fn next(&mut self, t: &mut Tool) -> Result<Next, Fail> {
        if !self.mode.slurp {
            return if self.mode.raw { self.next_line(t).await } else { self.next_value(t).await };
        }
        if self.slurped {
            return Ok(Next::End);
        }
        self.slurped = true;
        if self.mode.raw {
            let mut bytes = Vec::new();
            while self.open(t).await? {
                let result = match &mut self.current {
                    Some(input) => input.read_to_end(&mut bytes).await,
                    None => Ok(()),
                };
                match result {
                    Ok(()) => self.current = None,
                    Err(error) => self.tell(t, "read", error).await?,
                }
            }
            return Ok(Next::Value(Value::string(bytes.to_str_lossy())));
        }
        let mut values = Vec::new();
        loop {
            match self.next_value(t).await? {
                Next::Value(value) => values.push(value),
                Next::End => return Ok(Next::Value(Value::array(values))),
                Next::Error(message) => return Ok(Next::Error(message)),
            }
        }
    }

    async fn next_line(&mut self, t: &mut Tool) -> Result<Next, Fail> {
        // A line can go on in the next file, as jq reads them.
        let mut text: Vec<u8> = Vec::new();
        let mut any = false;
        while self.open(t).await? {
            let Some(input) = &mut self.current else { continue };
            let line = match input.line(b'\n').await {
                Ok(line) => line,
                Err(error) => {
                    self.tell(t, "read", error).await?;
                    continue;
                }
            };
            match line {
                Some(line) => {
                    any = true;
                    match line.strip_suffix(b"\n") {
                        Some(body) => {
                            text.extend_from_slice(body);
                            self.lines += 1;
                            return Ok(Next::Value(Value::string(text.to_str_lossy())));
                        }
                        None => text.extend_from_slice(line),
                    }
                }
                None => self.current = None,
            }
        }
        Ok(if any { Next::Value(Value::string(text.to_str_lossy())) } else { Next::End })
    }

    async fn next_value(&mut self, t: &mut Tool) -> Result<Next, Fail> {
        if self.broken {
            return Ok(Next::End);
        }
        loop {
            let open = self.open(t).await?;
            let Some(input) = self.current.as_mut().filter(|_| open) else {
                // What the last file began ends here.
                return Ok(match self.reader.step(b"", true).1 {
                    Step::Value(value) => Next::Value(value),
                    Step::More => Next::End,
                    Step::Error(message) => self.broke(message),
                });
            };
            let (used, step) = self.reader.step(input.buffered(), false);
            input.consume(used);
            match step {
                Step::Value(value) => return Ok(Next::Value(value)),
                Step::Error(message) => return Ok(self.broke(message)),
                Step::More => {}
            }
            t.ctx.ticks(64).await;
            self.clear.set(0);
            match input.extend().await {
                Ok(true) => {}
                Ok(false) => {
                    // A number or word at the very end is complete.
                    let rest = input.buffered().to_vec();
                    let (used, step) = self.reader.step(&rest, self.files.is_empty());
                    input.consume(used);
                    if used < rest.len() && !matches!(step, Step::Value(_) | Step::Error(_)) {
                        // It goes on in the next file.
                        let carried = rest.get(used..).unwrap_or_default();
                        let (used, step) = self.reader.step(carried, true);
                        input.consume(used);
                        match step {
                            Step::Value(value) => return Ok(Next::Value(value)),
                            Step::Error(message) => return Ok(self.broke(message)),
                            Step::More => {}
                        }
                    }
                    match step {
                        Step::Value(value) => return Ok(Next::Value(value)),
                        Step::Error(message) => return Ok(self.broke(message)),
                        Step::More => self.current = None,
                    }
                }
                Err(error) => self.tell(t, "read", error).await?,
            }
        }
    }

    fn broke(&mut self, message: String) -> Next {
        self.broken = true;
        if self.mode.stream_errors {
            let path = Value::array(self.reader.path());
            return Next::Value(Value::array(vec![Value::string(message), path]));
        }
        Next::Error(message)
    }
}
