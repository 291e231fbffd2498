//! Files and commands that a program reads and writes.

use wasmsh_os::{Child, Ctx, Errno, Exit, Input, Output, Pid, Spawn};
use wasmsh_regex::Regex;

use super::value::Text;

/// How records end.
pub(super) enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Regex),
}

/// A record and what ended it.
pub(super) struct Read {
    pub(super) text: Text,
    pub(super) terminator: Terminator,
}

/// What ended a record.
pub(super) enum Terminator {
    /// The byte of RS.
    Usual,
    None,
    Text(Text),
}

/// The next record. `None`: end of file.
pub(super) async fn read_record(input: &mut Input, separator: &Separator) -> Result<Option<Read>, Errno> {
    match separator {
        Separator::Byte(byte) => Ok(input.line(*byte).await?.map(|line| match line.split_last() {
            Some((last, head)) if last == byte => Read { text: head.into(), terminator: Terminator::Usual },
            _ => Read { text: line.into(), terminator: Terminator::None },
        })),
        Separator::Paragraph => {
            // Empty lines before the first record count for nothing.
            loop {
                let block = input.fill().await?;
                if block.is_empty() {
                    return Ok(None);
                }
                let count = block.iter().take_while(|byte| **byte == b'\n').count();
                let all = count == block.len();
                input.consume(count);
                if !all {
                    break;
                }
            }
            let mut searched = 0;
            loop {
                let found = memchr::memmem::find(input.buffered().get(searched..).unwrap_or_default(), b"\n\n");
                if let Some(found) = found {
                    let end = searched + found;
                    let newlines = |input: &Input| {
                        input.buffered().iter().skip(end).take_while(|byte| **byte == b'\n').count()
                    };
                    // All of the empty lines, however far they go.
                    while end + newlines(input) == input.buffered().len() && input.extend().await? {}
                    let count = newlines(input);
                    let text = input.buffered().get(..end).unwrap_or_default().into();
                    let terminator = input.buffered().get(end..end + count).unwrap_or_default().into();
                    input.consume(end + count);
                    return Ok(Some(Read { text, terminator: Terminator::Text(terminator) }));
                }
                searched = input.buffered().len().saturating_sub(1);
                if !input.extend().await? {
                    let rest = input.buffered();
                    let (text, terminator) = match rest.split_last() {
                        Some((b'\n', head)) => (head.into(), Terminator::Usual),
                        _ => (rest.into(), Terminator::None),
                    };
                    let count = rest.len();
                    input.consume(count);
                    let terminator = match terminator {
                        Terminator::Usual => Terminator::Text(b"\n"[..].into()),
                        other => other,
                    };
                    return Ok(Some(Read { text, terminator }));
                }
            }
        }
        Separator::Regex(regex) => {
            let mut ended = false;
            if input.fill().await?.is_empty() {
                return Ok(None);
            }
            loop {
                let buffered = input.buffered();
                let mut from = 0;
                let mut found = None;
                while let Ok(Some(span)) = regex.find_at(buffered, from) {
                    if span.end > span.start {
                        found = Some(span);
                        break;
                    }
                    from = span.end + 1;
                }
                // A match at the end of what is read may go on.
                if let Some(span) = found.filter(|span| ended || span.end < buffered.len()) {
                    let text = buffered.get(..span.start).unwrap_or_default().into();
                    let terminator = span.of(buffered).into();
                    input.consume(span.end);
                    return Ok(Some(Read { text, terminator: Terminator::Text(terminator) }));
                }
                if ended {
                    let count = buffered.len();
                    let text = match buffered.split_last() {
                        // The newline at the end of a file is no part of its last record... unless RS is a regex.
                        _ => buffered.into(),
                    };
                    input.consume(count);
                    return Ok(Some(Read { text, terminator: Terminator::None }));
                }
                ended = !input.extend().await?;
            }
        }
    }
}

/// What an output leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Command,
    Coprocess,
}

/// Something written to.
pub(super) struct Writing {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) output: Option<Output>,
    pub(super) pid: Option<Pid>,
}

/// Something read by `getline`.
pub(super) struct Reading {
    pub(super) name: Vec<u8>,
    pub(super) kind: Kind,
    pub(super) input: Input,
    pub(super) pid: Option<Pid>,
}

/// Starts `sh -c COMMAND` with these descriptors in the place of its own.
pub(super) fn start_shell(
    ctx: &Ctx,
    command: &[u8],
    descriptors: Vec<(u32, std::rc::Rc<wasmsh_os::Description>)>,
) -> Result<Pid, Errno> {
    ctx.spawn(Spawn {
        program: "sh".into(),
        arguments: vec!["sh".into(), "-c".into(), command.into()],
        inherit: true,
        descriptors: descriptors.into_iter().map(|(number, description)| (number, Some(description))).collect(),
        ..Spawn::default()
    })
}

/// Waits for a shell; its status as `system` tells it.
pub(super) async fn wait(ctx: &Ctx, pid: Pid) -> f64 {
    match ctx.wait(Child::Process(pid)).await {
        Ok((_, Exit::Code(code))) => f64::from(code),
        Ok((_, Exit::Signalled(signal))) => 256.0 + f64::from(signal.number()),
        Err(_) => -1.0,
    }
}
