//! What the shell cannot do itself: requests to the host, and its answers.
//!
//! Plain Rust mirrors of `request` and `answer` in `wit/session/types.wit`.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::Poll;

use crate::context::Ctx;
use crate::process::{Exit, Pid, Process};
use crate::queue::RunQueue;

/// Names a request until it is answered for the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// A header of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// ASCII, compared without case.
    pub name: String,
    /// Bytes without CR and LF.
    pub value: Vec<u8>,
}

/// An HTTP exchange to carry out (`wit/net/net.wit`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` and the like.
    pub method: String,
    /// `http` or `https`, without a fragment.
    pub url: String,
    /// In order.
    pub headers: Vec<Header>,
    /// The whole body.
    pub body: Vec<u8>,
    /// For the whole exchange, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// How many redirects may be followed.
    pub redirects: u32,
}

/// The beginning of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// Where the response came from, after redirects.
    pub url: String,
    /// In order.
    pub headers: Vec<Header>,
}

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The policy does not allow it: what, and how to allow it.
    #[error("{0}")]
    Denied(String),
    /// No address for this host name.
    #[error("Could not resolve host: {0}")]
    UnknownHost(String),
    /// Nobody listens there.
    #[error("Connection refused")]
    Refused,
    /// It took too long.
    #[error("Operation timed out")]
    TimedOut,
    /// More than this many redirects.
    #[error("Maximum ({0}) redirects followed")]
    TooManyRedirects(u32),
    /// The body is larger than the policy's limit, in bytes.
    #[error("Maximum file size exceeded ({0} bytes)")]
    TooLarge(u64),
    /// The certificate, or the handshake.
    #[error("{0}")]
    Tls(String),
    /// Not HTTP, cut off, or otherwise wrong: what.
    #[error("{0}")]
    Protocol(String),
}

/// Something for the host to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Run a command that somebody outside answers.
    Command {
        /// Its name, without directories.
        name: String,
        /// Its process.
        pid: Pid,
    },
    /// Carry out an exchange.
    Fetch(HttpRequest),
    /// Nobody waits for this earlier request any longer.
    Cancelled(RequestId),
}

/// What the host has to say to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The command has ended. The last answer.
    Exited(Exit),
    /// The exchange's status and headers.
    Head(ResponseHead),
    /// A part of its body.
    Body(Vec<u8>),
    /// All of the body was delivered, or why not. The last answer.
    Ended(Result<(), FetchError>),
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// Taken; go on.
    Taken,
    /// Taken, but what reads it is slow: send the next one later.
    Full,
    /// Nobody waits for it.
    Unwanted,
}

/// Bytes of a body that may wait before the host is told to pause: a few pipes full.
const BODY_HIGH_WATER: usize = 256 * 1024;

struct Outstanding {
    process: Rc<Process>,
    /// Of a command, its name.
    command: Option<String>,
    answers: VecDeque<Answer>,
    bytes: usize,
    /// The host knows of it.
    told: bool,
    ended: bool,
}

impl Outstanding {
    /// Whether its last answer is missing, and it is not for a command of these names.
    fn is_unanswered_but(&self, names: &[String]) -> bool {
        !self.ended && !self.command.as_ref().is_some_and(|command| names.contains(command))
    }
}

/// The requests of a kernel.
#[derive(Default)]
pub(crate) struct Requests {
    outstanding: RefCell<BTreeMap<RequestId, Outstanding>>,
    new: RefCell<VecDeque<(RequestId, Request)>>,
    next: Cell<u32>,
}

impl Requests {
    pub(crate) fn make(&self, process: &Rc<Process>, request: Request) -> RequestId {
        let mut outstanding = self.outstanding.borrow_mut();
        let id = loop {
            let id = RequestId(self.next.get());
            self.next.set(id.0.wrapping_add(1));
            if !outstanding.contains_key(&id) {
                break id;
            }
        };
        outstanding.insert(
            id,
            Outstanding {
                process: process.clone(),
                command: match &request {
                    Request::Command { name, .. } => Some(name.clone()),
                    Request::Fetch(_) | Request::Cancelled(_) => None,
                },
                answers: VecDeque::new(),
                bytes: 0,
                told: false,
                ended: false,
            },
        );
        self.new.borrow_mut().push_back((id, request));
        id
    }

