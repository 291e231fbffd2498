//! How a command ends when it does not go well: git's texts and statuses.

use std::io;

/// The end of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `fatal: …`, status 128.
    #[error("fatal: {0}")]
    Fatal(String),
    /// `error: …` with a status of its own.
    #[error("error: {0}")]
    Failed(String, u8),
    /// A text as it is, with a status.
    #[error("{0}")]
    Text(String, u8),
    /// Nothing more to say; the status tells.
    #[error("status {0}")]
    Status(u8),
    /// Input or output failed.
    #[error("fatal: {0}")]
    Io(#[from] io::Error),
    /// The library's own report.
    #[error("fatal: {0}")]
    Library(String),
}

/// The result of everything here.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl From<gix::Error> for Error {
    fn from(error: gix::Error) -> Self {
        Error::Library(error.to_string())
    }
}

/// Ends with `fatal: …`.
macro_rules! fatal {
    ($($part:tt)*) => { $crate::error::Error::Fatal(format!($($part)*)) };
}

/// Ends with `error: …` and status 1.
macro_rules! failed {
    ($($part:tt)*) => { $crate::error::Error::Failed(format!($($part)*), 1) };
}

pub(crate) use {failed, fatal};

/// Any other error of the library as the command's end.
pub fn library(error: impl std::fmt::Display) -> Error {
    Error::Library(error.to_string())
}

impl Error {
    /// The status that the process ends with.
    pub fn status(&self) -> u8 {
        match self {
            Error::Fatal(_) | Error::Library(_) => 128,
            Error::Failed(_, status) | Error::Text(_, status) | Error::Status(status) => *status,
            Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => 141,
            Error::Io(_) => 128,
        }
    }

    /// What is written on the error stream.
    pub fn report(&self) -> String {
        match self {
            Error::Status(_) => String::new(),
            Error::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => String::new(),
            Error::Text(text, _) => text.clone(),
            other => format!("{other}\n"),
        }
    }
}
