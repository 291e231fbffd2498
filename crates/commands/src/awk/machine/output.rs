//! Writing: `print`, redirections, `close`, and what is left at the end.

use std::rc::Rc;

use bstr::ByteSlice;
use wasmsh_os::{Description, Environment, Errno, Input, Output, Pid};

use super::super::ast::special;
use super::super::code::Writer;
use super::super::streams::{Kind, Reading, Writing, start_shell, wait};
use super::super::value::{Text, Value};
use super::{Machine, Step, fatal};

impl Machine<'_> {
    /// Starts a shell, whose variables are what ENVIRON says.
    pub(in super::super) fn start(
        &self,
        command: &[u8],
        descriptors: Vec<(u32, Rc<Description>)>,
    ) -> Result<Pid, Errno> {
        let environment = match self.global_value(special::ENVIRON) {
            Value::Array(environ) if !self.modes.posix => {
                let mut environment = Environment::new(Vec::new());
                for (name, value) in environ.pairs() {
                    environment.set(&name.text(), &value.to_text(&self.convfmt));
                }
                Some(environment)
            }
            _ => None,
        };
        start_shell(&self.t.ctx, command, environment, descriptors)
    }

    /// `print` to standard output: into its buffer.
    pub(super) fn print_now(&mut self, count: usize) {
        if count == 0 {
            let Machine { record, out, ofs, convfmt, .. } = self;
            out.put(record.bytes(ofs, convfmt));
        } else {
            let from = self.stack.len().saturating_sub(count);
            for (index, value) in self.stack.drain(from..).enumerate() {
                if index > 0 {
                    self.out.put(&self.ofs);
                }
                value.append_to(&self.ofmt, self.out.buffer());
            }
        }
        self.out.put(&self.ors);
    }

    #[inline]
    pub(super) fn wants_drain(&self) -> bool {
        self.out.is_full()
    }

    pub(in super::super) async fn flush_stdout(&mut self) -> Step<()> {
        match self.out.flush().await {
            Ok(()) => Ok(()),
            Err(error) => fatal(format!("write to standard output failed: {}", error.strerror())),
        }
    }

    /// Writes out everything.
    pub(in super::super) async fn flush_outputs(&mut self) -> Step<()> {
        self.flush_stdout().await?;
        for writing in &mut self.writings {
            if let Some(output) = &mut writing.output {
                // A command that reads no more is no error of the program.
                let _ = output.flush().await;
            }
        }
        Ok(())
    }

    /// Writes out one of the outputs. False: it is not open.
    pub(in super::super) async fn flush_one(&mut self, name: &[u8]) -> Step<bool> {
        if matches!(name, b"/dev/stdout" | b"-") {
            self.flush_stdout().await?;
            return Ok(true);
        }
        for writing in &mut self.writings {
            if writing.name == name
                && let Some(output) = &mut writing.output
            {
                let _ = output.flush().await;
                return Ok(true);
            }
        }
        Ok(name == b"/dev/stderr")
    }

    pub(super) async fn write(&mut self, writer: Writer, name: Text, text: &[u8]) -> Step<()> {
        let (kind, mark) = match writer {
            Writer::Command => (Kind::Command, "|"),
            Writer::Coprocess => (Kind::Coprocess, "|&"),
            Writer::Append => (Kind::File, ">>"),
            _ => (Kind::File, ">"),
        };
        if name.is_empty() {
            return fatal(format!("expression for `{mark}' redirection has null string value"));
        }
        if self.modes.sandbox {
            return fatal("redirection not allowed in sandbox mode");
        }
        if kind == Kind::File && !self.modes.traditional {
            match &name[..] {
                b"/dev/stdout" | b"-" | b"/dev/fd/1" => {
                    self.out.put(text);
                    if self.wants_drain() {
                        self.flush_stdout().await?;
                    }
                    return Ok(());
                }
                b"/dev/stderr" | b"/dev/fd/2" => {
                    // Only a terminal shows both in their order.
                    if self.t.ctx.is_terminal(1) {
                        self.flush_stdout().await?;
                    }
                    self.t.err.put(text);
                    // Nobody is left to tell when this fails.
                    let _ = self.t.err.flush().await;
                    return Ok(());
                }
                _ => {}
            }
        }
        let found = self.writings.iter().position(|writing| writing.kind == kind && *writing.name == *name);
        let place = match found {
            Some(place) => place,
            None => {
                self.open_writing(&name, kind, writer == Writer::Append).await?;
                self.writings.len().saturating_sub(1)
            }
        };
        let shown = name.as_bstr();
        let Some(Writing { output: Some(output), .. }) = self.writings.get_mut(place) else {
            return fatal(format!("print: attempt to write to closed write end of two-way pipe `{shown}'"));
        };
        match output.write(text).await {
            Ok(()) => Ok(()),
            Err(error) => fatal(format!("cannot write to `{shown}': {}", error.strerror())),
        }
    }

    async fn open_writing(&mut self, name: &[u8], kind: Kind, append: bool) -> Step<()> {
        let shown = name.as_bstr();
        match kind {
            Kind::Coprocess => self.open_coprocess(name),
            Kind::Command => {
                self.flush_outputs().await?;
                let (reader, writer) = self.t.ctx.new_pipe();
                match self.start(name, vec![(0, reader)]) {
                    Ok(pid) => {
                        let output = Some(Output::new(self.t.ctx.clone(), Some(writer)));
                        self.writings.push(Writing { name: name.to_vec(), kind, output, pid: Some(pid) });
                        Ok(())
                    }
                    Err(error) => {
                        fatal(format!("cannot open pipe `{shown}' for output: {}", error.strerror()))
                    }
                }
            }
            Kind::File => match self.t.ctx.create_output(name, append).await {
                Ok(output) => {
                    self.writings.push(Writing {
                        name: name.to_vec(),
                        kind,
                        output: Some(output),
                        pid: None,
                    });
                    Ok(())
                }
                Err(error) => fatal(format!("cannot redirect to `{shown}': {}", error.strerror())),
            },
        }
    }

    pub(super) fn open_coprocess(&mut self, name: &[u8]) -> Step<()> {
        let (their_input, our_output) = self.t.ctx.new_pipe();
        let (our_input, their_output) = self.t.ctx.new_pipe();
        match self.start(name, vec![(0, their_input), (1, their_output)]) {
            Ok(pid) => {
                let input = Input::new(self.t.ctx.clone(), our_input);
                let output = Some(Output::new(self.t.ctx.clone(), Some(our_output)));
                let kind = Kind::Coprocess;
                self.readings.push(Reading { name: name.to_vec(), kind, input, pid: None });
                self.writings.push(Writing { name: name.to_vec(), kind, output, pid: Some(pid) });
                Ok(())
            }
            Err(error) => fatal(format!(
                "cannot open two-way pipe `{}' for input/output: {}",
                name.as_bstr(),
                error.strerror()
            )),
        }
    }

    /// `close`: -1 when nothing of that name is open. `to`: only that end of a coprocess; it stays open otherwise.
    pub(in super::super) async fn close(&mut self, name: &[u8], how: Option<&[u8]>) -> Step<f64> {
        self.flush_stdout().await?;
        let mut result = -1.0;
        if let Some(place) = self.writings.iter().position(|writing| writing.name == name) {
            let coprocess = self.writings.get(place).is_some_and(|writing| writing.kind == Kind::Coprocess);
            if coprocess && how == Some(b"from") {
                self.readings.retain(|reading| reading.kind != Kind::Coprocess || reading.name != name);
                return Ok(0.0);
            }
            if let Some(writing) = self.writings.get_mut(place) {
                if let Some(mut output) = writing.output.take() {
                    let _ = output.flush().await;
                }
                if coprocess && how == Some(b"to") {
                    return Ok(0.0);
                }
            }
            let writing = self.writings.remove(place);
            if coprocess {
                self.readings.retain(|reading| reading.kind != Kind::Coprocess || reading.name != name);
            }
            result = match writing.pid {
                Some(pid) => wait(&self.t.ctx, pid).await,
                None => 0.0,
            };
        }
        if let Some(place) = self.readings.iter().position(|reading| reading.name == name) {
            let Reading { input, pid, .. } = self.readings.remove(place);
            drop(input);
            result = match pid {
                Some(pid) => wait(&self.t.ctx, pid).await,
                None => 0.0,
            };
        }
        Ok(result)
    }

    pub(super) async fn close_all(&mut self) -> Step<()> {
        let flushed = self.flush_stdout().await;
        self.readings.retain(|reading| reading.kind == Kind::Coprocess);
        for writing in &mut self.writings {
            if let Some(mut output) = writing.output.take() {
                let _ = output.flush().await;
            }
        }
        self.readings.clear();
        for writing in std::mem::take(&mut self.writings) {
            if let Some(pid) = writing.pid {
                wait(&self.t.ctx, pid).await;
            }
        }
        flushed
    }

    // `-i inplace`.

    /// Lets standard output go to the new contents of a file.
    pub(super) async fn begin_in_place(&mut self, name: &[u8]) -> Step<()> {
        self.flush_stdout().await?;
        let Some(in_place) = &mut self.in_place else { return Ok(()) };
        match in_place.begin(&self.t.ctx, name).await {
            Ok(output) => {
                in_place.outer = Some(std::mem::replace(&mut self.out, output));
                Ok(())
            }
            Err(error) => {
                fatal(format!("inplace::begin: Cannot open `{}': {}", name.as_bstr(), error.strerror()))
            }
        }
    }

    /// Puts the new contents into the place of the old.
    pub(super) async fn end_in_place(&mut self) -> Step<()> {
        self.flush_stdout().await?;
        let Some(in_place) = &mut self.in_place else { return Ok(()) };
        let Some(outer) = in_place.outer.take() else { return Ok(()) };
        self.out = outer;
        let done: Result<(), Errno> = in_place.end(&self.t.ctx);
        done.or_else(|error| fatal(format!("inplace::end: {}", error.strerror())))
    }
}
