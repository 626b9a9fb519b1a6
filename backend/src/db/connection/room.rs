//! Whether a server has room to write.
//!
//! A write that fails says that there is none. One that succeeds does not say that there is: it may
//! have found a place on a page that was there already. So what needs a new page is written, but no
//! more often than once a second, until that succeeds.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server that was full is not tried again.
const REST: Duration = Duration::from_secs(1);

/// What is known of a server's room.
#[derive(Default)]
pub(in crate::db) struct Room(Mutex<State>);

#[derive(Clone, Copy, Default)]
enum State {
    /// As far as is known.
    #[default]
    HasRoom,
    Full {
        /// When it was tried last.
        tried_at: Option<Instant>,
    },
}

/// Whether it is worth while to try whether there is room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Try {
    /// There is, as far as is known.
    NotNeeded,
    Now,
    /// There was none a moment ago.
    NotYet,
}

impl Room {
    /// A write has found none.
    pub fn note_full(&self) {
        self.change(|state| {
            if let State::HasRoom = state {
                *state = State::Full { tried_at: None };
            }
        });
    }

    /// What was written needed a new page.
    pub fn note_room(&self) {
        self.change(|state| *state = State::HasRoom);
    }

    /// Whether the caller should try. Others should not, for a second.
    pub fn begin_try(&self) -> Try {
        self.change(|state| match state {
            State::HasRoom => Try::NotNeeded,
            State::Full { tried_at: Some(at) } if at.elapsed() < REST => Try::NotYet,
            State::Full { tried_at } => {
                *tried_at = Some(Instant::now());
                Try::Now
            }
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Each change is one assignment, so the state is whole even after a panic.
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
