//! What commands that read their operands one after the other have in common.

use bstr::BString;
use wasmsh_os::Input;

use crate::{Fail, Tool};

/// The operands, or standard input without any.
pub(crate) fn or_stdin(mut files: Vec<BString>) -> Vec<BString> {
    if files.is_empty() {
        files.push("-".into());
    }
    files
}

/// The next line with its delimiter; an error is told with the name of the file, and ends it.
pub(crate) async fn next_line<'a>(
    t: &mut Tool,
    input: &'a mut Input,
    file: &[u8],
    delimiter: u8,
) -> Result<Option<&'a [u8]>, Fail> {
    match input.line(delimiter).await {
        Ok(line) => Ok(line),
        Err(error) => {
            t.file_error(file, error).await?;
            Ok(None)
        }
    }
}

/// The line without its delimiter.
pub(crate) fn body(line: &[u8], delimiter: u8) -> &[u8] {
    line.strip_suffix(&[delimiter]).unwrap_or(line)
}
