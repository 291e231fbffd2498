//! Redirections (POSIX XCU 2.7, bash manual "Redirections").

use std::cell::RefCell;
use std::rc::Rc;

use wasmsh_os::{Description, Errno, NewTime, OpenFile, OpenFlags, Opening, Position, Stat, Timestamp};
use wasmsh_vfs::FileType;

use crate::options::{Opt, Shopt};
use crate::text::Str;
use crate::vars::Value;
use crate::vm::code::{Redir, RedirFd, RedirKind};
use crate::vm::run::Next;
use crate::vm::variables::split_reference;
use crate::vm::{Ctl, Pending, Unwind, Vm};

/// A redirection whose file is being opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened {
    redir: Redir,
    both: bool,
}

impl Vm {
    fn redirect_error(&mut self, what: &[u8], message: &str) -> Unwind {
        let mut text = what.to_vec();
        text.extend_from_slice(b": ");
        text.extend_from_slice(message.as_bytes());
        self.error(&text);
        self.flush_now();
        if self.opt(Opt::Posix) && !self.shell.interactive && self.is_special_command() {
            return Unwind::Exit(1);
        }
        Unwind::Fail(1)
    }

    /// Whether the simple command under way is a special builtin.
    fn is_special_command(&self) -> bool {
        let Some(Ctl::Redirect { heights, .. }) = self.ctl.last() else { return false };
        if self.marks.len() <= heights.marks {
            return false;
        }
        let name = self.marks.last().and_then(|mark| self.args.get(*mark));
        let symbol = name.and_then(|name| self.shell.shared.names.get(name));
        symbol.and_then(|symbol| self.shell.shared.builtin(symbol)).is_some_and(|builtin| builtin.special)
    }

    /// Carries out a redirection whose target is on the stack.
    pub(super) fn redirect(&mut self, index: u32) -> Result<Next, Unwind> {
        let Some(redir) = self.code.redirs.get(index as usize).copied() else { return Ok(Next::Go) };
        let target = self.args.pop().unwrap_or_default();
        if redir.line > 0 {
            self.line = redir.line;
        }
        if std::mem::take(&mut self.ambiguous) {
            let text = self.code.text(redir.text).clone();
            return Err(self.redirect_error(&text, "ambiguous redirect"));
        }
        // `{v}>&-` closes the descriptor that is in the variable.
        if let (RedirFd::Variable(name), RedirKind::DupInput | RedirKind::DupOutput, b"-") =
            (redir.fd, redir.kind, target.as_bytes())
        {
            let name = self.code.text(name).clone();
            let value = match self.place_value(&name)? {
                Some(value) => value,
                None => return Err(self.redirect_error(&name, "Bad file descriptor")),
            };
            if let Some(number) = crate::text::plain_int(&value) {
                let _ = self.ctx.close(number as u32);
            }
            return Ok(Next::Go);
        }
        use OpenFlags as F;
        let (flags, both) = match redir.kind {
            RedirKind::Here => {
                let file = MemoryFile::open(target.into_vec());
                self.redirect_to(&redir, Rc::new(Description::File(file)))?;
                return Ok(Next::Go);
            }
            RedirKind::DupInput | RedirKind::DupOutput => {
                return self.redirect_duplicate(redir, target);
            }
            RedirKind::Input => (F::READ, false),
            RedirKind::Output | RedirKind::OutputBoth if self.opt(Opt::NoClobber) => {
                // Only a regular file is protected.
                match self.ctx.stat(&target, true) {
                    Ok(stat) if stat.kind == FileType::Regular => {
                        return Err(self.redirect_error(&target, "cannot overwrite existing file"));
                    }
                    Ok(_) => (F::WRITE, redir.kind == RedirKind::OutputBoth),
                    Err(_) => (F::WRITE | F::CREATE | F::EXCLUSIVE, redir.kind == RedirKind::OutputBoth),
                }
            }
            RedirKind::Output | RedirKind::Clobber => (F::WRITE | F::CREATE | F::TRUNCATE, false),
            RedirKind::OutputBoth => (F::WRITE | F::CREATE | F::TRUNCATE, true),
            RedirKind::Append => (F::WRITE | F::CREATE | F::APPEND, false),
            RedirKind::AppendBoth => (F::WRITE | F::CREATE | F::APPEND, true),
            RedirKind::ReadWrite => (F::READ | F::WRITE | F::CREATE, false),
        };
        self.redirect_open(Opened { redir, both }, &target, flags)
    }

