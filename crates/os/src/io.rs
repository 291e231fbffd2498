//! Buffered streams over open descriptions.

use std::rc::Rc;

use wasmsh_vfs::Errno;

use crate::context::Ctx;
use crate::descriptor::Description;
use crate::kernel::Ceiling;

/// Bytes of one read, and of the buffer of an output: what a pipe holds.
const BLOCK: usize = 64 * 1024;

/// A stream to read from.
pub struct Input {
    ctx: Ctx,
    from: Rc<Description>,
    buffer: Vec<u8>,
    position: usize,
    /// The end was seen, and nothing can come after it.
    ended: bool,
}

impl Input {
    /// A stream that reads from `from`.
    pub fn new(ctx: Ctx, from: Rc<Description>) -> Input {
        Input { ctx, from, buffer: Vec::new(), position: 0, ended: false }
    }

    /// What it reads from.
    pub fn description(&self) -> &Rc<Description> {
        &self.from
    }

    /// What is read and not consumed.
    pub fn buffered(&self) -> &[u8] {
        self.buffer.get(self.position..).unwrap_or_default()
    }

    /// What comes next, at least one byte; empty: end of file.
    ///
    /// # Errors
    /// Those of `read(2)`.
    pub async fn fill(&mut self) -> Result<&[u8], Errno> {
        if self.position >= self.buffer.len() {
            self.buffer.clear();
            self.position = 0;
            if !self.ended {
                let count = self.ctx.read_from(&self.from, &mut self.buffer, BLOCK).await?;
                self.note_end(count);
            }
        }
        Ok(self.buffered())
    }

    /// Reads another block behind what is there. False: end of file.
    ///
    /// # Errors
    /// Those of `read(2)`; `NoMemory`: the buffer would grow beyond the ceiling.
    pub async fn extend(&mut self) -> Result<bool, Errno> {
        if self.ended {
            return Ok(false);
        }
        if self.position > 0 {
            self.buffer.drain(..self.position);
            self.position = 0;
        }
        if self.buffer.len() as u64 >= self.ctx.kernel().ceilings().expansion_bytes {
            self.ctx.kernel().meet(Ceiling::ExpansionBytes);
            return Err(Errno::NoMemory);
        }
        // A long line grows the reads, so that its copies cost no more than its length.
        let block = BLOCK.max(self.buffer.len());
        let count = self.ctx.read_from(&self.from, &mut self.buffer, block).await?;
        self.note_end(count);
        Ok(count > 0)
    }

    fn note_end(&mut self, count: usize) {
        // A terminal and a growing file may have more later; a second read costs nothing else.
        if count == 0 && !matches!(&*self.from, Description::File(_)) {
            self.ended = true;
        }
    }

    /// Takes `count` bytes off what is buffered.
    pub fn consume(&mut self, count: usize) {
        self.position = (self.position + count).min(self.buffer.len());
    }

    /// The next line with its `delimiter`, which the last one may lack. `None`: end of file.
    ///
    /// # Errors
    /// Those of `read(2)`; `NoMemory`: the line is longer than the ceiling.
    pub async fn line(&mut self, delimiter: u8) -> Result<Option<&[u8]>, Errno> {
        let mut searched = 0;
        let length = loop {
            let rest = self.buffer.get(self.position + searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(delimiter, rest) {
                break searched + found + 1;
            }
            searched = self.buffer.len() - self.position;
            if !self.extend().await? {
                break searched;
            }
        };
        if length == 0 {
            return Ok(None);
        }
        let start = self.position;
        self.position += length;
        Ok(self.buffer.get(start..start + length))
    }

    /// Appends the rest to `bytes`.
    ///
    /// # Errors
    /// Those of `read(2)`; `NoMemory`: more than the ceiling.
    pub async fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<(), Errno> {
        bytes.extend_from_slice(self.buffered());
        self.consume(usize::MAX >> 1);
        let ceiling = self.ctx.kernel().ceilings().expansion_bytes;
        // A file is read in one piece: every piece more is a crossing, and a copy of what was read before.
        let mut whole = match &*self.from {
            Description::File(file) => file.stat().map_or(0, |stat| stat.size.min(ceiling) as usize),
            _ => 0,
        };
        loop {
            let block = BLOCK.max(bytes.len().min(1 << 20)).max(std::mem::take(&mut whole));
            if self.ctx.read_from(&self.from, bytes, block).await? == 0 {
                return Ok(());
            }
            if bytes.len() as u64 > ceiling {
                self.ctx.kernel().meet(Ceiling::ExpansionBytes);
                return Err(Errno::NoMemory);
            }
        }
    }
}

/// A stream to write to. What is buffered is lost unless [`flush`](Output::flush) is awaited.
pub struct Output {
    ctx: Ctx,
    to: Option<Rc<Description>>,
    buffer: Vec<u8>,
}

impl Output {
    /// A stream that writes to `to`; without one every flush of something ends with `BadDescriptor`.
    pub fn new(ctx: Ctx, to: Option<Rc<Description>>) -> Output {
        Output { ctx, to, buffer: Vec::new() }
    }

    /// What it writes to.
    pub fn description(&self) -> Option<&Rc<Description>> {
        self.to.as_ref()
    }

    /// Adds to the buffer, however large it grows: for a few bytes between two awaits of [`drain`](Output::drain).
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Adds one byte to the buffer.
    #[inline]
    pub fn put_byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    /// The buffer itself, to be appended to.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Whether enough is buffered to be worth a write.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.buffer.len() >= BLOCK / 2
    }

    /// Writes out what is buffered if it is much.
    ///
    /// # Errors
    /// Those of `write(2)`.
    #[inline]
    pub async fn drain(&mut self) -> Result<(), Errno> {
        if self.is_full() { self.flush().await } else { Ok(()) }
    }

    /// Adds `bytes`, and writes out what is buffered if it is much.
    ///
    /// # Errors
    /// Those of `write(2)`.
    #[inline]
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Errno> {
        if bytes.len() >= BLOCK / 2 {
            self.flush().await?;
            return self.write_through(bytes).await;
        }
        self.buffer.extend_from_slice(bytes);
        self.drain().await
    }

    async fn write_through(&self, bytes: &[u8]) -> Result<(), Errno> {
        match &self.to {
            Some(to) => self.ctx.write_all_to(to, bytes).await,
            None => Err(Errno::BadDescriptor),
        }
    }

    /// Writes out what is buffered. After an error the buffer is empty.
    ///
    /// # Errors
    /// Those of `write(2)`.
    pub async fn flush(&mut self) -> Result<(), Errno> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.write_through(&buffer).await;
        buffer.clear();
        self.buffer = buffer;
        result
    }
}
