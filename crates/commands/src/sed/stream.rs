//! Where lines come from, and where they go.

use std::collections::VecDeque;

use bstr::{BString, ByteSlice};
use wasmsh_os::{Ctx, Errno, Input, OpenFlags, Output};

use crate::{Done, Fail, Tool};

/// An output, which remembers that its last line lacks a newline.
pub(super) struct Sink {
    pub(super) output: Output,
    missing_newline: bool,
}

impl Sink {
    pub(super) fn new(output: Output) -> Sink {
        Sink { output, missing_newline: false }
    }

    /// Ends a line that was left open.
    #[inline]
    pub(super) fn close_line(&mut self, delimiter: u8) {
        if self.missing_newline {
            self.output.put_byte(delimiter);
            self.missing_newline = false;
        }
    }

    /// Adds a line, which has a `delimiter` if `ended`.
    #[inline]
    pub(super) fn line(&mut self, line: &[u8], ended: bool, delimiter: u8) {
        self.close_line(delimiter);
        self.output.put(line);
        if ended {
            self.output.put_byte(delimiter);
        } else {
            self.missing_newline = true;
        }
    }

    /// Adds text as it is.
    pub(super) fn raw(&mut self, text: &[u8], delimiter: u8) {
        self.close_line(delimiter);
        self.output.put(text);
    }
}

/// A file that is being edited in place.
pub(super) struct Edit {
    pub(super) sink: Sink,
    target: BString,
    temporary: Vec<u8>,
    mode: u32,
}

/// How the operands are read.
pub(super) struct Source {
    ctx: Ctx,
    files: VecDeque<BString>,
    current: Option<(BString, Input)>,
    /// The file after the current one, opened to see whether a line comes.
    ahead: Option<(BString, Input)>,
    /// Every file has a last line.
    pub(super) separate: bool,
    /// `-i`, with the suffix for backups.
    pub(super) in_place: Option<BString>,
    pub(super) follow: bool,
    pub(super) edit: Option<Edit>,
    delimiter: u8,
    name: BString,
}

impl Source {
    pub(super) fn new(ctx: Ctx, files: Vec<BString>, delimiter: u8) -> Source {
        Source {
            ctx,
            files: files.into(),
            current: None,
            ahead: None,
            separate: false,
            in_place: None,
            follow: false,
            edit: None,
            delimiter,
            name: "-".into(),
        }
    }

    /// The name of the current file.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// What the current file has buffered.
    pub(super) fn buffered(&self) -> &[u8] {
        self.current.as_ref().map_or(&[], |(_, input)| input.buffered())
    }

    /// As [`buffered`](Source::buffered), with the file being edited.
    pub(super) fn buffered_and_edit(&mut self) -> (&[u8], Option<&mut Sink>) {
        let buffered = self.current.as_ref().map_or(&[][..], |(_, input)| input.buffered());
        (buffered, self.edit.as_mut().map(|edit| &mut edit.sink))
    }

    pub(super) fn consume(&mut self, count: usize) {
        if let Some((_, input)) = &mut self.current {
            input.consume(count);
        }
    }

    /// Opens the next file that can be opened.
    async fn open(&mut self, t: &mut Tool) -> Result<Option<(BString, Input)>, Fail> {
        while let Some(name) = self.files.pop_front() {
            if self.in_place.is_some() && name != "-" && !self.may_edit(t, &name).await? {
                continue;
            }
            let opened = if name == "-" && self.in_place.is_none() {
                self.ctx.stdin()
            } else {
                self.ctx.open_input(&name).await
            };
            match opened {
                Ok(input) => return Ok(Some((name, input))),
                Err(error) => {
                    t.status = 2;
                    t.warn(format!("can't read {name}: {}", error.strerror())).await?;
                }
            }
        }
        Ok(None)
    }

    async fn may_edit(&self, t: &mut Tool, name: &BString) -> Result<bool, Fail> {
        let stat = match self.ctx.stat(name, true) {
            Ok(stat) => stat,
            Err(error) => {
                t.status = 2;
                t.warn(format!("can't read {name}: {}", error.strerror())).await?;
                return Ok(false);
            }
        };
        if stat.is_regular() {
            return Ok(true);
        }
        t.status = 4;
        t.warn(format!("couldn't edit {name}: not a regular file")).await?;
        Ok(false)
    }

    /// Makes the next file the current one. False: there is none.
    async fn advance(&mut self, t: &mut Tool, number: &mut u64) -> Result<bool, Fail> {
        self.finish_edit().await?;
        let next = match self.ahead.take() {
            Some(next) => Some(next),
            None => self.open(t).await?,
        };
        let Some((name, input)) = next else {
            self.current = None;
            return Ok(false);
        };
        if self.separate {
            *number = 0;
        }
        self.name = name.clone();
        if self.in_place.is_some() {
            self.edit = Some(self.begin_edit(&name).await?);
        }
        self.current = Some((name, input));
        Ok(true)
    }

    /// Makes sure that something is buffered. False: there is nothing more.
    pub(super) async fn fill(&mut self, t: &mut Tool, number: &mut u64) -> Result<bool, Fail> {
        loop {
            if let Some((name, input)) = &mut self.current {
                match input.fill().await {
                    Ok([]) => {}
                    Ok(_) => return Ok(true),
                    Err(error) => return Err(read_error(name, error)),
                }
            }
            if !self.advance(t, number).await? {
                return Ok(false);
            }
        }
    }

