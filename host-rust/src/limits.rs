//! What a session and its runs may use, and how they say that it was not enough.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bindings::core::wasmsh::session::types as wit;

macro_rules! limits {
    ($($(#[doc = $doc:literal])* $name:ident = $key:literal, $unit:literal;)*) => {
        /// A limit that was met, with its value.
        ///
        /// ```
        /// use wasmsh::{Exit, Limit};
        ///
        /// # let mut session = wasmsh::Sandbox::builder().build()?;
        /// let output = session.run("while :; do :; done").steps(1000).output()?;
        /// assert_eq!(output.exit, Exit::Limited(Limit::Steps(1000)));
        /// assert_eq!(Limit::Steps(1000).to_string(), "step limit of 1000 exceeded");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum Limit { $($(#[doc = $doc])* $name(u64),)* }

        impl Limit {
            /// Its name, as the serialized form has it.
            ///
            /// ```
            /// assert_eq!(wasmsh::Limit::WallTimeMs(5).name(), "wall_time_ms");
            /// ```
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name(_) => $key,)* }
            }

            /// Its value.
            ///
            /// ```
            /// assert_eq!(wasmsh::Limit::Steps(500).value(), 500);
            /// ```
            #[must_use]
            pub fn value(self) -> u64 {
                match self { $(Self::$name(value) => value,)* }
            }
        }

        impl fmt::Display for Limit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$name(value) => write!(f, $unit, value),)* }
            }
        }
    };
}

limits! {
    /// Steps of the shell's machine.
    Steps = "steps", "step limit of {} exceeded";
    /// Wall-clock time, in milliseconds.
    WallTimeMs = "wall_time_ms", "time limit of {} ms exceeded";
    /// Time of computing, in milliseconds.
    CpuTimeMs = "cpu_time_ms", "CPU time limit of {} ms exceeded";
    /// Bytes written to standard output and standard error together.
    OutputBytes = "output_bytes", "output limit of {} bytes exceeded";
    /// Requests to the network.
    Requests = "requests", "limit of {} network requests exceeded";
    /// Bytes of one component's memory.
    MemoryBytes = "memory_bytes", "memory limit of {} bytes exceeded";
    /// Bytes of all files together.
    FilesBytes = "files_bytes", "limit of {} bytes of files exceeded";
    /// Files, directories and links.
    Inodes = "inodes", "limit of {} inodes exceeded";
    /// Bytes of one file.
    FileSize = "file_size", "limit of {} bytes for one file exceeded";
    /// Open file descriptions of the session.
    OpenFiles = "open_files", "limit of {} open files exceeded";
    /// Processes.
    Processes = "processes", "limit of {} processes exceeded";
    /// Descriptors of one process.
    Descriptors = "descriptors", "limit of {} descriptors exceeded";
    /// Nested calls.
    CallDepth = "call_depth", "limit of {} nested calls exceeded";
    /// Bytes of one expansion, variable or line.
    ExpansionBytes = "expansion_bytes", "limit of {} bytes for an expansion exceeded";
}

/// What ends a run that would not end by itself. `None`: no limit, which is the default.
///
/// ```
/// use wasmsh::Limits;
///
/// let limits = Limits { steps: Some(1_000_000), ..Limits::untrusted() };
/// assert_eq!(limits.output_bytes, Some(16 << 20));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Steps of the shell's machine. The run ends with status 137.
    pub steps: Option<u64>,
    /// Wall-clock time, in milliseconds. The run ends with status 124.
    #[serde(rename = "wall_ms")]
    pub wall_time_ms: Option<u64>,
    /// Time that the shell, its utilities and Python compute, in milliseconds. The run ends with status 124.
    #[serde(rename = "cpu_ms")]
    pub cpu_time_ms: Option<u64>,
    /// Bytes written to standard output and standard error together. The run ends with status 137.
    pub output_bytes: Option<u64>,
    /// Requests to the network, redirects not counted. Those beyond are denied, and the script goes on.
    pub requests: Option<u64>,
}

