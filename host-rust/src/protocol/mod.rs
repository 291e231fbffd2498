//! Sessions for somebody who speaks JSON: the messages, and a registry of sessions that answers them.
//!
//! Nothing here knows how messages travel: `wasmsh serve --stdio` has one on each line, another transport may do as it
//! likes. A [`Request`] names its session and has an `id` of its sender's choice, which every [`Event`] that it causes
//! carries; it is answered by exactly one [`Event::Reply`], [`Event::Exit`] or [`Event::Failure`].
//!
//! ```
//! use wasmsh::protocol::{Command, Request};
//!
//! let line = r#"{"id": 1, "session": "a", "type": "Run", "script": "read x; echo $x", "stdin": "hello\n"}"#;
//! let request: Request = serde_json::from_str(line)?;
//! assert!(matches!(request.command, Command::Run(run) if run.stdin.is_some()));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod data;
mod server;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::data::Data;
pub(crate) use self::data::{bytes, list};
pub use self::server::Server;
use crate::limits::{Ceilings, Limit, Limits, Quota};
use crate::output::Recovery;
use crate::types::{Entry, Exit, Signal, Stat};

/// The version of the protocol, told by [`Event::Version`]. It changes when an old sender would no longer be understood.
///
/// ```
/// assert_eq!(wasmsh::protocol::VERSION, 1);
/// ```
pub const VERSION: u32 = 1;

/// What somebody asks of a session.
///
/// ```
/// use wasmsh::protocol::{Command, Request};
///
/// let request = Request { id: 7, session: "a".into(), command: Command::ReadFile { path: "file".into() } };
/// let line = serde_json::to_string(&request)?;
/// assert_eq!(line, r#"{"id":7,"session":"a","type":"ReadFile","path":"file"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Chosen by the sender; events say it.
    #[serde(default)]
    pub id: u64,
    /// Which session; the empty name is one too. It is made by `Init`, or by the first other command with defaults.
    #[serde(default)]
    pub session: String,
    /// What to do.
    #[serde(flatten)]
    pub command: Command,
}

/// Commands of a [`Request`].
///
/// ```
/// use wasmsh::protocol::Command;
///
/// let command: Command = serde_json::from_str(r#"{"type": "Rename", "from": "a", "to": "b"}"#)?;
/// assert!(matches!(command, Command::Rename { from, to } if from == "a" && to == "b"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Command {
    /// Makes the session. Reply: null.
    Init(Init),
    /// Runs a script. Events: `Stdout`, `Stderr`, and `Exit` at the end.
    Run(RunRequest),
    /// More standard input for the run with this `run` as its id. Not answered unless it fails.
    Stdin {
        /// The id of the `Run`.
        run: u64,
        /// What to write.
        data: Data,
    },
    /// The end of standard input. Not answered unless it fails.
    StdinEnd {
        /// The id of the `Run`.
        run: u64,
    },
    /// Sends a signal to what runs in the session, as a terminal's keys would, or to the run that was asked for and is the
    /// next to begin. Reply: null.
    Signal {
        /// Which.
        signal: Signal,
    },
    /// Ends what runs in the session, as by KILL, or the run that was asked for and is the next to begin. Reply: null, at
    /// once; the run's own `Exit` follows.
    Cancel,
    /// Writes a file. Reply: null.
    WriteFile {
        /// Where.
        path: String,
        /// What.
        content: Data,
        /// Permission bits, otherwise 644.
        mode: Option<u32>,
    },
    /// Reads a file. Reply: `{"content": …}`.
    ReadFile {
        /// Which.
        path: String,
    },
    /// Lists a directory. Reply: `{"entries": […]}`.
    ListDir {
        /// Which.
        path: String,
    },
    /// Tells of a file. Reply: `{"stat": …}`.
    Stat {
        /// Which.
        path: String,
    },
    /// Removes a file, or a directory with all that is in it. Reply: null.
    Remove {
        /// Which.
        path: String,
    },
    /// Gives a file another name. Reply: null.
    Rename {
        /// The old one.
        from: String,
        /// The new one.
        to: String,
    },
    /// The session as bytes. Reply: `{"snapshot": …}`.
    Snapshot,
    /// Makes the session what it was. Reply: null.
    Restore {
        /// What `Snapshot` has returned.
        snapshot: Data,
    },
    /// Another session that is as this one. Reply: null.
    Fork {
        /// Its name.
        to: String,
    },
    /// Ends the session, what runs in it included. Reply: null.
    Close,
}

