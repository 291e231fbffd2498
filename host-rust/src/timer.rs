//! The one thread that wakes tasks at their time: futures of this crate need no runtime's timer.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

/// Wakes tasks. Its thread starts with the first wish and sleeps while there is none.
#[derive(Clone, Default)]
pub(crate) struct Timer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    wishes: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    started: bool,
    stopped: bool,
}

/// A wish to be woken, withdrawn when this is dropped.
pub(crate) struct Alarm {
    timer: Timer,
    key: (Instant, u64),
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.timer.0.lock().wishes.remove(&self.key);
    }
}

impl Timer {
    /// Wakes at this time. Without a thread to be had it wakes at once, and whoever asked asks again.
    pub(crate) fn wake_at(&self, at: Instant, waker: &Waker) -> Alarm {
        let mut state = self.0.lock();
        if !state.started {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("wasmsh-timer".into()).stack_size(64 << 10);
            match thread.spawn(move || shared.run()) {
                Ok(_) => state.started = true,
                Err(error) => {
                    tracing::warn!(%error, "no thread for timers");
                    waker.wake_by_ref();
                }
            }
        }
        let key = (at, state.next);
        state.next += 1;
        let first = state.wishes.first_key_value().is_none_or(|(earliest, _)| key < *earliest);
        state.wishes.insert(key, waker.clone());
        drop(state);
        if first {
            self.0.changed.notify_one();
        }
        Alarm { timer: self.clone(), key }
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopped {
            let now = Instant::now();
            let mut due = Vec::new();
            while let Some(entry) = state.wishes.first_entry().filter(|entry| entry.key().0 <= now) {
                due.push(entry.remove());
            }
            if !due.is_empty() {
                drop(state);
                due.into_iter().for_each(Waker::wake);
                state = self.lock();
                continue;
            }
            let next = state.wishes.first_key_value().map(|((at, _), _)| *at);
            state = match next {
                Some(at) => {
                    let left = at.saturating_duration_since(now);
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Wake;
    use std::time::Duration;

    struct Flag(Mutex<Option<Instant>>, Condvar);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() = Some(Instant::now());
            self.1.notify_all();
        }
    }

    #[test]
    fn tasks_are_woken_at_their_time_unless_they_withdraw() {
        let timer = Timer::default();
        let (kept, withdrawn) = (
            Arc::new(Flag(Mutex::default(), Condvar::new())),
            Arc::new(Flag(Mutex::default(), Condvar::new())),
        );
        let start = Instant::now();
        let at = start + Duration::from_millis(20);
        let alarm = timer.wake_at(start + Duration::from_millis(5), &Waker::from(Arc::clone(&withdrawn)));
        drop(alarm);
        let _alarm = timer.wake_at(at, &Waker::from(Arc::clone(&kept)));
        let woken = kept.1.wait_while(kept.0.lock().unwrap(), |woken| woken.is_none()).unwrap();
        assert!(woken.unwrap() >= at);
        assert!(withdrawn.0.lock().unwrap().is_none());
        timer.stop();
    }
}
