//! Counts the changes by this process, to invalidate cached responses.
//!
//! Every write to a product or review must count here before it is acknowledged, or
//! `http/response/cache.rs` serves stale responses.

use std::sync::atomic::{AtomicU64, Ordering};

use ostrakon_shared::{ProductId, ReviewId};
use twox_hash::XxHash3_64;

/// The subject of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A product and all of its reviews.
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

/// The number of counters. Subjects that share one by chance invalidate each other.
const COUNTERS: usize = 1 << 16;

/// Counts the changes by this process.
///
/// A change is counted after its commit and before its acknowledgement. A response is read after
/// its counter, so a response with the current count contains all acknowledged changes.
pub(in crate::store) struct ChangeCounters(Box<[AtomicU64]>);

impl ChangeCounters {
    pub fn new() -> ChangeCounters {
        ChangeCounters((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }

    /// The change count of a subject.
    pub fn get(&self, subject: Subject) -> u64 {
        self.counter(subject).load(Ordering::Acquire)
    }

    pub fn bump(&self, subject: Subject) {
        self.counter(subject).fetch_add(1, Ordering::AcqRel);
    }

    fn counter(&self, subject: Subject) -> &AtomicU64 {
        &self.0[subject.hash() as usize % COUNTERS]
    }
}
