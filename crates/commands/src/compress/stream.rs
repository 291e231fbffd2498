//! Compressed data read and written like any other: a stream that decodes, and one that encodes.

use thiserror::Error;
use wasmsh_os::{Ctx, Errno, Input, Output};

use super::codec::{Broken, Decoder, Encoder, Format, Progress, Settings};

/// Why compressed data cannot be read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum StreamError {
    /// The file below.
    #[error("read error")]
    Read(Errno),
    /// The file that is written.
    #[error("write error")]
    Write(Errno),
    /// The data.
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// What an input holds, decoded.
pub(crate) struct Unpacked {
    ctx: Ctx,
    input: Input,
    /// `None`: it is not compressed.
    pub(crate) decoder: Option<Decoder>,
    out: Vec<u8>,
    at: usize,
    ended: bool,
    /// Bytes of the compressed data that were taken.
    pub(crate) taken: u64,
}

impl Unpacked {
    /// `format`: that of the data; `None`: as it is.
    pub(crate) fn new(ctx: &Ctx, input: Input, format: Option<Format>) -> Unpacked {
        Unpacked {
            ctx: ctx.clone(),
            input,
            decoder: format.map(Decoder::new),
            out: Vec::new(),
            at: 0,
            ended: false,
            taken: 0,
        }
    }

    /// What comes next, at least one byte; empty: the end.
    pub(crate) async fn fill(&mut self) -> Result<&[u8], StreamError> {
        let Some(decoder) = &mut self.decoder else {
            return self.input.fill().await.map_err(StreamError::Read);
        };
        if self.at >= self.out.len() {
            self.out.clear();
            self.at = 0;
            while self.out.is_empty() {
                let (taken, progress) = decoder.step(self.input.buffered(), self.ended, &mut self.out)?;
                self.input.consume(taken);
                self.taken += taken as u64;
                match progress {
                    Progress::Done => break,
                    Progress::More => {}
                    Progress::NeedInput if !self.out.is_empty() => {}
                    Progress::NeedInput if self.ended => return Err(Broken::Truncated.into()),
                    Progress::NeedInput => {
                        self.ended = !self.input.extend().await.map_err(StreamError::Read)?;
                    }
                }
                self.ctx.tick().await;
            }
        }
        Ok(self.out.get(self.at..).unwrap_or_default())
    }

    /// Takes `count` bytes of what [`Unpacked::fill`] has shown.
    pub(crate) fn consume(&mut self, count: usize) {
        if self.decoder.is_none() {
            self.input.consume(count);
            self.taken += count as u64;
        } else {
            self.at = (self.at + count).min(self.out.len());
        }
    }

    /// What is below; nothing must have been decoded.
    pub(crate) fn into_input(self) -> Input {
        self.input
    }

    /// The next `count` bytes, fewer only at the end.
    pub(crate) async fn take(&mut self, count: usize, into: &mut Vec<u8>) -> Result<usize, StreamError> {
        let mut left = count;
        while left > 0 {
            let block = self.fill().await?;
            let Some(part) = block.get(..left.min(block.len())) else { break };
            if part.is_empty() {
                break;
            }
            into.extend_from_slice(part);
            let part = part.len();
            left -= part;
            self.consume(part);
        }
        Ok(count - left)
    }
}

/// An output that is encoded, or goes out as it is.
pub(crate) struct Packed {
    pub(crate) out: Output,
    encoder: Option<Encoder>,
    packed: Vec<u8>,
    plain: Vec<u8>,
    /// Bytes before and after encoding.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Packed {
    pub(crate) fn new(out: Output, format: Option<(Format, &Settings)>) -> Result<Packed, Broken> {
        let encoder = match format {
            Some((format, settings)) => Some(Encoder::new(format, settings)?),
            None => None,
        };
        Ok(Packed { out, encoder, packed: Vec::new(), plain: Vec::new(), bytes_in: 0, bytes_out: 0 })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        self.bytes_in += bytes.len() as u64;
        if self.encoder.is_none() {
            self.bytes_out += bytes.len() as u64;
            return self.out.write(bytes).await.map_err(StreamError::Write);
        }
        if bytes.len() < PIECE && self.plain.len() + bytes.len() < PIECE {
            self.plain.extend_from_slice(bytes);
            return Ok(());
        }
        let plain = std::mem::take(&mut self.plain);
        self.encode(&plain).await?;
        self.plain = plain;
        self.plain.clear();
        for piece in bytes.chunks(PIECE) {
            self.encode(piece).await?;
        }
        Ok(())
    }

    async fn encode(&mut self, piece: &[u8]) -> Result<(), StreamError> {
        if let Some(encoder) = &mut self.encoder
            && !piece.is_empty()
        {
            encoder.push(piece, &mut self.packed)?;
            self.bytes_out += self.packed.len() as u64;
            self.out.write(&self.packed).await.map_err(StreamError::Write)?;
            self.packed.clear();
        }
        Ok(())
    }

    /// Ends the data and writes it out.
    pub(crate) async fn finish(&mut self) -> Result<(), StreamError> {
        let plain = std::mem::take(&mut self.plain);
        self.encode(&plain).await?;
        if let Some(encoder) = self.encoder.take() {
            encoder.finish(&mut self.packed)?;
            self.bytes_out += self.packed.len() as u64;
            self.out.write(&self.packed).await.map_err(StreamError::Write)?;
            self.packed.clear();
        }
        self.out.flush().await.map_err(StreamError::Write)
    }
}

/// Bytes that are encoded at once, between two turns of other processes.
const PIECE: usize = 64 * 1024;
