//! The circuit breaker between requests and a server.
//!
//! [`crate::db::connection::health_check`] probes each PostgreSQL server twice a second, and only
//! it closes the breaker. Requests report failures, which trigger a probe.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The timeout of a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the breaker of a server without health check stays open after a failed connection.
const UNWATCHED_OPEN_TIME: Duration = Duration::from_millis(500);

/// The circuit breaker of a server.
pub(in crate::db) struct CircuitBreaker {
    state: Mutex<State>,
    changed: Condvar,
    generation: AtomicU64,
    routes_itself: AtomicBool,
}

#[derive(Default)]
struct State {
    is_watched: bool,
    /// Why the server is down, by the last probe.
    down: Option<String>,
    /// The start of the running probe.
    probe_started_at: Option<Instant>,
    /// The last failure to open a connection, and its reason.
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

    /// The generation of connections; those of earlier generations are closed.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Fails with the reason if the breaker is open for a request that has waited since `began`.
    pub fn check(&self, began: Instant) -> Result<(), String> {
        let state = self.lock();
        if let Some(reason) = state.open_reason() {
            return Err(reason);
        }
        match &state.unreachable {
            // With a health check, one failed connection does not count.
            Some((at, reason))
                if !state.is_watched && (*at >= began || at.elapsed() < UNWATCHED_OPEN_TIME) =>
            {
                Err(reason.clone())
            }
            _ => Ok(()),
        }
    }

    /// Whether the breaker is closed.
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

    /// Records that the server has closed a connection or refuses writes, and starts a new
    /// generation.
    pub fn record_failure(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.lock().probe_now = true;
        self.changed.notify_all();
    }

    /// Records that [`crate::db::connection::health_check`] probes the server.
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

    /// Records the result of a probe; returns whether the state has changed.
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

    /// Waits for `interval`, or until a request reports a failure of a server that is up. Returns
    /// false when the server is no longer used.
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

    /// Ends the health check, and starts a new generation: the server is no longer used.
    pub fn stop(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
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
