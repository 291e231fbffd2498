//! `-i inplace`: what is printed while a file is read becomes the file's contents.

use bstr::{BString, ByteSlice};
use wasmsh_os::{Ctx, Errno, Output};

/// The files that are changed.
#[derive(Default)]
pub(super) struct InPlace {
    /// What the old file is kept as: its name with this behind it, or in the place of `*`.
    pub(super) suffix: BString,
    /// Standard output while a file is read.
    pub(super) outer: Option<Output>,
    /// The file, and the new one.
    files: Option<(BString, BString)>,
}

impl InPlace {
    /// Creates the new file.
    pub(super) async fn begin(&mut self, ctx: &Ctx, name: &[u8]) -> Result<Output, Errno> {
        let mode = ctx.stat(name, true)?.mode & 0o7777;
        let new = BString::from([name, b".awk-", ctx.pid().get().to_string().as_bytes()].concat());
        let output = ctx.create_output(&new, false).await?;
        ctx.set_mode(&new, mode, true)?;
        self.files = Some((name.into(), new));
        Ok(output)
    }

    /// Moves it into the place of the old one.
    pub(super) fn end(&mut self, ctx: &Ctx) -> Result<(), Errno> {
        let Some((name, new)) = self.files.take() else { return Ok(()) };
        if !self.suffix.is_empty() {
            let kept = if self.suffix.contains(&b'*') {
                BString::from(self.suffix.replace("*", &name))
            } else {
                BString::from([&name[..], &self.suffix].concat())
            };
            ctx.rename(&name, &kept)?;
        }
        ctx.rename(&new, &name)
    }
}
