//! The clock of this process, which dates reviews in SQLite files.
//!
//! Also says which times an id can have, and from when on an id counts as ahead of the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use ostrakon_shared::ReviewId;

/// The maximum time, in milliseconds, by which dates may be ahead of a correct clock. Clocks that
/// are synchronized over the network differ by less.
pub(in crate::store) const MAX_AHEAD_MS: i64 = 5_000;

/// The system clock, with an offset for tests that clones share.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        Timestamp::now().as_millisecond() + self.0.load(Ordering::Relaxed)
    }

    /// Sets the offset in milliseconds.
    pub fn set_offset_ms(&self, offset: i64) {
        self.0.store(offset, Ordering::Relaxed);
    }
}

impl PartialEq for Clock {
    fn eq(&self, other: &Clock) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.load(Ordering::Relaxed) == other.0.load(Ordering::Relaxed)
    }
}

impl Eq for Clock {}

/// The lowest id of this time; 0 before 2000, `i64::MAX` after the last time that ids represent.
pub(in crate::store) fn first_number_at(unix_ms: i64) -> i64 {
    let outside = if unix_ms < ReviewId::EPOCH_UNIX_MS { 0 } else { i64::MAX };
    ReviewId::first_number_at(unix_ms).unwrap_or(outside)
}

/// The lowest id that is dated ahead of a clock.
pub(in crate::store) fn first_ahead(now_ms: i64) -> i64 {
    first_number_at(now_ms.saturating_add(MAX_AHEAD_MS))
}

/// A time as text, for messages.
pub(in crate::store) fn format(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| format!("{unix_ms} ms"), |it| it.to_string())
}

/// The problem of a clock whose time ids can't represent.
pub(in crate::store) fn problem(whose: &str, now_ms: i64) -> Option<String> {
    ReviewId::first_number_at(now_ms).is_none().then(|| {
        format!(
            "the clock of {whose} shows {}, but reviews are dated from 2000 to 2069: set the clock",
            format(now_ms)
        )
    })
}
