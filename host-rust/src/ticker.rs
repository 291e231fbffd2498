//! The clock behind epoch interruption: one thread an engine, which sleeps while nothing needs it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use wasmtime::EngineWeak;

/// How often a computing component is interrupted. Long enough to cost nothing, short enough that nobody
/// notices a pipeline stage waiting for it.
const PERIOD: Duration = Duration::from_millis(5);

/// Moves the epoch of some engines while anybody holds a [`Ticking`].
pub(crate) struct Ticker(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    engines: Vec<EngineWeak>,
    /// How many [`Ticking`] there are.
    wanted: usize,
    started: bool,
    stopped: bool,
}

/// While this lives, the epoch moves.
pub(crate) struct Ticking(Arc<Shared>);

impl Ticker {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() }))
    }

    /// Also moves the epoch of this engine.
    pub(crate) fn add(&self, engine: &wasmtime::Engine) {
        self.0.lock().engines.push(engine.weak());
    }

    /// Moves the epoch until the result is dropped. The thread is started by the first call. Where no thread can
    /// be had the epoch stands still: only the backstop is lost, and a command that computes for long keeps
    /// others waiting.
    pub(crate) fn tick(&self) -> Ticking {
        let mut state = self.0.lock();
        state.wanted += 1;
        if !state.started {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("wasmsh-epoch".into()).stack_size(64 << 10);
            match thread.spawn(move || shared.run()) {
                Ok(_) => state.started = true,
                Err(error) => tracing::warn!(%error, "no thread for epoch interruption"),
            }
        }
        drop(state);
        self.0.changed.notify_one();
        Ticking(Arc::clone(&self.0))
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.lock().wanted -= 1;
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.stopped {
            if state.wanted == 0 {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.engines.retain(|engine| {
                let engine = engine.upgrade();
                if let Some(engine) = &engine {
                    engine.increment_epoch();
                }
                engine.is_some()
            });
            drop(state);
            std::thread::sleep(PERIOD);
            state = self.lock();
        }
    }
}