    fn redirect_open(&mut self, opened: Opened, target: &Str, flags: OpenFlags) -> Result<Next, Unwind> {
        if target.starts_with(b"/dev/tcp/") || target.starts_with(b"/dev/udp/") {
            return Err(self.redirect_error(target, "Network is unreachable"));
        }
        match self.ctx.begin_open(target, flags, 0o666) {
            Ok(Opening::Done(description)) => {
                self.redirect_opened(opened, description)?;
                Ok(Next::Go)
            }
            Ok(Opening::Waiting(fifo)) => {
                self.pending = Some(Pending::Open(fifo, opened));
                Ok(Next::Wait)
            }
            Err(error) => {
                let message = if flags.contains(OpenFlags::EXCLUSIVE) && error == Errno::Exist {
                    "cannot overwrite existing file"
                } else {
                    error.strerror()
                };
                Err(self.redirect_error(target, message))
            }
        }
    }

    pub(super) fn redirect_opened(
        &mut self,
        opened: Opened,
        description: Rc<Description>,
    ) -> Result<(), Unwind> {
        if opened.both {
            self.set_saved(2, Some(description.clone()))?;
            return self.set_saved(1, Some(description));
        }
        self.redirect_to(&opened.redir, description)
    }

    /// Gives the descriptor of a redirection this description.
    fn redirect_to(&mut self, redir: &Redir, description: Rc<Description>) -> Result<(), Unwind> {
        let number = match redir.fd {
            RedirFd::Number(number) => number,
            RedirFd::Default => match redir.kind {
                RedirKind::Input | RedirKind::ReadWrite | RedirKind::DupInput | RedirKind::Here => 0,
                _ => 1,
            },
            RedirFd::Variable(name) => {
                let name = self.code.text(name).clone();
                let number = match self.ctx.add_descriptor(description, 10) {
                    Ok(number) => number,
                    Err(error) => return Err(self.redirect_error(&name, error.strerror())),
                };
                if self.shopt(Shopt::VarRedirClose)
                    && let Some(Ctl::Redirect { saved, .. }) = self.ctl.last_mut()
                {
                    saved.push((number, None));
                }
                return self.assign_place(&name, Str::from_int(i64::from(number))).map_err(|_| {
                    // Nobody knows its number.
                    let _ = self.ctx.close(number);
                    self.redirect_error(&name, "cannot assign fd to variable")
                });
            }
        };
        self.set_saved(number, Some(description))
    }

    /// `n<&m`, `n>&m`, `n>&m-`, `n>&-`, and `>& file`.
    fn redirect_duplicate(&mut self, redir: Redir, target: Str) -> Result<Next, Unwind> {
        let output = redir.kind == RedirKind::DupOutput;
        let number = match redir.fd {
            RedirFd::Number(number) => Some(number),
            RedirFd::Default => Some(u32::from(output)),
            RedirFd::Variable(_) => None,
        };
        if target.as_bytes() == b"-" {
            if let Some(number) = number {
                self.set_saved(number, None)?;
            }
            return Ok(Next::Go);
        }
        let (digits, moved) = match target.strip_suffix(b"-") {
            Some(digits) => (digits, true),
            None => (target.as_bytes(), false),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            if output && redir.fd == RedirFd::Default {
                let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
                return self.redirect_open(Opened { redir, both: true }, &target, flags);
            }
            let text = self.code.text(redir.text).clone();
            return Err(self.redirect_error(&text, "ambiguous redirect"));
        }
        let from =
            std::str::from_utf8(digits).ok().and_then(|text| text.parse::<u32>().ok()).unwrap_or(u32::MAX);
        let Ok(description) = self.ctx.description(from) else {
            let text = self.code.text(redir.text).clone();
            return Err(self.redirect_error(&text, "Bad file descriptor"));
        };
        self.redirect_to(&redir, description)?;
        if moved && number != Some(from) {
            self.set_saved(from, None)?;
        }
        Ok(Next::Go)
    }

    /// Changes a descriptor; the redirection's end puts it back.
    pub(crate) fn set_saved(
        &mut self,
        number: u32,
        description: Option<Rc<Description>>,
    ) -> Result<(), Unwind> {
        if self.has_output() {
            self.flush_now();
        }
        let old = self.ctx.description(number).ok();
        if let Some(Ctl::Redirect { saved, .. }) = self.ctl.last_mut()
            && !saved.iter().any(|(other, _)| *other == number)
        {
            saved.push((number, old));
        }
        match description {
            Some(description) => {
                if let Err(error) = self.ctx.set_descriptor(number, description) {
                    return Err(self.redirect_error(number.to_string().as_bytes(), error.strerror()));
                }
            }
            None => {
                let _ = self.ctx.close(number);
            }
        }
        Ok(())
    }

