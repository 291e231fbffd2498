//! Questions to whoever is at standard input.

use crate::{Fail, Tool};

/// Asks on standard error; an answer that begins with `y` or `Y` is yes.
pub(crate) async fn confirm(t: &mut Tool, question: &str) -> Result<bool, Fail> {
    t.out.flush().await?;
    t.err.put(question.as_bytes());
    // Nobody is left to tell when this fails.
    let _ = t.err.flush().await;
    let mut first = None;
    let mut byte = Vec::new();
    // Byte by byte: the rest of the input belongs to others.
    loop {
        byte.clear();
        match t.ctx.read(0, &mut byte, 1).await {
            Ok(1) if byte != b"\n" => {
                if first.is_none() {
                    first = byte.first().copied();
                }
            }
            _ => return Ok(matches!(first, Some(b'y' | b'Y'))),
        }
    }
}
