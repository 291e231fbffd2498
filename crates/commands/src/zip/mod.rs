//! Zip archives: `zip`, and `unzip` with its listings, as Info-ZIP has it. The structures are read here; the codecs are those of
//! `compress`.

mod create;
mod extract;
mod format;
mod list;
mod source;
mod unzip;
mod write;
mod zipinfo;

pub(crate) use self::create::ZIP;
pub(crate) use self::unzip::{UNZIP, ZIPINFO};

use crate::{Done, Tool};

/// Writes to standard error, after what went to standard output.
async fn say(t: &mut Tool, text: impl AsRef<[u8]>) -> Done {
    t.out.flush().await?;
    t.err.put(text.as_ref());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    Ok(())
}

/// A name as messages show it: control characters cannot reach the terminal.
fn shown(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len());
    for byte in name {
        match byte {
            0..0x20 => text.extend([b'^', byte + 64]),
            0x7f => text.extend(b"^?"),
            _ => text.push(*byte),
        }
    }
    text
}

/// As [`shown`], filled up to the column that messages use.
fn padded(name: &[u8]) -> Vec<u8> {
    let mut text = shown(name);
    text.resize(text.len().max(22), b' ');
    text
}
