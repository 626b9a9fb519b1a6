//! Whether the disk of a server has space.
//!
//! A failed write proves that the disk is full. A successful write does not prove the opposite: it
//! may have fitted into an existing page. So while the disk is full, a probe writes data that needs
//! new pages, at most once a second, until it succeeds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a full server is left alone between two probes.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Whether a server's disk is full, as far as its writes have shown.
#[derive(Default)]
pub(in crate::db) struct DiskSpace(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    /// No write has failed for lack of space since the last successful probe.
    #[default]
    HasSpace,
    Full {
        /// When the last probe ran.
        probed_at: Option<Instant>,
    },
}

/// Whether the caller should probe for space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Probe {
    /// The disk is not known to be full.
    NotNeeded,
    Now,
    /// Another probe failed less than a second ago.
    NotYet,
}

impl DiskSpace {
    /// Records that a write failed for lack of space.
    pub fn record_full(&self) {
        self.change(|state| {
            if let State::HasSpace = state {
                *state = State::Full { probed_at: None };
            }
        });
    }

    /// Records that a write which needed new pages succeeded.
    pub fn record_space(&self) {
        self.change(|state| *state = State::HasSpace);
    }

    /// Whether the caller should probe. For the next second, other callers should not.
    pub fn start_probe(&self) -> Probe {
        self.change(|state| match state {
            State::HasSpace => Probe::NotNeeded,
            State::Full { probed_at: Some(at) } if at.elapsed() < PROBE_INTERVAL => Probe::NotYet,
            State::Full { probed_at } => {
                *probed_at = Some(Instant::now());
                Probe::Now
            }
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Each change is one assignment, so the state is whole even after a panic.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
