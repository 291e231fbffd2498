//! Where `curl` puts a body; `flate2` unpacks it.

use std::io::Write as _;

use bstr::{BString, ByteSlice};
use wasmsh_os::Output;

use super::args::Config;
use super::{Trouble, problem};
use crate::Tool;

/// Where a body goes.
pub(super) struct Sink {
    /// `None`: standard output.
    pub(super) file: Option<BString>,
    pub(super) output: Option<Output>,
    pub(super) append: bool,
    pub(super) decoder: Option<Decoder>,
    pub(super) written: u64,
}

pub(super) enum Decoder {
    Gzip(Box<flate2::write::MultiGzDecoder<Vec<u8>>>),
    Deflate(Box<flate2::write::ZlibDecoder<Vec<u8>>>),
}

impl Decoder {
    /// Unpacks a piece.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Decoder::Gzip(decoder) => {
                decoder.write_all(bytes)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Decoder::Deflate(decoder) => {
                decoder.write_all(bytes)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
        }
    }
}

impl Decoder {
    /// What is left at the end. An error: the packed data is cut off.
    pub(super) fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Decoder::Gzip(decoder) => decoder.finish(),
            Decoder::Deflate(decoder) => decoder.finish(),
        }
    }
}

impl Sink {
    /// Opens the file, if it is one.
    pub(super) async fn open(&mut self, t: &Tool, config: &Config) -> Result<(), Trouble> {
        let Some(file) = &self.file else { return Ok(()) };
        if self.output.is_some() {
            return Ok(());
        }
        if config.create_dirs {
            let mut at = 0;
            while let Some(slash) = file.get(at..).and_then(|rest| rest.find_byte(b'/')) {
                let directory = file.get(..at + slash).unwrap_or_default();
                if !directory.is_empty() {
                    // One that is there is as good.
                    let _ = t.ctx.make_directory(directory, 0o777);
                }
                at += slash + 1;
            }
        }
        match t.ctx.create_output(file, self.append).await {
            Ok(output) => {
                self.output = Some(output);
            }
            Err(error) => {
                let message = format!("Failed to open the file {file}: {}", error.strerror());
                return Err(problem(23, message).into());
            }
        }
        Ok(())
    }

    pub(super) async fn write(&mut self, t: &mut Tool, bytes: &[u8]) -> Result<(), Trouble> {
        match &mut self.output {
            Some(output) => output.write(bytes).await?,
            None if self.file.is_none() => {
                t.out.put(bytes);
                t.out.flush().await.map_err(|error| Trouble::Fail(error.into()))?;
            }
            None => {}
        }
        Ok(())
    }
}