    /// Appends the next line to `line`. Whether there is one, and whether it ends in a delimiter.
    pub(super) async fn line(
        &mut self,
        t: &mut Tool,
        number: &mut u64,
        line: &mut Vec<u8>,
    ) -> Result<Option<bool>, Fail> {
        if !self.fill(t, number).await? {
            return Ok(None);
        }
        let Some((name, input)) = &mut self.current else { return Ok(None) };
        match input.line(self.delimiter).await {
            Ok(None) => Ok(None),
            Ok(Some(found)) => {
                let ended = found.last() == Some(&self.delimiter);
                line.extend_from_slice(if ended {
                    found.split_last().map_or(found, |(_, head)| head)
                } else {
                    found
                });
                Ok(Some(ended))
            }
            Err(error) => Err(read_error(name, error)),
        }
    }

    /// Whether no line follows.
    pub(super) async fn at_end(&mut self, t: &mut Tool, across: bool) -> Result<bool, Fail> {
        if let Some((name, input)) = &mut self.current {
            match input.fill().await {
                Ok([]) => {}
                Ok(_) => return Ok(false),
                Err(error) => return Err(read_error(name, error)),
            }
        }
        if self.separate && !across {
            return Ok(true);
        }
        loop {
            if let Some((name, input)) = &mut self.ahead {
                match input.fill().await {
                    Ok([]) => {}
                    Ok(_) => return Ok(false),
                    Err(error) => return Err(read_error(name, error)),
                }
                if self.in_place.is_some() {
                    // An empty file has nothing to edit.
                    self.ahead = None;
                }
            }
            match self.open(t).await? {
                Some(next) => self.ahead = Some(next),
                None => return Ok(true),
            }
        }
    }

    async fn begin_edit(&self, name: &BString) -> Result<Edit, Fail> {
        let fail = |what: &[u8], error: Errno| {
            Fail::Message(format!("couldn't open temporary file {}: {}", what.as_bstr(), error.strerror()), 4)
        };
        let target = if self.follow {
            self.ctx.canonicalize(name).map_err(|error| fail(name, error))?.into()
        } else {
            name.clone()
        };
        let mode = self.ctx.stat(&target, true).map_err(|error| fail(name, error))?.mode & 0o7777;
        let directory = directory_of(&target);
        let mut noise = [0; 6];
        loop {
            self.ctx.random(&mut noise);
            let mut temporary = directory.to_vec();
            temporary.extend_from_slice(b"sed");
            temporary.extend(noise.iter().map(|byte| b'a' + byte % 26));
            let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            match self.ctx.open_description(&temporary, how, 0o600).await {
                Ok(description) => {
                    let sink = Sink::new(Output::new(self.ctx.clone(), Some(description)));
                    return Ok(Edit { sink, target, temporary, mode });
                }
                Err(Errno::Exist) => {}
                Err(error) => return Err(fail(&temporary, error)),
            }
        }
    }

    /// Puts the edited file in the place of the old one.
    pub(super) async fn finish_edit(&mut self) -> Done {
        let Some(mut edit) = self.edit.take() else { return Ok(()) };
        let target = &edit.target;
        let fail =
            |what: &str, error: Errno| Fail::Message(format!("{what} {target}: {}", error.strerror()), 4);
        edit.sink.output.flush().await.map_err(|error| fail("couldn't write to", error))?;
        self.ctx.set_mode(&edit.temporary, edit.mode, true).map_err(|error| fail("cannot change", error))?;
        if let Some(suffix) = self.in_place.as_ref().filter(|suffix| !suffix.is_empty()) {
            let backup = backup_name(target, suffix);
            self.ctx.rename(target, &backup).map_err(|error| fail("cannot rename", error))?;
        }
        self.ctx.rename(&edit.temporary, target).map_err(|error| fail("cannot rename", error))
    }

    /// Removes the file that an edit has begun.
    pub(super) fn abandon_edit(&mut self) {
        if let Some(edit) = self.edit.take() {
            // It is only in the way.
            let _ = self.ctx.remove_file(&edit.temporary);
        }
    }

    /// What was read and not used stays for whoever shares standard input.
    pub(super) fn give_back(&self) {
        if let Some((name, input)) = &self.current
            && name == "-"
        {
            crate::head::give_back(input);
        }
    }
}

fn read_error(name: &BString, error: Errno) -> Fail {
    Fail::Message(format!("read error on {name}: {}", error.strerror()), 4)
}

fn directory_of(path: &[u8]) -> &[u8] {
    path.rfind_byte(b'/').and_then(|slash| path.get(..=slash)).unwrap_or_default()
}

/// The name of a backup: `*` in the suffix stands for the file's name; without one it is appended.
fn backup_name(target: &[u8], suffix: &[u8]) -> Vec<u8> {
    let directory = directory_of(target);
    let base = target.get(directory.len()..).unwrap_or_default();
    let name = if suffix.contains(&b'*') { suffix.replace("*", base) } else { [base, suffix].concat() };
    if name.contains(&b'/') { name } else { [directory, &name].concat() }
}

#[cfg(test)]
mod tests {
    use super::backup_name;

    #[test]
    fn names_of_backups() {
        assert_eq!(backup_name(b"d/f", b".bak"), b"d/f.bak");
        assert_eq!(backup_name(b"d/f", b"old_*"), b"d/old_f");
        assert_eq!(backup_name(b"d/f", b"/b/*"), b"/b/f");
        assert_eq!(backup_name(b"f", b"~"), b"f~");
    }
}
