//! Files by path, relative to a process's directory, and what only a process has behind a path:
//! its descriptors (`/dev/fd`, `/dev/stdin`, `/proc/self/fd`) and the pipes of FIFOs.

use std::borrow::Cow;
use std::rc::Rc;
use std::task::Poll;

use bstr::ByteSlice;
use wasmsh_vfs::{AccessMode, Entry, Errno, FileType, NewTime, OpenFlags, Stat, Timestamp};

use crate::context::Ctx;
use crate::descriptor::Description;
use crate::io::{Input, Output};
use crate::pipe::Pipe;

/// An `open(2)` that may have to wait.
pub enum Opening {
    /// Open.
    Done(Rc<Description>),
    /// A FIFO whose other end nobody has open yet.
    Waiting(FifoOpen),
}

/// A FIFO of which one end is open, waiting for the other.
pub struct FifoOpen {
    description: Rc<Description>,
    pipe: Rc<Pipe>,
    /// The count that has to move.
    before: u64,
    reading: bool,
}

impl FifoOpen {
    /// The open FIFO, once the other end is open too; else the process is woken when it is worth asking again.
    pub fn poll(&self, ctx: &Ctx) -> Poll<Rc<Description>> {
        if ctx.is_killed() {
            return Poll::Pending;
        }
        let now = if self.reading { self.pipe.writers_ever.get() } else { self.pipe.readers_ever.get() };
        if now != self.before {
            return Poll::Ready(self.description.clone());
        }
        self.pipe.opened.register(ctx.process());
        Poll::Pending
    }
}

/// The device number of what is no file of the filesystem (Linux's pipefs is such a one too).
const PIPE_DEVICE: u64 = 14;