impl Limits {
    /// For scripts that nobody has read: five minutes, one of them computing, 16 MiB of output, 1,000 requests.
    ///
    /// ```
    /// assert_eq!(wasmsh::Limits::untrusted().requests, Some(1000));
    /// ```
    #[must_use]
    pub const fn untrusted() -> Self {
        Self {
            steps: None,
            wall_time_ms: Some(300_000),
            cpu_time_ms: Some(60_000),
            output_bytes: Some(16 << 20),
            requests: Some(1000),
        }
    }
}

impl From<Limits> for wit::Limits {
    fn from(limits: Limits) -> Self {
        Self { steps: limits.steps, wall_time_ms: limits.wall_time_ms, output_bytes: limits.output_bytes }
    }
}

/// What the files of a session may be. Beyond it a script meets an ordinary error, and goes on.
///
/// ```
/// use wasmsh::{Quota, Sandbox};
///
/// let quota = Quota { file_size: 100, ..Quota::default() };
/// let mut session = Sandbox::builder().quota(quota).build()?;
/// let output = session.run("yes > file").output()?;
/// assert!(output.stderr_text().contains("File too large"), "{}", output.stderr_text());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Bytes of all files together: `Disk quota exceeded` beyond.
    pub bytes: u64,
    /// Files, directories and links: `No space left on device` beyond.
    pub inodes: u64,
    /// Bytes of one file: `File too large` beyond.
    pub file_size: u64,
    /// Open file descriptions: `Too many open files` beyond.
    pub open_files: u32,
}

impl Default for Quota {
    /// 1 GiB in a million inodes; one file may be 1 TiB long, holes included; 65,536 open files.
    fn default() -> Self {
        Self { bytes: 1 << 30, inodes: 1_000_000, file_size: 1 << 40, open_files: 1 << 16 }
    }
}

/// What the files of a session are now.
///
/// ```
/// # let mut session = wasmsh::Sandbox::builder().build()?;
/// let before = session.usage()?;
/// session.write_file("file", "text")?;
/// let after = session.usage()?;
/// assert_eq!((after.bytes, after.inodes), (before.bytes + 4, before.inodes + 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Files, directories and links.
    pub inodes: u64,
    /// Open file descriptions.
    pub open_files: u32,
}

/// What a session may hold at one time. Beyond it a script meets an ordinary error, and goes on.
///
/// ```
/// use wasmsh::{Ceilings, Limit, Sandbox};
///
/// let ceilings = Ceilings { expansion_bytes: 1000, ..Ceilings::default() };
/// let mut session = Sandbox::builder().ceilings(ceilings).build()?;
/// let output = session.run("x=$(seq 1000); echo ${#x}").output()?;
/// assert_eq!(output.exceeded, [Limit::ExpansionBytes(1000)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ceilings {
    /// Processes: `fork: Resource temporarily unavailable` beyond.
    pub processes: u32,
    /// Nested calls of functions, `.` and `eval`.
    pub call_depth: u32,
    /// Descriptors of one process: `Too many open files` beyond.
    pub descriptors: u32,
    /// Bytes that one expansion, one variable or one pipe may grow to.
    pub expansion_bytes: u64,
}

impl Default for Ceilings {
    /// Those of an ordinary login on Linux, where it has them; an expansion may have 256 MiB.
    fn default() -> Self {
        Self { processes: 4096, call_depth: 10_000, descriptors: 1024, expansion_bytes: 256 << 20 }
    }
}

impl From<Ceilings> for wit::Ceilings {
    fn from(ceilings: Ceilings) -> Self {
        Self {
            processes: ceilings.processes,
            call_depth: ceilings.call_depth,
            descriptors: ceilings.descriptors,
            expansion_bytes: ceilings.expansion_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_serialized_by_its_name() {
        for limit in [Limit::Steps(1), Limit::WallTimeMs(2), Limit::FilesBytes(3), Limit::CallDepth(4)] {
            let text = serde_json::to_string(&limit).unwrap();
            assert_eq!(text, format!("{{\"{}\":{}}}", limit.name(), limit.value()));
        }
    }

    #[test]
    fn limits_that_are_not_known_are_refused() {
        let limits: Limits = serde_json::from_str(r#"{"steps": 5, "cpu_ms": 7}"#).unwrap();
        assert_eq!(limits, Limits { steps: Some(5), cpu_time_ms: Some(7), ..Limits::default() });
        assert!(serde_json::from_str::<Limits>(r#"{"step": 5}"#).is_err());
    }
}
