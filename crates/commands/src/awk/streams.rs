//! Files and commands that a program reads and writes.

use wasmsh_os::{Child, Ctx, Environment, Errno, Exit, Input, Output, Pid, Spawn};
use wasmsh_regex::Regex;

/// How records end.
pub(super) enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Regex(Regex),
}

/// Where the next record is in what an input has buffered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The length of the record.
    pub(super) length: usize,
    /// The length of what ended it.
    pub(super) terminator: usize,
}

/// The next record if all of it is buffered, which is searched from `*searched` on.
pub(super) fn buffered_record(
    buffered: &[u8],
    separator: &Separator,
    searched: &mut usize,
    ended: bool,
) -> Option<Found> {
    match separator {
        Separator::Byte(byte) => match memchr::memchr(*byte, buffered.get(*searched..).unwrap_or_default()) {
            Some(at) => return Some(Found { length: *searched + at, terminator: 1 }),
            None => *searched = buffered.len(),
        },
        Separator::Paragraph => {
            match memchr::memmem::find(buffered.get(*searched..).unwrap_or_default(), b"\n\n") {
                Some(at) => {
                    let length = *searched + at;
                    // All of the empty lines, however far they go.
                    let terminator = buffered.iter().skip(length).take_while(|byte| **byte == b'\n').count();
                    if ended || length + terminator < buffered.len() {
                        return Some(Found { length, terminator });
                    }
                    *searched = length;
                }
                None => *searched = buffered.len().saturating_sub(1),
            }
        }
        Separator::Regex(regex) => {
            let mut from = 0;
            while let Ok(Some(span)) = regex.find_at(buffered, from) {
                if span.end > span.start {
                    // A match at the end of what is read may go on.
                    if ended || span.end < buffered.len() {
                        return Some(Found { length: span.start, terminator: span.end - span.start });
                    }
                    break;
                }
                from = span.end + 1;
            }
        }
    }
    if !ended || buffered.is_empty() {
        return None;
    }
    Some(match (separator, buffered.split_last()) {
        (Separator::Paragraph, Some((b'\n', rest))) => Found { length: rest.len(), terminator: 1 },
        _ => Found { length: buffered.len(), terminator: 0 },
    })
}

/// Reads until the next record is buffered. `None`: end of file.
pub(super) async fn find_record(input: &mut Input, separator: &Separator) -> Result<Option<Found>, Errno> {
    if let Separator::Paragraph = separator {
        // Empty lines before a record count for nothing.
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
    }
    let (mut searched, mut ended) = (0, false);
    loop {
        if let Some(found) = buffered_record(input.buffered(), separator, &mut searched, ended) {
            return Ok(Some(found));
        }
        if ended {
            return Ok(None);
        }
        ended = !input.extend().await?;
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
    /// `None`: a coprocess that gets no more.
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

/// Starts `sh -c COMMAND` with these variables, and these descriptors in the place of its own.
pub(super) fn start_shell(
    ctx: &Ctx,
    command: &[u8],
    environment: Option<Environment>,
    descriptors: Vec<(u32, std::rc::Rc<wasmsh_os::Description>)>,
) -> Result<Pid, Errno> {
    ctx.spawn(Spawn {
        program: "sh".into(),
        arguments: vec!["sh".into(), "-c".into(), command.into()],
        environment,
        inherit: true,
        descriptors: descriptors
            .into_iter()
            .map(|(number, description)| (number, Some(description)))
            .collect(),
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