impl Ctx {
    /// The path as the filesystem takes it: absolute, UTF-8.
    ///
    /// # Errors
    /// `NoEntry`: it is empty; `IllegalByteSequence`: it is not UTF-8.
    pub fn resolve<'a>(&self, path: &'a [u8]) -> Result<Cow<'a, str>, Errno> {
        let text = path.to_str().map_err(|_| Errno::IllegalByteSequence)?;
        if text.starts_with('/') {
            return Ok(Cow::Borrowed(text));
        }
        if text.is_empty() {
            return Err(Errno::NoEntry);
        }
        let cwd = self.cwd();
        let mut absolute = String::with_capacity(cwd.len() + 1 + text.len());
        absolute.push_str(&cwd);
        if !cwd.ends_with('/') {
            absolute.push('/');
        }
        absolute.push_str(text);
        Ok(Cow::Owned(absolute))
    }

    /// The descriptor of this process that a path names.
    pub fn descriptor_path(&self, path: &str) -> Option<u32> {
        match path {
            "/dev/stdin" => return Some(0),
            "/dev/stdout" => return Some(1),
            "/dev/stderr" => return Some(2),
            _ => {}
        }
        let number =
            path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/")).or_else(|| {
                let rest = path.strip_prefix("/proc/")?;
                let (pid, number) = rest.split_once("/fd/")?;
                (pid.parse() == Ok(self.pid().get())).then_some(number)
            })?;
        number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse().ok()).flatten()
    }

    /// `open(2)`. The umask is taken off `mode`.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub fn begin_open(&self, path: &[u8], how: OpenFlags, mode: u32) -> Result<Opening, Errno> {
        let path = self.resolve(path)?;
        if path.starts_with("/dev/") || path.starts_with("/proc/") {
            if let Some(number) = self.descriptor_path(&path) {
                return self.reopen(number, how).map(Opening::Done);
            }
            if path == "/dev/tty" {
                return self.open_terminal(how).map(Opening::Done);
            }
        }
        let file = self.kernel().fs().open(&path, how, mode & !self.umask())?;
        // Only the stat of an open file tells a FIFO; a regular file with contents asked for never is one,
        // but to know that is to ask.
        if !how.intersects(OpenFlags::CREATE | OpenFlags::DIRECTORY) || !how.contains(OpenFlags::EXCLUSIVE) {
            let stat = file.stat()?;
            if stat.kind == FileType::Fifo {
                return Ok(self.open_fifo(&stat, how));
            }
        }
        Ok(Opening::Done(Rc::new(Description::File(file))))
    }

    /// `open(2)` as Linux does it for `/proc/self/fd`: a file anew, anything else shared.
    fn reopen(&self, number: u32, how: OpenFlags) -> Result<Rc<Description>, Errno> {
        let description = self.description(number).map_err(|_| Errno::NoEntry)?;
        if let Description::File(file) = &*description
            && let Some(path) = file.path()
            && let Ok(file) =
                self.kernel().fs().open(&path, how - OpenFlags::EXCLUSIVE - OpenFlags::CREATE, 0)
        {
            return Ok(Rc::new(Description::File(file)));
        }
        if (how.contains(OpenFlags::READ) && !description.is_readable())
            || (how.contains(OpenFlags::WRITE) && !description.is_writable())
        {
            return Err(Errno::Access);
        }
        Ok(description)
    }

    fn open_terminal(&self, how: OpenFlags) -> Result<Rc<Description>, Errno> {
        let kernel = self.kernel();
        if how.contains(OpenFlags::WRITE) && kernel.terminal().is_some() {
            Ok(Rc::new(Description::HostOutput(crate::OutputStream::Stdout)))
        } else if !how.contains(OpenFlags::WRITE) && kernel.input_is_terminal() {
            Ok(Rc::new(Description::HostInput))
        } else {
            Err(Errno::NoSuchDevice)
        }
    }

    fn open_fifo(&self, stat: &Stat, how: OpenFlags) -> Opening {
        let pipe = {
            let mut fifos = self.kernel().fifos.borrow_mut();
            fifos.retain(|_, pipe| pipe.strong_count() > 0);
            let key = (stat.device, stat.inode);
            match fifos.get(&key).and_then(std::rc::Weak::upgrade) {
                Some(pipe) => pipe,
                None => {
                    let pipe = self.kernel().new_pipe();
                    fifos.insert(key, Rc::downgrade(&pipe));
                    pipe
                }
            }
        };
        let (reading, writing) = (how.contains(OpenFlags::READ), how.contains(OpenFlags::WRITE));
        if reading && writing {
            return Opening::Done(Rc::new(Description::Fifo(pipe.reader(), pipe.writer())));
        }
        if reading {
            let description = Rc::new(Description::PipeReader(pipe.reader()));
            if pipe.has_writers() {
                return Opening::Done(description);
            }
            let before = pipe.writers_ever.get();
            Opening::Waiting(FifoOpen { description, pipe, before, reading: true })
        } else {
            let description = Rc::new(Description::PipeWriter(pipe.writer()));
            if pipe.has_readers() {
                return Opening::Done(description);
            }
            let before = pipe.readers_ever.get();
            Opening::Waiting(FifoOpen { description, pipe, before, reading: false })
        }
    }

    /// `open(2)`: what was opened, not yet in the table.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub async fn open_description(
        &self,
        path: &[u8],
        how: OpenFlags,
        mode: u32,
    ) -> Result<Rc<Description>, Errno> {
        match self.begin_open(path, how, mode)? {
            Opening::Done(description) => Ok(description),
            Opening::Waiting(fifo) => Ok(std::future::poll_fn(|_| fifo.poll(self)).await),
        }
    }

    /// `open(2)`: the lowest free descriptor.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub async fn open(&self, path: &[u8], how: OpenFlags, mode: u32) -> Result<u32, Errno> {
        let description = self.open_description(path, how, mode).await?;
        self.add_descriptor(description, 0)
    }

    /// Opens a file for buffered reading.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub async fn open_input(&self, path: &[u8]) -> Result<Input, Errno> {
        Ok(Input::new(self.clone(), self.open_description(path, OpenFlags::READ, 0).await?))
    }

    /// Creates or empties a file for buffered writing.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub async fn create_output(&self, path: &[u8], append: bool) -> Result<Output, Errno> {
        let how = OpenFlags::WRITE
            | OpenFlags::CREATE
            | if append { OpenFlags::APPEND } else { OpenFlags::TRUNCATE };
        Ok(Output::new(self.clone(), Some(self.open_description(path, how, 0o666).await?)))
    }

    /// `stat(2)`, or `lstat(2)` when `follow` is false.
    ///
    /// # Errors
    /// Those of `stat(2)`.
    pub fn stat(&self, path: &[u8], follow: bool) -> Result<Stat, Errno> {
        let path = self.resolve(path)?;
        if (path.starts_with("/dev/") || path.starts_with("/proc/"))
            && let Some(number) = self.descriptor_path(&path)
        {
            if follow {
                let description = self.description(number).map_err(|_| Errno::NoEntry)?;
                return self.stat_description(&description);
            }
            self.description(number).map_err(|_| Errno::NoEntry)?;
            return Ok(self.special_stat(FileType::SymbolicLink, 0o777, u64::from(number) + 1));
        }
        self.kernel().fs().stat_at(&path, follow)
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    /// `BadDescriptor`.
    pub fn stat_descriptor(&self, descriptor: u32) -> Result<Stat, Errno> {
        let description = self.description(descriptor)?;
        self.stat_description(&description)
    }

    /// `fstat(2)` of an open description.
    ///
    /// # Errors
    /// Those of the filesystem.
    pub fn stat_description(&self, description: &Description) -> Result<Stat, Errno> {
        let kernel = self.kernel();
        Ok(match description {
            Description::File(file) => return file.stat(),
            Description::PipeReader(reader) | Description::Fifo(reader, _) => {
                self.special_stat(FileType::Fifo, 0o600, reader.pipe().identity())
            }
            Description::PipeWriter(writer) => {
                self.special_stat(FileType::Fifo, 0o600, writer.pipe().identity())
            }
            Description::HostInput if kernel.input_is_terminal() => {
                self.special_stat(FileType::CharacterDevice, 0o620, 3)
            }
            Description::HostOutput(_) if kernel.terminal().is_some() => {
                self.special_stat(FileType::CharacterDevice, 0o620, 3)
            }
            Description::HostInput => self.special_stat(FileType::Fifo, 0o600, 1),
            Description::HostOutput(_) => self.special_stat(FileType::Fifo, 0o600, 2),
        })
    }

    fn special_stat(&self, kind: FileType, mode: u32, inode: u64) -> Stat {
        let (uid, gid) = self.user();
        let now = Timestamp { seconds: self.now().seconds, nanoseconds: 0 };
        Stat {
            device: PIPE_DEVICE,
            inode,
            kind,
            mode,
            links: 1,
            uid,
            gid,
            // 136:0, the first pseudo-terminal of Linux.
            device_number: if kind == FileType::CharacterDevice { 0x8800 } else { 0 },
            size: 0,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// `access(2)`.
    ///
    /// # Errors
    /// `Access`, or those of the path.
    pub fn access(&self, path: &[u8], mode: AccessMode) -> Result<(), Errno> {
        let path = self.resolve(path)?;
        if let Some(number) = self.descriptor_path(&path) {
            return self.description(number).map(|_| ()).map_err(|_| Errno::NoEntry);
        }
        self.kernel().fs().access(&path, mode)
    }

    /// The entries of a directory but `.` and `..`, ordered by name as bytes.
    ///
    /// # Errors
    /// Those of `opendir(3)`.
    pub fn read_directory(&self, path: &[u8]) -> Result<Vec<Entry>, Errno> {
        let path = self.resolve(path)?;
        if lists_descriptors(&path) {
            // The directory is open itself while it is read.
            let own = std::iter::once(self.descriptors().lowest_free(0));
            let mut entries: Vec<Entry> = self
                .descriptors()
                .numbers()
                .chain(own)
                .map(|number| Entry {
                    name: number.to_string(),
                    stat: self.special_stat(FileType::SymbolicLink, 0o777, u64::from(number) + 1),
                })
                .collect();
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            return Ok(entries);
        }
        self.kernel().fs().read_directory(&path)
    }

    /// `readlink(2)`.
    ///
    /// # Errors
    /// Those of `readlink(2)`.
    pub fn read_link(&self, path: &[u8]) -> Result<String, Errno> {
        let path = self.resolve(path)?;
        if let Some(number) = self.descriptor_path(&path) {
            let description = self.description(number).map_err(|_| Errno::NoEntry)?;
            return Ok(match &*description {
                Description::File(file) => file.path().unwrap_or_else(|| "(deleted)".into()),
                Description::PipeReader(reader) | Description::Fifo(reader, _) => {
                    format!("pipe:[{}]", reader.pipe().identity())
                }
                Description::PipeWriter(writer) => format!("pipe:[{}]", writer.pipe().identity()),
                Description::HostInput | Description::HostOutput(_) => "/dev/pts/0".into(),
            });
        }
        self.kernel().fs().read_link(&path)
    }

    /// `realpath(3)`; every part must exist.
    ///
    /// # Errors
    /// Those of `realpath(3)`.
    pub fn canonicalize(&self, path: &[u8]) -> Result<String, Errno> {
        self.kernel().fs().canonicalize(&self.resolve(path)?)
    }

    /// The whole file, at most as much as an expansion may hold.
    ///
    /// # Errors
    /// Those of `open(2)` and `read(2)`; `NoMemory`: it is too large.
    pub async fn read_file(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut bytes = Vec::new();
        self.open_input(path).await?.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    /// `mkdir(2)`. The umask is taken off `mode`.
    ///
    /// # Errors
    /// Those of `mkdir(2)`.
    pub fn make_directory(&self, path: &[u8], mode: u32) -> Result<(), Errno> {
        self.kernel().fs().make_directory(&self.resolve(path)?, mode & !self.umask())
    }

    /// `mkfifo(3)`. The umask is taken off `mode`.
    ///
    /// # Errors
    /// Those of `mkfifo(3)`.
    pub fn make_fifo(&self, path: &[u8], mode: u32) -> Result<(), Errno> {
        self.kernel().fs().make_fifo(&self.resolve(path)?, mode & !self.umask())
    }

    /// `linkat(2)`.
    ///
    /// # Errors
    /// Those of `linkat(2)`.
    pub fn link(&self, existing: &[u8], new: &[u8], follow: bool) -> Result<(), Errno> {
        self.kernel().fs().link(&self.resolve(existing)?, &self.resolve(new)?, follow)
    }

    /// `symlink(2)`.
    ///
    /// # Errors
    /// Those of `symlink(2)`; `IllegalByteSequence`: the target is not UTF-8.
    pub fn symlink(&self, target: &[u8], new: &[u8]) -> Result<(), Errno> {
        let target = target.to_str().map_err(|_| Errno::IllegalByteSequence)?;
        self.kernel().fs().symlink(target, &self.resolve(new)?)
    }

    /// `rename(2)`.
    ///
    /// # Errors
    /// Those of `rename(2)`.
    pub fn rename(&self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        self.kernel().fs().rename(&self.resolve(old)?, &self.resolve(new)?)
    }

    /// `unlink(2)`.
    ///
    /// # Errors
    /// Those of `unlink(2)`.
    pub fn remove_file(&self, path: &[u8]) -> Result<(), Errno> {
        self.kernel().fs().remove_file(&self.resolve(path)?)
    }

    /// `rmdir(2)`.
    ///
    /// # Errors
    /// Those of `rmdir(2)`.
    pub fn remove_directory(&self, path: &[u8]) -> Result<(), Errno> {
        self.kernel().fs().remove_directory(&self.resolve(path)?)
    }

    /// Gives `target` the contents of `source` without copying; `mode` counts when it is created.
    ///
    /// # Errors
    /// Those of `open(2)`.
    pub fn copy_file(&self, source: &[u8], target: &[u8], mode: u32) -> Result<(), Errno> {
        self.kernel().fs().copy_file(&self.resolve(source)?, &self.resolve(target)?, mode)
    }

    /// `truncate(2)`.
    ///
    /// # Errors
    /// Those of `truncate(2)`.
    pub fn set_size(&self, path: &[u8], size: u64) -> Result<(), Errno> {
        self.kernel().fs().set_size_at(&self.resolve(path)?, size)
    }

    /// `chmod(2)`.
    ///
    /// # Errors
    /// Those of `chmod(2)`.
    pub fn set_mode(&self, path: &[u8], mode: u32, follow: bool) -> Result<(), Errno> {
        self.kernel().fs().set_mode_at(&self.resolve(path)?, mode, follow)
    }

    /// `chown(2)`.
    ///
    /// # Errors
    /// Those of `chown(2)`.
    pub fn set_owner(
        &self,
        path: &[u8],
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), Errno> {
        self.kernel().fs().set_owner_at(&self.resolve(path)?, uid, gid, follow)
    }

    /// `utimensat(2)`.
    ///
    /// # Errors
    /// Those of `utimensat(2)`.
    pub fn set_times(
        &self,
        path: &[u8],
        accessed: NewTime,
        modified: NewTime,
        follow: bool,
    ) -> Result<(), Errno> {
        self.kernel().fs().set_times_at(&self.resolve(path)?, accessed, modified, follow)
    }

    /// The file that a program name stands for, as `execvp(3)` finds it: a name with a slash is a path, any
    /// other is looked up in PATH.
    ///
    /// # Errors
    /// `NoEntry`: there is none; `Access`: there is one, but it cannot be executed.
    pub fn find_program(&self, name: &[u8]) -> Result<String, Errno> {
        if name.contains(&b'/') {
            let path = self.resolve(name)?.into_owned();
            self.check_program(&path)?;
            return Ok(path);
        }
        let path = self.env("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
        self.search_program(name, &path)
    }

    /// As [`find_program`](Ctx::find_program), in the directories that `path` lists.
    ///
    /// # Errors
    /// The same.
    pub fn search_program(&self, name: &[u8], path: &[u8]) -> Result<String, Errno> {
        if name.is_empty() {
            return Err(Errno::NoEntry);
        }
        let mut failure = Errno::NoEntry;
        let mut candidate = Vec::new();
        for directory in path.split(|byte| *byte == b':') {
            candidate.clear();
            candidate.extend_from_slice(if directory.is_empty() { b"." } else { directory });
            candidate.push(b'/');
            candidate.extend_from_slice(name);
            let Ok(path) = self.resolve(&candidate) else { continue };
            match self.check_program(&path) {
                Ok(()) => return Ok(path.into_owned()),
                Err(Errno::Access) => failure = Errno::Access,
                Err(_) => {}
            }
        }
        Err(failure)
    }

    fn check_program(&self, path: &str) -> Result<(), Errno> {
        let stat = self.kernel().fs().stat_at(path, true)?;
        if stat.is_directory() {
            return Err(Errno::Access);
        }
        self.kernel().fs().access(path, AccessMode::EXECUTE)
    }
}

/// Whether an absolute path is that of the directory of descriptors, under one of its names.
fn lists_descriptors(path: &str) -> bool {
    let names = || path.split('/').filter(|name| !matches!(*name, "" | "."));
    names().eq(["dev", "fd"]) || names().eq(["proc", "self", "fd"])
}

#[cfg(test)]
mod tests {
    use super::lists_descriptors;

    #[test]
    fn the_directory_of_descriptors_has_its_names_and_no_others() {
        for path in ["/dev/fd", "/dev/fd/", "/dev/fd/.", "//dev/./fd//", "/proc/self/fd/./"] {
            assert!(lists_descriptors(path), "{path}");
        }
        for path in ["/dev/fd.", "/dev/fd..", "/dev/fd/..", "/dev/fd/0", "/dev", "/proc/fd"] {
            assert!(!lists_descriptors(path), "{path}");
        }
    }
}