    pub(crate) fn take_new(&self) -> Vec<(RequestId, Request)> {
        let new: Vec<_> = self.new.borrow_mut().drain(..).collect();
        let mut outstanding = self.outstanding.borrow_mut();
        for (id, _) in &new {
            if let Some(entry) = outstanding.get_mut(id) {
                entry.told = true;
            }
        }
        new
    }

    pub(crate) fn has_new(&self) -> bool {
        !self.new.borrow().is_empty()
    }

    pub(crate) fn unanswered(&self) -> usize {
        self.outstanding.borrow().values().filter(|entry| !entry.ended).count()
    }

    pub(crate) fn unanswered_but(&self, names: &[String]) -> usize {
        let outstanding = self.outstanding.borrow();
        outstanding.values().filter(|entry| entry.is_unanswered_but(names)).count()
    }

    /// Whether a process among certain ones has such a request.
    pub(crate) fn unanswered_of(&self, names: &[String], of: impl Fn(Pid) -> bool) -> bool {
        let outstanding = self.outstanding.borrow();
        outstanding.values().any(|entry| entry.is_unanswered_but(names) && of(entry.process.pid))
    }

    pub(crate) fn answer(&self, id: RequestId, answer: Answer, queue: &RunQueue) -> Reception {
        let mut outstanding = self.outstanding.borrow_mut();
        let Some(entry) = outstanding.get_mut(&id).filter(|entry| !entry.ended) else {
            return Reception::Unwanted;
        };
        match &answer {
            // Nothing comes of it, but whether there is room.
            Answer::Body(bytes) if bytes.is_empty() => {}
            Answer::Body(bytes) => entry.bytes += bytes.len(),
            Answer::Exited(_) | Answer::Ended(_) => entry.ended = true,
            Answer::Head(_) => {}
        }
        if !matches!(&answer, Answer::Body(bytes) if bytes.is_empty()) {
            entry.answers.push_back(answer);
            entry.process.wake(queue);
        }
        if entry.bytes > BODY_HIGH_WATER { Reception::Full } else { Reception::Taken }
    }

    fn take_answer(&self, id: RequestId) -> Option<Answer> {
        let mut outstanding = self.outstanding.borrow_mut();
        let entry = outstanding.get_mut(&id)?;
        let answer = entry.answers.pop_front()?;
        if let Answer::Body(bytes) = &answer {
            entry.bytes -= bytes.len();
        }
        Some(answer)
    }

    fn forget(&self, id: RequestId) {
        let Some(entry) = self.outstanding.borrow_mut().remove(&id) else { return };
        if !entry.told {
            self.new.borrow_mut().retain(|(other, _)| *other != id);
        } else if !entry.ended {
            self.new.borrow_mut().push_back((id, Request::Cancelled(id)));
        }
    }
}

/// A request under way. Dropping it before the last answer cancels it.
pub struct Requested {
    ctx: Ctx,
    id: RequestId,
}

impl Requested {
    pub(crate) fn new(ctx: Ctx, id: RequestId) -> Requested {
        Requested { ctx, id }
    }

    /// Its name.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// The next answer, if it is there; the process is woken when one comes.
    pub fn poll_answer(&self) -> Poll<Answer> {
        if self.ctx.is_killed() {
            return Poll::Pending;
        }
        match self.ctx.kernel().requests.take_answer(self.id) {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }

    /// Waits for the next answer.
    pub async fn answer(&self) -> Answer {
        std::future::poll_fn(|_| self.poll_answer()).await
    }
}

impl Drop for Requested {
    fn drop(&mut self) {
        self.ctx.kernel().requests.forget(self.id);
    }
}
