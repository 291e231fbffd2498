//! Lets the other processes run while a foreign command waits inside a call.
//!
//! A foreign command (Python, a host's function) has no code that the scheduler could poll. Its blocking
//! calls run the scheduler themselves, until what they wait for has come; when nobody can go on, the host is
//! asked. See «the rule» in ARCHITECTURE.md.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use wasmsh_os::{
    Ctx, Errno, Interest, Kernel, KernelState, Pid, Request as OsRequest, RequestId, Signal, State,
};

use crate::bindings::wasmsh::session::host;
use crate::bindings::wasmsh::session::types::{Event, Request};
use crate::convert::{answer_out, chunk_in, request_in, signal_out};
use crate::processes::{next_exclusive, offer};

/// Steps between two looks at what the host has to say: some milliseconds.
const FUEL: u64 = 1 << 18;

/// Steps that others get at each look of a command that computes: well below a millisecond.
const GLANCE: u64 = 1 << 12;

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
    /// The names of the commands of which only one can be at work at a time.
    exclusive: Rc<[String]>,
    /// How many of them are at work: all but one wait for another that runs within them.
    at_work: Cell<usize>,
    /// Requests for such commands, and their cancelling, that the host is not told of before it resumes the run.
    held: RefCell<Vec<(RequestId, OsRequest)>>,
    /// Input that the kernel had no room for.
    input: RefCell<VecDeque<u8>>,
    /// The end of the input came, behind what is in `input`.
    input_ends: Cell<bool>,
}

