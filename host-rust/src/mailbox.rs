//! What reaches a session from other threads: signals, cancellation, wake-ups.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::ticker::Ticking;
use crate::types::Signal;

/// Everything that has arrived and was not yet taken.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    pub(crate) signals: VecDeque<Signal>,
    pub(crate) cancelled: bool,
    woken: bool,
}

impl Mail {
    fn is_empty(&self) -> bool {
        self.signals.is_empty() && !self.cancelled && !self.woken
    }
}

/// The one place where a session waits.
#[derive(Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
    /// The task that waits, if it is one.
    task: Mutex<Option<Waker>>,
    /// The run that mail is for. Between two runs there is none, and mail is not taken in: what was meant for a run must
    /// never reach the next one, nor what is done to the session in between.
    run: Mutex<Option<Addressee>>,
}

/// A run, as a mailbox knows it.
#[derive(Default)]
struct Addressee {
    /// Since when it should be over, and what interrupts the component if it is not.
    cancelled: Option<(Instant, Ticking)>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut self.lock());
        self.arrived.notify_all();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.wake();
        }
    }

    fn run(&self) -> MutexGuard<'_, Option<Addressee>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a signal to the run, if there is one.
    pub(crate) fn signal(&self, signal: Signal) {
        // Held until it is posted, so that the run cannot end in between.
        let run = self.run();
        if run.is_some() {
            self.post(|mail| mail.signals.push_back(signal));
        }
    }

    /// Cancels the run, if there is one. `ticking` moves the epoch until it is over.
    pub(crate) fn cancel(&self, ticking: Ticking) {
        let mut run = self.run();
        if let Some(run) = &mut *run {
            run.cancelled.get_or_insert((Instant::now(), ticking));
            self.post(|mail| mail.cancelled = true);
        }
    }

    /// Since when the run should be over, if it was cancelled.
    pub(crate) fn cancelled_at(&self) -> Option<Instant> {
        self.run().as_ref()?.cancelled.as_ref().map(|(at, _)| *at)
    }

    /// A run begins: from now on mail is for it.
    pub(crate) fn begin(&self) {
        // Held until the old mail is away, so that none of the new goes with it.
        let mut run = self.run();
        *self.lock() = Mail::default();
        *run = Some(Addressee::default());
    }

    /// The run is over, or is being ended: nothing more can happen to it from outside.
    pub(crate) fn end(&self) {
        let mut run = self.run();
        *run = None;
        *self.lock() = Mail::default();
    }

    /// What has arrived, without waiting.
    pub(crate) fn take(&self) -> Mail {
        std::mem::take(&mut *self.lock())
    }

    /// Whether [`Mailbox::wait`] would return at once.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Wakes this task when something arrives, in the place of any other. Whether nothing has arrived already.
    pub(crate) fn register(&self, task: &Waker) -> bool {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task.clone());
        self.is_empty()
    }

    /// Waits until something is there, at most until `until`.
    pub(crate) fn wait(&self, until: Option<Instant>) {
        let mut mail = self.lock();
        while mail.is_empty() {
            let left = match until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None => Duration::from_secs(3600),
            };
            if left.is_zero() {
                return;
            }
            mail = self.arrived.wait_timeout(mail, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Wake for Mailbox {
    fn wake(self: Arc<Self>) {
        self.post(|mail| mail.woken = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let mailbox = Arc::new(Mailbox::default());
        Arc::clone(&mailbox).wake();
        mailbox.wait(None);
        mailbox.take();
        assert!(mailbox.is_empty());
    }

    #[test]
    fn nobody_sends_mail_to_a_run_before_the_old_mail_is_away() {
        let mailbox = Mailbox::default();
        std::thread::scope(|scope| {
            let old = mailbox.lock();
            scope.spawn(|| mailbox.begin());
            // As long as the old mail cannot be taken away, there is no run, or it is locked.
            while let Ok(run) = mailbox.run.try_lock() {
                assert!(run.is_none());
                drop(run);
                std::thread::yield_now();
            }
            drop(old);
        });
        assert!(mailbox.run().is_some());
    }

    #[test]
    fn a_wait_ends_at_its_time() {
        let start = Instant::now();
        Mailbox::default().wait(Some(start + Duration::from_millis(5)));
        assert!(start.elapsed() >= Duration::from_millis(5));
    }

    #[test]
    fn a_signal_from_another_thread_ends_the_wait() {
        let mailbox = Arc::new(Mailbox::default());
        mailbox.begin();
        let other = Arc::clone(&mailbox);
        let thread = std::thread::spawn(move || other.signal(Signal::Int));
        mailbox.wait(None);
        assert_eq!(mailbox.take().signals, [Signal::Int]);
        thread.join().unwrap();
    }

    #[test]
    fn mail_between_two_runs_is_for_nobody() {
        let mailbox = Mailbox::default();
        let ticker = crate::ticker::Ticker::new();
        mailbox.cancel(ticker.tick());
        mailbox.signal(Signal::Int);
        assert!(mailbox.is_empty() && mailbox.cancelled_at().is_none());
        mailbox.begin();
        mailbox.cancel(ticker.tick());
        assert!(mailbox.cancelled_at().is_some() && mailbox.take().cancelled);
        mailbox.end();
        assert!(mailbox.cancelled_at().is_none());
        mailbox.begin();
        assert!(mailbox.cancelled_at().is_none() && mailbox.is_empty());
    }
}
