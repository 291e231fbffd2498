//! Compressed data: the codecs, streams over them, and the programs `gzip`, `bzip2`, `xz` and `zstd`.

mod bzip2;
pub(crate) mod codec;
mod gzip;
pub(crate) mod stream;
pub(crate) mod through;
mod xz;
mod xz_list;
mod zstd;

pub(crate) use self::bzip2::{BUNZIP2, BZCAT, BZIP2};
pub(crate) use self::gzip::{GUNZIP, GZIP, ZCAT};
pub(crate) use self::xz::{LZCAT, LZMA, UNLZMA, UNXZ, XZ, XZCAT};
pub(crate) use self::zstd::{UNZSTD, ZSTD, ZSTDCAT};

use bstr::{BString, ByteSlice};
use wasmsh_os::{Errno, Input, NewTime, OpenFlags, Output, Stat, Timestamp};

use crate::{Done, Fail, Tool};
use stream::{Packed, StreamError, Unpacked};

/// Decodes all of `from` into `to`; without one it is only looked at. How many bytes that were.
pub(crate) async fn decode_all(from: &mut Unpacked, mut to: Option<&mut Output>) -> Result<u64, StreamError> {
    let mut total = 0;
    loop {
        let block = from.fill().await?;
        if block.is_empty() {
            return Ok(total);
        }
        let count = block.len();
        if let Some(to) = &mut to {
            to.write(block).await.map_err(StreamError::Write)?;
        }
        total += count as u64;
        from.consume(count);
    }
}

/// Encodes all of `from`.
pub(crate) async fn encode_all(from: &mut Input, to: &mut Packed) -> Result<(), StreamError> {
    loop {
        let block = from.fill().await.map_err(StreamError::Read)?;
        if block.is_empty() {
            return to.finish().await;
        }
        let count = block.len();
        to.write(block).await?;
        from.consume(count);
    }
}

/// Creates an output that only its maker may read until it is finished.
async fn create(t: &Tool, path: &[u8]) -> Result<Output, Errno> {
    let how = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    Ok(Output::new(t.ctx.clone(), Some(t.ctx.open_description(path, how, 0o600).await?)))
}

/// Gives the finished output the mode and the times of its source.
fn settle(t: &Tool, path: &[u8], stat: &Stat, modified: Option<Timestamp>) {
    // As the real tools: what cannot be kept is left.
    let _ = t.ctx.set_owner(path, Some(stat.uid), Some(stat.gid), false);
    let _ = t.ctx.set_mode(path, stat.mode & 0o7777, true);
    let modified = modified.unwrap_or(stat.modified);
    let _ = t.ctx.set_times(path, NewTime::At(stat.accessed), NewTime::At(modified), true);
}

/// Writes to standard error as it is.
async fn say(t: &mut Tool, text: impl AsRef<[u8]>) -> Done {
    t.out.flush().await?;
    t.err.put(text.as_ref());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}

/// A name with the suffix of the format.
fn with_suffix(name: &[u8], suffix: &[u8]) -> BString {
    [name, suffix].concat().into()
}

/// The option errors of programs with messages of their own: text, status.
fn option_error(fail: Fail, shape: impl FnOnce(String) -> (String, u8)) -> Fail {
    match fail {
        Fail::Usage(message) => {
            let (text, status) = shape(message);
            Fail::Bare(text, status)
        }
        other => other,
    }
}

/// A number of an option, as `5`, or with the suffixes of sizes.
fn digits(value: &[u8]) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}
