//! Files as memory, where there is no `mmap`: the content is read when it is asked for.
//!
//! It stands in for the crate `memmap2` and offers what gitoxide calls.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::ops::Deref;

/// A file's content.
#[derive(Debug)]
pub struct Mmap(Vec<u8>);

impl Deref for Mmap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Mmap {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// How to take a file into memory; there is nothing to choose.
#[derive(Clone, Debug, Default)]
pub struct MmapOptions;

impl MmapOptions {
    /// The only options.
    pub fn new() -> Self {
        MmapOptions
    }

    /// Takes a file into memory.
    ///
    /// # Safety
    /// It is safe: the content is a copy. The signature is that of the crate this stands in for.
    pub unsafe fn map(&self, file: &File) -> Result<Mmap> {
        let mut file = file;
        let size = file.metadata()?.len();
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        // A mapping leaves the file's position alone.
        let position = file.stream_position()?;
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut content)?;
        file.seek(SeekFrom::Start(position))?;
        Ok(Mmap(content))
    }

    /// Takes a file into memory.
    ///
    /// # Safety
    /// As [`MmapOptions::map`].
    pub unsafe fn map_copy_read_only(&self, file: &File) -> Result<Mmap> {
        // SAFETY: nothing is mapped.
        unsafe { self.map(file) }
    }
}
