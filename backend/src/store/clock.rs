//! The clock of this process, by which reviews in SQLite files are dated.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use ostrakon_shared::ReviewId;

/// How far a date may be ahead of a clock before that, or an earlier clock, counts as wrong, in
/// milliseconds. Below it, two clocks that are set over the network may differ.
pub(in crate::store) const MAX_AHEAD_MS: i64 = 5_000;

/// The system's clock. Clones share an offset, by which tests set it wrong.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        Timestamp::now().as_millisecond() + self.0.load(Ordering::Relaxed)
    }

    /// Sets the clock wrong by so many milliseconds.
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

/// The lowest number of an id of this time: 0 before ids begin, `i64::MAX` after they end.
pub(in crate::store) fn first_number_at(unix_ms: i64) -> i64 {
    let outside = if unix_ms < ReviewId::EPOCH_UNIX_MS { 0 } else { i64::MAX };
    ReviewId::first_number_at(unix_ms).unwrap_or(outside)
}

/// The lowest number of an id that is dated ahead of a clock.
pub(in crate::store) fn first_ahead(now_ms: i64) -> i64 {
    first_number_at(now_ms.saturating_add(MAX_AHEAD_MS))
}

/// A time as people read it.
pub(in crate::store) fn format(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms)
        .map_or_else(|_| format!("{unix_ms} ms"), |it| it.to_string())
}

/// What is wrong with a clock that ids can't be minted by; `None` when nothing is.
pub(in crate::store) fn problem(whose: &str, now_ms: i64) -> Option<String> {
    ReviewId::first_number_at(now_ms).is_none().then(|| {
        format!(
            "the clock of {whose} says {}: reviews are dated from 2000 to 2069, so set it right",
            format(now_ms)
        )
    })
}
