//! Reading: the main input, and `getline`.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Input};

use super::super::array::Key;
use super::super::ast::{Var, special};
use super::super::code::{Reader, Target};
use super::super::streams::{Found, Kind, Reading, Separator, buffered_record, find_record};
use super::super::value::{Value, empty};
use super::{Flow, Machine, Step, Stop, fatal};

impl Machine<'_> {
    /// Takes the next record of the main input if it has been read already.
    #[inline]
    pub(super) fn next_record_now(&mut self) -> bool {
        let Some(input) = &mut self.main else { return false };
        if !matches!(*self.separator, Separator::Byte(_)) {
            return false;
        }
        let Some(found) = buffered_record(input.buffered(), &self.separator, &mut 0, false) else {
            return false;
        };
        let text = input.buffered().get(..found.length).unwrap_or_default();
        self.record.set(text, &self.splitter);
        input.consume(found.length + found.terminator);
        self.nr += 1.0;
        self.fnr += 1.0;
        self.note_terminator_byte();
        true
    }

    fn note_terminator_byte(&mut self) {
        let byte = match *self.separator {
            Separator::Byte(byte) => byte,
            _ => b'\n',
        };
        match self.globals.get(special::RT as usize) {
            // As it was.
            Some(Value::Text(text)) if text[..] == [byte] => {}
            _ if byte == b'\n' => self.set_global(special::RT, self.newline.clone()),
            _ => self.set_global(special::RT, Value::text(&[byte])),
        }
    }

    fn note_terminator(&mut self, terminator: &[u8]) {
        let value = if terminator.is_empty() { Value::Text(empty()) } else { Value::text(terminator) };
        self.set_global(special::RT, value);
    }

    /// Waits for the next record of the main input, which is buffered then. Not `Next`: there is none.
    async fn find_next_record(&mut self) -> Step<Result<Found, Flow>> {
        loop {
            if self.main.is_none() {
                match self.next_file().await? {
                    Flow::Next => {}
                    other => return Ok(Err(other)),
                }
            }
            let separator = self.separator.clone();
            let Some(input) = &mut self.main else { continue };
            match find_record(input, &separator).await {
                Ok(Some(found)) => return Ok(Ok(found)),
                Ok(None) => {}
                Err(error) => {
                    let name = self.global_value(special::FILENAME).to_text(b"");
                    return fatal(format!(
                        "error reading input file `{}': {}",
                        name.as_bstr(),
                        error.strerror()
                    ));
                }
            }
            if self.end_file().await? == Flow::Exit {
                return Ok(Err(Flow::Exit));
            }
        }
    }

    /// Reads the next record of the main input into `$0`.
    pub(super) async fn next_record(&mut self) -> Step<Flow> {
        self.t.ctx.tick().await;
        let found = match self.find_next_record().await? {
            Ok(found) => found,
            Err(flow) => return Ok(flow),
        };
        self.nr += 1.0;
        self.fnr += 1.0;
        if let Some(input) = &mut self.main {
            let (text, rest) = input.buffered().split_at_checked(found.length).unwrap_or_default();
            self.record.set(text, &self.splitter);
            let terminator = rest.get(..found.terminator).unwrap_or_default().to_vec();
            input.consume(found.length + found.terminator);
            self.note_terminator(&terminator);
        }
        Ok(Flow::Next)
    }

    /// The present file is over.
    pub(super) async fn end_file(&mut self) -> Step<Flow> {
        if self.main.take().is_none() {
            return Ok(Flow::End);
        }
        let mut flow = Flow::End;
        if let Some(end_file) = self.code.end_file {
            flow = self.run_aside(end_file).await?;
        }
        if self.in_place.is_some() {
            self.end_in_place().await?;
        }
        Ok(flow)
    }

    /// Runs a section in the middle of another one.
    async fn run_aside(&mut self, section: usize) -> Step<Flow> {
        let (at, depth) = (self.at, self.frames.len());
        let flow = Box::pin(self.run(section, 0)).await?;
        if matches!(flow, Flow::End) && self.frames.len() == depth {
            self.at = at;
        }
        Ok(flow)
    }

    /// The next operand that is a file. `None`: there is none.
    fn next_operand(&mut self) -> Step<Option<BString>> {
        loop {
            let count = self.global_value(special::ARGC).number();
            if self.operand as f64 >= count {
                return Ok(None);
            }
            let arguments = self.array(Var::Global(special::ARGV))?;
            let place = self.operand;
            self.operand += 1;
            let Some(argument) = arguments.get(Key::Integer(place as i64)) else { continue };
            let argument = argument.to_text(&self.convfmt);
            if argument.is_empty() {
                continue;
            }
            self.set_global(special::ARGIND, Value::Number(place as f64));
            if let Some((name, value)) = super::super::assignment(&argument) {
                self.assign_by_name(name, value)?;
                continue;
            }
            return Ok(Some(BString::from(&argument[..])));
        }
    }

    /// Opens the next operand. `Next`: there is one; `End`: there is none.
    async fn next_file(&mut self) -> Step<Flow> {
        if self.ended {
            return Ok(Flow::End);
        }
        loop {
            let name = match self.next_operand()? {
                Some(name) => name,
                None => {
                    self.ended = true;
                    if self.any_file {
                        return Ok(Flow::End);
                    }
                    BString::from("-")
                }
            };
            self.any_file = true;
            self.fnr = 0.0;
            self.set_global(special::FILENAME, Value::Input(name.as_bytes().into()));
            let opened = self.open_file(&name).await;
            if let Some(begin_file) = self.code.begin_file {
                match &opened {
                    Ok(_) => self.set_global(special::ERRNO, Value::Text(empty())),
                    Err(error) => self.set_error(*error),
                }
                let trouble = match opened {
                    Ok(input) => {
                        self.main = Some(input);
                        None
                    }
                    Err(error) => Some(error),
                };
                if trouble.is_none() && self.in_place.is_some() {
                    self.begin_in_place(&name).await?;
                }
                match self.run_aside(begin_file).await? {
                    Flow::Exit => return Ok(Flow::Exit),
                    Flow::NextFile => {
                        if self.end_file().await? == Flow::Exit {
                            return Ok(Flow::Exit);
                        }
                        continue;
                    }
                    _ => {}
                }
                match trouble {
                    None if self.main.is_some() => return Ok(Flow::Next),
                    None => continue,
                    Some(error) => self.cannot_open(&name, error).await?,
                }
                continue;
            }
            match opened {
                Ok(input) => {
                    self.main = Some(input);
                    if self.in_place.is_some() {
                        self.begin_in_place(&name).await?;
                    }
                    return Ok(Flow::Next);
                }
                Err(error) => self.cannot_open(&name, error).await?,
            }
        }
    }

    async fn open_file(&mut self, name: &[u8]) -> Result<Input, Errno> {
        let input = match name {
            b"-" | b"/dev/stdin" => self.t.ctx.stdin()?,
            _ => self.t.ctx.open_input(name).await?,
        };
        match self.t.ctx.stat_description(input.description()) {
            Ok(stat) if stat.is_directory() => Err(Errno::IsDirectory),
            _ => Ok(input),
        }
    }

    async fn cannot_open(&mut self, name: &[u8], error: Errno) -> Step<()> {
        let shown = name.as_bstr();
        if error == Errno::IsDirectory {
            return self.warn(format!("command line argument `{shown}' is a directory: skipped")).await;
        }
        let message = format!("cannot open file `{shown}' for reading: {}", error.strerror());
        if !self.between {
            return fatal(message);
        }
        Err(Stop::Fail(crate::Fail::Message(format!("fatal: {message}"), 2)))
    }

    /// `name=value`, from an operand or `-v`.
    pub(in super::super) fn assign_by_name(&mut self, name: &[u8], value: &[u8]) -> Step<()> {
        let mut text = Vec::new();
        let mut rest = value;
        while let Some((&byte, next)) = rest.split_first() {
            rest = next;
            if byte == b'\\' && rest.first() == Some(&b'\n') {
                rest = rest.get(1..).unwrap_or_default();
            } else if byte == b'\\' && !rest.is_empty() {
                let length = super::super::lex::escape(rest, &mut text);
                rest = rest.get(length..).unwrap_or_default();
            } else {
                text.push(byte);
            }
        }
        if self.code.functions.iter().any(|entry| entry.name == name) {
            return fatal(format!("cannot use function `{}' as variable name", name.as_bstr()));
        }
        let Some(index) = self.code.globals.iter().position(|global| global == name) else { return Ok(()) };
        // Typed text may be a regular expression: `@/…/`.
        let value = match text.strip_prefix(b"@/").and_then(|rest| rest.strip_suffix(b"/")) {
            Some(regex) if !self.modes.posix && !self.modes.traditional => Value::Regex(regex.into()),
            _ => Value::Input(text.into()),
        };
        self.set(Var::Global(index as u32), value)
    }

    pub(super) async fn getline(&mut self, reader: Reader, target: Target) -> Step<f64> {
        let kind = match reader {
            Reader::Main => return self.getline_main(target).await,
            Reader::File => Kind::File,
            Reader::Command => Kind::Command,
            Reader::Coprocess => Kind::Coprocess,
        };
        // The name lies below what leads to the target.
        let depth = target.depth() + 1;
        let at = self.stack.len().saturating_sub(depth);
        let name = if at < self.stack.len() { self.stack.remove(at) } else { Value::Unset };
        let name = name.to_text(&self.convfmt);
        if name.is_empty() {
            let mark = match kind {
                Kind::File => "<",
                Kind::Command => "|",
                Kind::Coprocess => "|&",
            };
            return fatal(format!("expression for `{mark}' redirection has null string value"));
        }
        let place = self.readings.iter().position(|reading| reading.kind == kind && *reading.name == *name);
        let place = match place {
            Some(place) => place,
            None => match self.open_reading(&name, kind).await? {
                Ok(place) => place,
                Err(error) => {
                    self.set_error(error);
                    self.drop_target(target);
                    return Ok(-1.0);
                }
            },
        };
        if kind == Kind::Coprocess {
            // What is to be read depends on what was written.
            self.flush_outputs().await?;
        }
        let separator = self.separator.clone();
        let limit = self.read_limit(&name);
        let Some(reading) = self.readings.get_mut(place) else { return Ok(-1.0) };
        let found = match limit {
            None => find_record(&mut reading.input, &separator).await,
            Some(limit) => {
                let mut sleep = self.t.ctx.sleep(limit);
                let mut read = Box::pin(find_record(&mut reading.input, &separator));
                std::future::poll_fn(|context| {
                    if let std::task::Poll::Ready(done) = read.as_mut().poll(context) {
                        return std::task::Poll::Ready(done);
                    }
                    sleep.poll_elapsed().map(|()| Err(Errno::TimedOut))
                })
                .await
            }
        };
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.drop_target(target);
                return Ok(0.0);
            }
            Err(error) => {
                self.set_error(error);
                self.drop_target(target);
                let again =
                    error == Errno::TimedOut && self.information(&retry_key(&name, &self.subsep)).is_some();
                return Ok(if again { -2.0 } else { -1.0 });
            }
        };
        let Some(reading) = self.readings.get_mut(place) else { return Ok(-1.0) };
        let (text, rest) = reading.input.buffered().split_at_checked(found.length).unwrap_or_default();
        let terminator = rest.get(..found.terminator).unwrap_or_default().to_vec();
        if target == Target::None {
            self.record.set(text, &self.splitter);
            reading.input.consume(found.length + found.terminator);
        } else {
            let value = Value::Input(text.into());
            reading.input.consume(found.length + found.terminator);
            self.assign_target(target, value)?;
        }
        self.note_terminator(&terminator);
        Ok(1.0)
    }

    /// How long a read may take, in nanoseconds: PROCINFO[name, "READ_TIMEOUT"] or GAWK_READ_TIMEOUT, in milliseconds.
    fn read_limit(&self, name: &[u8]) -> Option<u64> {
        let key = [name, &self.subsep, b"READ_TIMEOUT"].concat();
        let limit = match self.information(&key) {
            Some(value) => value.number(),
            None => self.t.ctx.env("GAWK_READ_TIMEOUT")?.to_str().ok()?.parse().ok()?,
        };
        (limit > 0.0).then_some((limit * 1e6) as u64)
    }

    async fn getline_main(&mut self, target: Target) -> Step<f64> {
        if self.in_end && self.ended && self.main.is_none() {
            self.drop_target(target);
            return Ok(0.0);
        }
        if target == Target::None {
            return match self.next_record().await? {
                Flow::Next => Ok(1.0),
                _ => Ok(0.0),
            };
        }
        let Ok(found) = self.find_next_record().await? else {
            self.drop_target(target);
            return Ok(0.0);
        };
        self.nr += 1.0;
        self.fnr += 1.0;
        let Some(input) = &mut self.main else { return Ok(0.0) };
        let (text, rest) = input.buffered().split_at_checked(found.length).unwrap_or_default();
        let value = Value::Input(text.into());
        let terminator = rest.get(..found.terminator).unwrap_or_default().to_vec();
        input.consume(found.length + found.terminator);
        self.note_terminator(&terminator);
        self.assign_target(target, value)?;
        Ok(1.0)
    }

    async fn open_reading(&mut self, name: &[u8], kind: Kind) -> Step<Result<usize, Errno>> {
        if self.modes.sandbox {
            return fatal("redirection not allowed in sandbox mode");
        }
        let mut pid = None;
        let input = match kind {
            Kind::File => self.open_file(name).await,
            Kind::Command => {
                self.flush_outputs().await?;
                let (reader, writer) = self.t.ctx.new_pipe();
                match self.start(name, vec![(1, writer)]) {
                    Ok(started) => {
                        pid = Some(started);
                        Ok(Input::new(self.t.ctx.clone(), reader))
                    }
                    Err(error) => Err(error),
                }
            }
            Kind::Coprocess => {
                self.open_coprocess(name)?;
                return Ok(self
                    .readings
                    .iter()
                    .position(|reading| reading.kind == kind && *reading.name == *name)
                    .ok_or(Errno::BadDescriptor));
            }
        };
        let input = match input {
            Ok(input) => input,
            Err(error) => return Ok(Err(error)),
        };
        self.readings.push(Reading { name: name.to_vec(), kind, input, pid });
        Ok(Ok(self.readings.len() - 1))
    }
}

fn retry_key(name: &[u8], separator: &[u8]) -> Vec<u8> {
    [name, separator, b"RETRY"].concat()
}
