//! What a run leaves behind: how it ended, and what it wrote.

use serde::{Deserialize, Serialize};

use crate::bindings::core::exports::wasmsh::fs::quotas::Bounds;
use crate::bindings::core::exports::wasmsh::session::session::CeilingsMet;
use crate::limits::{Ceilings, Limit, Quota};
use crate::types::{Exit, Stream};

/// What a session is after its component has trapped, or had used up its memory: it runs in a new instance.
///
/// ```
/// use wasmsh::{Recovery, Sandbox};
///
/// // Whoever holds no checkpoints loses what a session had when its memory is used up.
/// let mut session = Sandbox::builder().build()?;
/// let output = session.run("true").output()?;
/// assert!(!matches!(output.recovery, Some(Recovery::Lost)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// Files and shell are those that the run has left.
    Kept,
    /// Files and shell are those that the run before has left.
    Checkpoint,
    /// There was no checkpoint: it is as new.
    Lost,
}

/// What a run has left behind: how it ended, and what it wrote.
///
/// Serialized, each stream is a string where it is UTF-8, and otherwise `{"b64": "…"}`: as
/// [`Data`](crate::protocol::Data).
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let output = session.run("echo out; echo err >&2; exit 3").output()?;
/// assert_eq!((output.status(), output.stdout_text(), output.stderr_text()), (3, "out\n".into(), "err\n".into()));
/// assert!(output.steps > 0 && output.exceeded.is_empty() && output.trap.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// How the run ended.
    pub exit: Exit,
    /// All of standard output.
    #[serde(with = "crate::protocol::bytes")]
    pub stdout: Vec<u8>,
    /// All of standard error.
    #[serde(with = "crate::protocol::bytes")]
    pub stderr: Vec<u8>,
    /// Steps that the shell's machine has executed.
    pub steps: u64,
    /// Limits that were met, each once: the one that ended the run, and those that the script met as errors.
    pub exceeded: Vec<Limit>,
    /// The session had to be made anew: what it is now.
    pub recovery: Option<Recovery>,
    /// The component has trapped: how.
    pub trap: Option<String>,
    /// From which stream how many bytes came next, in the order of writing.
    order: Vec<(Stream, usize)>,
}

impl Output {
    /// With what has come through pipes.
    pub(crate) fn with_streams(mut self, stdout: Vec<u8>, stderr: Vec<u8>) -> Self {
        self.order = vec![(Stream::Stdout, stdout.len()), (Stream::Stderr, stderr.len())];
        (self.stdout, self.stderr) = (stdout, stderr);
        self
    }

    /// The status as a shell shows it: see [`Exit::status`].
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("exit 3").output()?.status(), 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn status(&self) -> u8 {
        self.exit.status()
    }

    /// Whether the status is 0.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert!(session.run("true").output()?.success());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn success(&self) -> bool {
        self.exit.success()
    }

    /// Standard output as text; what is not UTF-8 is replaced by U+FFFD.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("echo text").output()?.stdout_text(), "text\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what is not UTF-8 is replaced by U+FFFD.
    ///
    /// ```
    /// # let mut session = wasmsh::Sandbox::builder().build()?;
    /// assert_eq!(session.run("echo text >&2").output()?.stderr_text(), "text\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Both streams, piece by piece, in the order of writing.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut session = wasmsh::Engine::new()?.session().build()?;
    /// let output = session.run("echo one; echo two >&2; echo three").output()?;
    /// let terminal: Vec<u8> = output.chunks().flat_map(|(_, bytes)| bytes).copied().collect();
    /// assert_eq!(terminal, b"one\ntwo\nthree\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn chunks(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        let (mut out, mut err) = (self.stdout.as_slice(), self.stderr.as_slice());
        self.order.iter().map(move |&(stream, length)| {
            let rest = match stream {
                Stream::Stdout => &mut out,
                Stream::Stderr => &mut err,
            };
            let (piece, after) = rest.split_at(length.min(rest.len()));
            *rest = after;
            (stream, piece)
        })
    }
}

/// Output while it is being collected.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    order: Vec<(Stream, usize)>,
    pub(crate) steps: u64,
    pub(crate) exceeded: Vec<Limit>,
    pub(crate) recovery: Option<Recovery>,
    pub(crate) trap: Option<String>,
}

impl Collected {
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
        match self.order.last_mut() {
            Some((last, length)) if *last == stream => *length += bytes.len(),
            _ => self.order.push((stream, bytes.len())),
        }
    }

    /// Notes a limit that was met.
    pub(crate) fn exceed(&mut self, limit: Limit) {
        if !self.exceeded.contains(&limit) {
            self.exceeded.push(limit);
        }
    }

    /// Notes what a script has met as errors.
    pub(crate) fn met(&mut self, met: CeilingsMet, refused: Bounds, (ceilings, quota): &(Ceilings, Quota)) {
        let all = [
            (met.contains(CeilingsMet::PROCESSES), Limit::Processes(ceilings.processes.into())),
            (met.contains(CeilingsMet::CALL_DEPTH), Limit::CallDepth(ceilings.call_depth.into())),
            (met.contains(CeilingsMet::DESCRIPTORS), Limit::Descriptors(ceilings.descriptors.into())),
            (met.contains(CeilingsMet::EXPANSION_BYTES), Limit::ExpansionBytes(ceilings.expansion_bytes)),
            (refused.contains(Bounds::BYTES), Limit::FilesBytes(quota.bytes)),
            (refused.contains(Bounds::INODES), Limit::Inodes(quota.inodes)),
            (refused.contains(Bounds::FILE_SIZE), Limit::FileSize(quota.file_size)),
            (refused.contains(Bounds::OPEN_FILES), Limit::OpenFiles(quota.open_files.into())),
        ];
        all.into_iter().filter(|(met, _)| *met).for_each(|(_, limit)| self.exceed(limit));
    }

    pub(crate) fn finish(mut self, exit: Exit) -> Output {
        if let Exit::Limited(limit) = exit {
            self.exceed(limit);
        }
        let Self { stdout, stderr, order, steps, exceeded, recovery, trap } = self;
        Output { exit, stdout, stderr, steps, exceeded, recovery, trap, order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_keep_the_order_of_writing() {
        let mut collected = Collected::default();
        for (stream, bytes) in [
            (Stream::Stdout, "a"),
            (Stream::Stdout, "b"),
            (Stream::Stderr, "c"),
            (Stream::Stdout, ""),
            (Stream::Stdout, "d"),
        ] {
            collected.push(stream, bytes.as_bytes());
        }
        let output = collected.finish(Exit::Code(0));
        let json = serde_json::to_value(&output).unwrap();
        assert_eq!((&json["stdout"], &json["stderr"]), (&"abd".into(), &"c".into()));
        assert_eq!(serde_json::from_value::<Output>(json).unwrap(), output);
        let binary = Output { stdout: vec![0xff, 0], ..output.clone() };
        let json = serde_json::to_value(&binary).unwrap();
        assert_eq!(json["stdout"], serde_json::json!({ "b64": "/wA=" }));
        assert_eq!(serde_json::from_value::<Output>(json).unwrap(), binary);
        let chunks: Vec<_> = output.chunks().collect();
        assert_eq!(chunks, [(Stream::Stdout, &b"ab"[..]), (Stream::Stderr, b"c"), (Stream::Stdout, b"d")]);
    }
}