    pub(crate) fn restore_descriptors(&mut self, saved: Vec<(u32, Option<Rc<Description>>)>) {
        for (number, description) in saved.into_iter().rev() {
            match description {
                Some(description) => {
                    let _ = self.ctx.set_descriptor(number, description);
                }
                None => {
                    let _ = self.ctx.close(number);
                }
            }
        }
    }

    /// `exec` without a command: its redirections stay.
    pub(crate) fn keep_redirections(&mut self) {
        if let Some(Ctl::Redirect { saved, .. }) = self.ctl.last_mut() {
            saved.clear();
        }
    }

    /// The value of `name` or `name[subscript]`.
    fn place_value(&mut self, text: &[u8]) -> Result<Option<Str>, Unwind> {
        match split_reference(text) {
            Some((name, None)) => {
                let symbol = self.symbol(name);
                self.scalar(symbol)
            }
            Some((name, Some(subscript))) => {
                let symbol = self.symbol(name);
                let key = self.key_from_source(symbol, subscript)?;
                self.element(symbol, &key)
            }
            None => Ok(None),
        }
    }

    /// Assigns to `name` or `name[subscript]`.
    pub(crate) fn assign_place(&mut self, text: &[u8], value: Str) -> Result<(), Unwind> {
        match split_reference(text) {
            Some((name, None)) => {
                let symbol = self.symbol(name);
                self.assign(symbol, Value::Str(value))
            }
            Some((name, Some(subscript))) => {
                let symbol = self.symbol(name);
                let key = self.key_from_source(symbol, subscript)?;
                self.assign_element(symbol, key, value, false)
            }
            None => {
                let mut message = Vec::new();
                if !self.builtin.is_empty() {
                    message.extend_from_slice(self.builtin.as_bytes());
                    message.extend_from_slice(b": ");
                }
                message.extend_from_slice(b"`");
                message.extend_from_slice(text);
                message.extend_from_slice(b"': not a valid identifier");
                self.error(&message);
                Err(Unwind::Fail(1))
            }
        }
    }
}

/// The text of a here-document as an open file without a name.
pub(crate) struct MemoryFile {
    bytes: Vec<u8>,
    at: RefCell<u64>,
}

impl MemoryFile {
    pub(crate) fn open(bytes: Vec<u8>) -> Rc<dyn OpenFile> {
        Rc::new(MemoryFile { bytes, at: RefCell::new(0) })
    }
}

impl OpenFile for MemoryFile {
    fn read_into(&self, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let count = self.read_at_into(*self.at.borrow(), buffer, max)?;
        *self.at.borrow_mut() += count as u64;
        Ok(count)
    }

    fn write(&self, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::BadDescriptor)
    }

    fn read_at_into(&self, offset: u64, buffer: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.bytes.len());
        let end = start.saturating_add(max).min(self.bytes.len());
        let part = self.bytes.get(start..end).unwrap_or_default();
        buffer.extend_from_slice(part);
        Ok(part.len())
    }

    fn write_at(&self, _: u64, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::BadDescriptor)
    }

    fn seek(&self, to: Position) -> Result<u64, Errno> {
        let new = match to {
            Position::Start(at) => i128::from(at),
            Position::Current(by) => i128::from(*self.at.borrow()) + i128::from(by),
            Position::End(by) => self.bytes.len() as i128 + i128::from(by),
        };
        let new = u64::try_from(new).map_err(|_| Errno::Invalid)?;
        *self.at.borrow_mut() = new;
        Ok(new)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        let time = Timestamp::default();
        Ok(Stat {
            device: 0,
            inode: 0,
            kind: FileType::Regular,
            mode: 0o600,
            links: 0,
            uid: 0,
            gid: 0,
            device_number: 0,
            size: self.bytes.len() as u64,
            blocks: 0,
            accessed: time,
            modified: time,
            changed: time,
        })
    }

    fn set_size(&self, _: u64) -> Result<(), Errno> {
        Err(Errno::Invalid)
    }

    fn set_mode(&self, _: u32) -> Result<(), Errno> {
        Err(Errno::NotPermitted)
    }

    fn set_owner(&self, _: Option<u32>, _: Option<u32>) -> Result<(), Errno> {
        Err(Errno::NotPermitted)
    }

    fn set_times(&self, _: NewTime, _: NewTime) -> Result<(), Errno> {
        Err(Errno::NotPermitted)
    }

    fn flags(&self) -> OpenFlags {
        OpenFlags::READ
    }

    fn set_append(&self, _: bool) {}

    fn duplicate(self: Rc<Self>) -> Result<Rc<dyn OpenFile>, Errno> {
        Ok(self)
    }

    fn path(&self) -> Option<String> {
        None
    }
}
