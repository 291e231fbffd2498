//! A small kernel: processes, descriptors, pipes, signals, timers, and a deterministic scheduler.
//!
//! Every process is a future; the scheduler polls those that can go on, in turn, until its fuel is used up
//! or none can ([`Kernel::run`]). Code of a process sees the system through its [`Ctx`]. Nothing here does
//! I/O of its own: files are behind [`wasmsh_vfs::FileSystem`], time behind [`Clock`], and what nobody inside
//! can do becomes a [`Request`] to the host.

mod clock;
mod context;
mod descriptor;
mod feed;
mod host;
mod io;
mod kernel;
mod limits;
mod paths;
mod pipe;
mod process;
mod queue;
mod readiness;
mod request;
mod signal;
mod wait;

pub use clock::{Clock, Entropy, ManualClock, SeededEntropy};
pub use context::{Ctx, Sleep};
pub use descriptor::{Description, DescriptorTable};
pub use feed::Feed;
pub use host::{Chunk, OutputStream, TerminalSize};
pub use io::{Input, Output};
pub use kernel::{Ceiling, Ceilings, Group, Kernel, KernelState, Loader, ProcessInfo, SLICE, Spawn, Target};
pub use limits::{Limit, Resource};
pub use paths::{FifoOpen, Opening};
pub use pipe::{PIPE_BUF, PIPE_CAPACITY, Pipe, PipeReader, PipeWriter};
pub use process::{Environment, Exit, ExitCode, Pid, ProcessFuture, State};
pub use readiness::{Interest, Readiness};
pub use request::{
    Answer, FetchError, Header, HttpRequest, Reception, Request, RequestId, Requested, ResponseHead,
};
pub use signal::{DefaultAction, Disposition, Signal, SignalSet};
pub use wait::{Child, ChildState};
pub use wasmsh_vfs::{
    AccessMode, Entry, Errno, FileSystem, FileType, NewTime, OpenFile, OpenFlags, Position, Space, Stat,
    Timestamp,
};