/// Settings of a session; what is left out is as the server has it.
///
/// ```
/// use wasmsh::protocol::Init;
///
/// let init: Init = serde_json::from_str(r#"{"env": {"NAME": "value"}, "stepBudget": 1000}"#)?;
/// assert_eq!((init.step_budget, init.cwd), (Some(1000), None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Init {
    /// Exported variables.
    pub env: BTreeMap<String, Data>,
    /// Where it starts.
    pub cwd: Option<String>,
    /// Steps that a run may take; 0: no limit. Another way to say `limits.steps`.
    pub step_budget: Option<u64>,
    /// What ends a run.
    pub limits: Option<Limits>,
    /// What may be held at one time.
    pub ceilings: Option<Ceilings>,
    /// What the files may be.
    pub quota: Option<Quota>,
    /// Bytes of memory of each component.
    pub memory_limit: Option<usize>,
    /// What may be reached over HTTP, where the server lets clients choose.
    pub allowed_hosts: Vec<String>,
    /// Files to begin with.
    pub initial_files: Vec<InitialFile>,
    /// A snapshot to begin with.
    pub snapshot: Option<Data>,
}

/// A file to begin with.
///
/// ```
/// use wasmsh::protocol::{Data, InitialFile};
///
/// let file = InitialFile { path: "tool".into(), content: Data(b"echo hi\n".to_vec()), mode: Some(0o755) };
/// assert_eq!(serde_json::to_string(&file)?, r#"{"path":"tool","content":"echo hi\n","mode":493}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InitialFile {
    /// Where.
    pub path: String,
    /// What.
    pub content: Data,
    /// Permission bits, otherwise 644.
    pub mode: Option<u32>,
}

/// A run.
///
/// ```
/// use wasmsh::protocol::RunRequest;
///
/// let run: RunRequest = serde_json::from_str(r#"{"script": "cat; echo $1", "args": ["a"], "stdin": {"b64": "/w=="}}"#)?;
/// assert_eq!(run.stdin.ok_or("no stdin")?.0, [0xff]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RunRequest {
    /// The script.
    #[serde(alias = "command")]
    pub script: Data,
    /// `$0`.
    pub name: Option<Data>,
    /// `$1` and so on.
    pub args: Vec<Data>,
    /// Variables for this run alone.
    pub env: BTreeMap<String, Data>,
    /// The directory for this run alone.
    pub cwd: Option<String>,
    /// Standard input.
    pub stdin: Option<Data>,
    /// Standard input follows as `Stdin` and `StdinEnd`.
    pub stream_stdin: bool,
    /// Limits in the place of the session's.
    pub limits: Option<Limits>,
    /// Milliseconds, another way to say `limits.wall_ms`.
    pub timeout_ms: Option<u64>,
    /// A shell of its own, of which nothing but files is left.
    pub fresh: bool,
}

/// What a server tells.
///
/// ```
/// use wasmsh::protocol::Event;
///
/// let event: Event = serde_json::from_str(r#"{"type": "Stdout", "id": 1, "session": "", "data": "hi\n"}"#)?;
/// assert!(matches!(event, Event::Stdout { id: 1, data, .. } if data.0 == b"hi\n"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type")]
#[non_exhaustive]
pub enum Event {
    /// The first event of a connection.
    Version {
        /// [`VERSION`].
        protocol: u32,
        /// That of this crate.
        version: String,
    },
    /// What a run writes to its standard output.
    Stdout {
        /// The id of the `Run`.
        id: u64,
        /// The session.
        session: String,
        /// What.
        data: Data,
    },
    /// What a run writes to its standard error.
    Stderr {
        /// The id of the `Run`.
        id: u64,
        /// The session.
        session: String,
        /// What.
        data: Data,
    },
    /// A run is over.
    Exit {
        /// The id of the `Run`.
        id: u64,
        /// The session.
        session: String,
        /// The status as a shell shows it.
        status: u8,
        /// How it ended.
        exit: Exit,
        /// Steps of the shell's machine.
        steps: u64,
        /// Limits that were met.
        exceeded: Vec<Limit>,
        /// The session had to be made anew.
        recovery: Option<Recovery>,
    },
    /// A command was carried out.
    Reply {
        /// The id of the request.
        id: u64,
        /// The session.
        session: String,
        /// What came of it.
        value: Reply,
    },
    /// A command could not be carried out.
    Failure {
        /// The id of the request.
        id: u64,
        /// The session.
        session: String,
        /// For programs: `file`, `busy`, `session`, `request`, `snapshot`.
        kind: String,
        /// The error number of a `file`.
        errno: Option<crate::Errno>,
        /// For people.
        message: String,
    },
    /// Something that belongs to no request.
    Diagnostic {
        /// `error` or `warning`.
        level: String,
        /// For people.
        message: String,
    },
}

/// What comes of a command.
///
/// ```
/// use wasmsh::protocol::Reply;
///
/// assert_eq!(serde_json::to_string(&Reply::Done(()))?, "null");
/// assert!(matches!(serde_json::from_str(r#"{"content": "text"}"#)?, Reply::Content { content } if content.0 == b"text"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// Of `ReadFile`.
    Content {
        /// The file's contents.
        content: Data,
    },
    /// Of `ListDir`.
    Entries {
        /// Ordered by name.
        entries: Vec<Entry>,
    },
    /// Of `Stat`.
    Stat {
        /// What it is.
        stat: Stat,
    },
    /// Of `Snapshot`.
    Snapshot {
        /// The session as bytes.
        snapshot: Data,
    },
    /// Of all others.
    Done(()),
}
