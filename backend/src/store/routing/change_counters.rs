//! What this process has changed, for caches of answers.

use std::sync::atomic::{AtomicU64, Ordering};

use ostrakon_shared::{ProductId, ReviewId};
use twox_hash::XxHash3_64;

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A product, with all of its reviews.
    Product(ProductId),
    /// One review.
    Review(ReviewId),
}

impl Subject {
    fn hash(self) -> u64 {
        let (kind, id) = match self {
            Subject::Product(id) => (0, id.get()),
            Subject::Review(id) => (1, id.get()),
        };
        XxHash3_64::oneshot_with_seed(kind, &id.to_be_bytes())
    }
}

/// So many counters that two subjects hardly ever share one; if they do, a change of one of them
/// counts as a change of both.
const COUNTERS: usize = 1 << 16;

/// Counts this process's changes.
///
/// A change is counted when it is committed, and before anybody hears so. An answer is read after
/// its revision is: so one that has the current revision lacks nothing that was acknowledged.
pub(in crate::store) struct ChangeCounters(Box<[AtomicU64]>);

impl ChangeCounters {
    /// Nothing has changed.
    pub fn new() -> ChangeCounters {
        ChangeCounters((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }

    /// How often this, or what shares its counter, has changed.
    pub fn get(&self, subject: Subject) -> u64 {
        self.counter(subject).load(Ordering::Acquire)
    }

    /// Counts a change.
    pub fn bump(&self, subject: Subject) {
        self.counter(subject).fetch_add(1, Ordering::AcqRel);
    }

    fn counter(&self, subject: Subject) -> &AtomicU64 {
        &self.0[subject.hash() as usize % COUNTERS]
    }
}
