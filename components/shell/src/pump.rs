//! Lets the other processes run while a foreign command waits inside a call.
//!
//! A foreign command (Python, a host's function) has no code that the scheduler could poll. Its blocking
//! calls run the scheduler themselves, until what they wait for has come; when nobody can go on, the host is
//! asked. See «the rule» in ARCHITECTURE.md.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use wasmsh_os::{Ctx, Errno, Kernel, KernelState, Request as OsRequest, RequestId, Signal, State};

use crate::bindings::wasmsh::session::host;
use crate::bindings::wasmsh::session::types::{Event, Request};
use crate::convert::{answer_out, chunk_in, request_in, signal_out};
use crate::processes::offer;

/// Steps between two looks at what the host has to say: some milliseconds.
const FUEL: u64 = 1 << 18;

/// What the pump asks of the session that a foreign command belongs to.
pub(crate) trait Owner {
    /// The session's kernel.
    fn kernel(&self) -> &Rc<Kernel>;
    /// Whether `host.block` can wait.
    fn host_blocks(&self) -> bool;
    /// Ends the run if it has met a limit.
    fn enforce_limits(&self);
    /// A signal from outside, to the foreground.
    fn signal(&self, what: Signal);
}

/// The way from a session's foreign commands to the host.
pub(crate) struct Pump {
    owner: Rc<dyn Owner>,
    me: Weak<Self>,
    /// Input that the kernel had no room for.
    input: RefCell<VecDeque<u8>>,
    /// The end of the input came, behind what is in `input`.
    input_ends: Cell<bool>,
}

impl Pump {
    pub(crate) fn new(owner: Rc<dyn Owner>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            owner,
            me: me.clone(),
            input: RefCell::default(),
            input_ends: Cell::new(false),
        })
    }

    /// Requests as the host sees them; the processes that they name can be opened from now on.
    pub(crate) fn announce(&self, requests: Vec<(RequestId, OsRequest)>) -> Vec<(u32, Request)> {
        for (_, request) in &requests {
            if let (OsRequest::Command { pid, .. }, Some(me)) = (request, self.me.upgrade()) {
                offer(self.owner.kernel(), *pid, &me);
            }
        }
        requests.into_iter().map(request_in).collect()
    }

    /// Runs the session until `ready` holds.
    ///
    /// # Errors
    /// `Interrupted`: `ctx` has a signal to take, or was ended; `TimedOut`: `timeout` nanoseconds passed;
    /// `Again`: nothing can go on, and the host cannot wait.
    pub(crate) fn until(
        &self,
        ctx: &Ctx,
        timeout: Option<u64>,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), Errno> {
        let kernel = self.owner.kernel();
        let deadline = timeout.map(|timeout| ctx.monotonic().saturating_add(timeout));
        loop {
            self.feed();
            if ready() {
                return Ok(());
            }
            if ended(ctx) || ctx.has_signal() {
                return Err(Errno::Interrupted);
            }
            let left = deadline.map(|deadline| deadline.saturating_sub(ctx.monotonic()));
            if left == Some(0) {
                return Err(Errno::TimedOut);
            }
            let state = kernel.run_until(FUEL, || ready() || ended(ctx) || ctx.has_signal());
            self.owner.enforce_limits();
            match state {
                KernelState::Done => {}
                KernelState::Running => {
                    self.exchange(Some(0));
                }
                KernelState::Idle { timer } => {
                    if kernel.output_len() > 0 || kernel.has_new_requests() {
                        // Who waits for room in the output can go on then.
                        self.exchange(Some(0));
                        continue;
                    }
                    let wait = match (timer, left) {
                        (Some(timer), Some(left)) => Some(timer.min(left)),
                        (timer, left) => timer.or(left),
                    };
                    let came = self.exchange(wait);
                    if !came && (wait.is_none() || !self.owner.host_blocks()) {
                        return Err(Errno::Again);
                    }
                }
            }
        }
    }

    /// Looks at what the host has to say, for a command that computes and waits for nothing: signals and
    /// limits reach it, and output does not stay until it ends.
    pub(crate) fn look(&self) {
        self.exchange(Some(0));
        self.owner.enforce_limits();
    }

    /// Hands over what the host should have, and takes what it has. Whether there was something.
    fn exchange(&self, timeout: Option<u64>) -> bool {
        let kernel = self.owner.kernel();
        let output: Vec<_> = kernel.take_output(usize::MAX).into_iter().map(chunk_in).collect();
        let requests = self.announce(kernel.take_requests());
        let events = host::block(&output, &requests, timeout);
        let came = !events.is_empty();
        for event in events {
            match event {
                Event::Answered((id, answer)) => {
                    // An unwanted answer is that of a process that has ended in the meantime.
                    let _ = kernel.answer(RequestId(id), answer_out(answer));
                }
                Event::Stdin(bytes) => self.input.borrow_mut().extend(bytes),
                Event::StdinClosed => self.input_ends.set(true),
                Event::Signalled(signal) => self.owner.signal(signal_out(signal)),
            }
        }
        came
    }

    /// Moves input on, as far as there is room for it.
    fn feed(&self) {
        let kernel = self.owner.kernel();
        let mut input = self.input.borrow_mut();
        if !input.is_empty() {
            let taken = kernel.feed_input(input.make_contiguous());
            input.drain(..taken);
        }
        if input.is_empty() && self.input_ends.replace(false) {
            kernel.close_input();
        }
    }
}

/// Whether a signal, or the end of its run, has ended the process.
pub(crate) fn ended(ctx: &Ctx) -> bool {
    !matches!(ctx.kernel().state(ctx.pid()), Some(State::Alive | State::Stopped(_)))
}
