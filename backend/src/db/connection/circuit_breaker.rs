//! Whether a server answers: the circuit breaker between its requests and a server that is away.
//!
//! [`crate::db::connection::health_check`] asks each PostgreSQL server twice a second, and it alone closes the breaker
//! again. Requests only say that they have reason to doubt.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a server may take to answer the question whether it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a server that nobody watches counts as away after a connection could not be opened.
const UNWATCHED_OPEN_TIME: Duration = Duration::from_millis(500);

/// Whether a server answers.
pub(in crate::db) struct CircuitBreaker {
    state: Mutex<State>,
    changed: Condvar,
    generation: AtomicU64,
    routes_itself: AtomicBool,
}

#[derive(Default)]
struct State {
    is_watched: bool,
    /// Why it is away, by the last answer to the watch.
    down: Option<String>,
    /// Since when the watch has been waiting for an answer.
    probe_started_at: Option<Instant>,
    /// When a connection could not be opened the last time, and why.
    unreachable: Option<(Instant, String)>,
    probe_now: bool,
    stopped: bool,
}

impl CircuitBreaker {
    pub fn new() -> CircuitBreaker {
        CircuitBreaker {
            state: Mutex::default(),
            changed: Condvar::new(),
            generation: AtomicU64::new(0),
            routes_itself: AtomicBool::new(false),
        }
    }

    /// Which connections may still be good: those that were opened under this number.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Fails with the reason when a request that has waited since `began` would wait in vain.
    pub fn check(&self, began: Instant) -> Result<(), String> {
        let state = self.lock();
        if let Some(reason) = state.open_reason() {
            return Err(reason);
        }
        match &state.unreachable {
            // Whoever watches knows better than the failure of one connection.
            Some((at, reason))
                if !state.is_watched && (*at >= began || at.elapsed() < UNWATCHED_OPEN_TIME) =>
            {
                Err(reason.clone())
            }
            _ => Ok(()),
        }
    }

    /// Whether the server answers, as far as is known.
    pub fn is_up(&self) -> bool {
        self.lock().open_reason().is_none()
    }

    /// Whether the server distributes tables itself, as the last connection found.
    pub fn routes_itself(&self) -> bool {
        self.routes_itself.load(Ordering::Relaxed)
    }

    /// The server was found to distribute tables itself, or not.
    pub fn set_routes_itself(&self, does: bool) {
        self.routes_itself.store(does, Ordering::Relaxed);
    }

    pub fn record_unreachable(&self, reason: &str) {
        let mut state = self.lock();
        state.unreachable = Some((Instant::now(), reason.to_owned()));
        state.probe_now = true;
        self.changed.notify_all();
    }

    /// The server has closed a connection, or refuses writes: what was opened before is no good.
    pub fn record_failure(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.lock().probe_now = true;
        self.changed.notify_all();
    }

    /// Notes that [`crate::db::connection::health_check`] watches the server from now on.
    pub fn start_watch(&self) {
        self.lock().is_watched = true;
    }

    pub fn is_watched(&self) -> bool {
        self.lock().is_watched
    }

    pub fn probe_started(&self) {
        let mut state = self.lock();
        state.probe_started_at = Some(Instant::now());
        state.probe_now = false;
    }

    /// What the server said; says whether that is news.
    pub fn probe_finished(&self, answer: Result<(), String>) -> bool {
        let mut state = self.lock();
        let was_away = state.open_reason().is_some();
        state.probe_started_at = None;
        state.down = answer.err();
        let is_away = state.down.is_some();
        if is_away && !was_away {
            self.generation.fetch_add(1, Ordering::AcqRel);
        }
        was_away != is_away
    }

    /// Waits until it is time to ask again: for `interval`, or until there is doubt while the
    /// server counts as up. Returns false when nobody needs to know any more.
    pub fn wait(&self, interval: Duration) -> bool {
        let state = self.lock();
        let rests = |state: &mut State| {
            let is_due = state.probe_now && state.down.is_none();
            !state.stopped && !is_due
        };
        let waited = self.changed.wait_timeout_while(state, interval, rests);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a handful of assignments, so the state is whole even after a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn open_reason(&self) -> Option<String> {
        let hangs = self.probe_started_at.is_some_and(|at| at.elapsed() > PROBE_TIMEOUT);
        match &self.down {
            Some(reason) => Some(reason.clone()),
            None if hangs => Some("it hangs".to_owned()),
            None => None,
        }
    }
}