impl Pump {
    pub(crate) fn new(owner: Rc<dyn Owner>, exclusive: Rc<[String]>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            owner,
            me: me.clone(),
            exclusive,
            at_work: Cell::new(0),
            held: RefCell::default(),
            input: RefCell::default(),
            input_ends: Cell::new(false),
        })
    }

    /// Requests as the host sees them; the processes that they name can be opened from now on.
    fn announce(&self, requests: Vec<(RequestId, OsRequest)>) -> Vec<(RequestId, OsRequest)> {
        for (id, request) in &requests {
            if let (OsRequest::Command { pid, name }, Some(me)) = (request, self.me.upgrade()) {
                offer(self.owner.kernel(), *pid, *id, self.exclusive.contains(name), &me);
            }
        }
        requests
    }

    /// As the host sees them when it resumes the run: with those that were held back. `idle`: nobody can go on.
    pub(crate) fn announce_all(
        &self,
        requests: Vec<(RequestId, OsRequest)>,
        idle: bool,
    ) -> Vec<(u32, Request)> {
        let mut all = self.held.take();
        all.extend(self.announce(requests));
        let blocks = self.owner.host_blocks();
        self.hold_back(all, |pid| !blocks && self.is_early(pid, idle))
    }

    /// Whether a command would have to wait for what the host cannot give while it runs: see the rule for a read that
    /// depends on the host, in ARCHITECTURE.md.
    fn is_early(&self, pid: Pid, idle: bool) -> bool {
        let kernel = self.owner.kernel();
        let feed = kernel.feed(pid);
        if kernel.feed_needs_host(&feed, &self.exclusive) {
            // Nobody reads yet.
            feed.spool(usize::try_from(kernel.ceilings().expansion_bytes).unwrap_or(usize::MAX));
            return true;
        }
        // Who feeds it may be about to ask.
        let early = !idle && feed.has_room();
        if !early {
            // It reads from now on.
            feed.end_spool();
        }
        early
    }

    /// As the host sees them while a command is on its stack: without those for exclusive commands.
    fn announce_some(&self, requests: Vec<(RequestId, OsRequest)>) -> Vec<(u32, Request)> {
        let announced = self.announce(requests);
        self.hold_back(announced, |_| true)
    }

    /// Requests as the host sees them, without those for exclusive commands that `waits` names, and without the cancelling
    /// of one that it was never told of.
    fn hold_back(
        &self,
        mut requests: Vec<(RequestId, OsRequest)>,
        waits: impl Fn(Pid) -> bool,
    ) -> Vec<(u32, Request)> {
        let mut held = self.held.borrow_mut();
        requests.retain(|(id, request)| match request {
            OsRequest::Command { name, pid } if self.exclusive.contains(name) && waits(*pid) => {
                held.push((*id, request.clone()));
                false
            }
            OsRequest::Cancelled(of) => {
                let before = held.len();
                held.retain(|(other, _)| other != of);
                held.len() == before
            }
            OsRequest::Command { .. } | OsRequest::Fetch(_) => true,
        });
        drop(held);
        requests.into_iter().map(request_in).collect()
    }

    /// An exclusive command begins, which `request` asked for. Whether it does so within another one.
    pub(crate) fn exclusive_begins(&self, request: RequestId) -> bool {
        let mut held = self.held.borrow_mut();
        let before = held.len();
        held.retain(|(other, _)| *other != request);
        let nested = self.at_work.get() > 0;
        if nested && held.len() == before {
            // The host was told of it, and need not do it any more.
            held.push((request, OsRequest::Cancelled(request)));
        }
        self.at_work.set(self.at_work.get() + 1);
        nested
    }

    /// An exclusive command has ended.
    pub(crate) fn exclusive_ends(&self) {
        self.at_work.set(self.at_work.get().saturating_sub(1));
    }

    /// Whether nothing that could still come would let anybody go on, but exclusive commands that have not begun, or
    /// that wait below the present one.
    fn nothing_can_come(&self, ctx: &Ctx) -> bool {
        let kernel = self.owner.kernel();
        let waiting = next_exclusive(ctx, true).is_some();
        (waiting || self.at_work.get() > 1)
            && !(kernel.input_wanted() && kernel.input_is_open())
            && kernel.unanswered_requests_but(&self.exclusive) == 0
    }

    /// Runs the session until `ready` holds. `interests`: the descriptors that it is about.
    ///
    /// # Errors
    /// `Interrupted`: `ctx` has a signal to take, or was ended; `TimedOut`: `timeout` nanoseconds passed;
    /// `Again`: nothing can go on, and the host cannot wait; or, for an exclusive command, nothing can go on before
    /// another one has run.
    pub(crate) fn until(
        &self,
        ctx: &Ctx,
        exclusive: bool,
        timeout: Option<u64>,
        interests: &[Interest],
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), Errno> {
        let kernel = self.owner.kernel();
        let deadline = timeout.map(|timeout| ctx.monotonic().saturating_add(timeout));
        loop {
            self.feed();
            if kernel.output_exceeded() {
                // Who writes finds room for ever, and gets nothing written.
                self.owner.enforce_limits();
            }
            if ended(ctx) {
                return Err(Errno::Interrupted);
            }
            if ready() {
                return Ok(());
            }
            if ctx.has_signal() {
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
                    // The host is to know whether it is standard input.
                    let _ = ctx.poll_ready(interests);
                    if kernel.output_len() > 0 || kernel.has_new_requests() {
                        // Who waits for room in the output can go on then.
                        self.exchange(Some(0));
                        continue;
                    }
                    if exclusive && next_exclusive(ctx, false).is_some() {
                        return Err(Errno::Again);
                    }
                    let wait = match (timer, left) {
                        (Some(timer), Some(left)) => Some(timer.min(left)),
                        (timer, left) => timer.or(left),
                    };
                    if exclusive && wait.is_none() && self.nothing_can_come(ctx) {
                        return Err(Errno::Again);
                    }
                    let came = self.exchange(wait);
                    // A timer that is due by now needs no waiting: in the next turn it is seen.
                    let time_comes = wait.is_some_and(|wait| wait == 0 || self.owner.host_blocks());
                    if !came && !time_comes {
                        return Err(Errno::Again);
                    }
                }
            }
        }
    }

    /// Looks at what the host has to say, for a command that computes and waits for nothing: signals and
    /// limits reach it, and output does not stay until it ends. The others go on a little, so that a timer that is
    /// due is seen: `timeout` waits beside what it has started.
    pub(crate) fn look(&self) {
        self.exchange(Some(0));
        let _ = self.owner.kernel().run_until(GLANCE, || false);
        self.owner.enforce_limits();
    }

    /// Hands over what the host should have, and takes what it has. Whether there was something.
    fn exchange(&self, timeout: Option<u64>) -> bool {
        let kernel = self.owner.kernel();
        let output: Vec<_> = kernel.take_output(usize::MAX).into_iter().map(chunk_in).collect();
        let requests = self.announce_some(kernel.take_requests());
        let stdin = timeout != Some(0) && self.input.borrow().is_empty() && kernel.input_wanted();
        let events = host::block(&output, &requests, stdin, timeout);
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

    /// Moves input on, as far as there is room for it. Whether some was.
    pub(crate) fn feed(&self) -> bool {
        let kernel = self.owner.kernel();
        let mut input = self.input.borrow_mut();
        let mut taken = 0;
        if !input.is_empty() {
            taken = kernel.feed_input(input.make_contiguous());
            input.drain(..taken);
        }
        let ends = input.is_empty() && self.input_ends.replace(false);
        if ends {
            kernel.close_input();
        }
        taken > 0 || ends
    }

    /// Standard input is over, behind what is still here.
    pub(crate) fn end_input(&self) {
        self.input_ends.set(true);
        self.feed();
    }

    /// Whether there is input that the kernel had no room for.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.borrow().is_empty()
    }
}

/// Whether a signal, or the end of its run, has ended the process.
pub(crate) fn ended(ctx: &Ctx) -> bool {
    !matches!(ctx.kernel().state(ctx.pid()), Some(State::Alive | State::Stopped(_)))
}
