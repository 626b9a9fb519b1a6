//! Splits a batch into transactions: one for all reviews, unless something fails.
//!
//! If a query fails, the transaction is rolled back and each review is written by itself, so that
//! only the faulty one fails. After a lock timeout, each product gets its own transaction, so that
//! only reviews of the locked product fail. Until one of these succeeds, later reviews of that
//! product are written separately, and for some seconds with a short lock timeout, so that they
//! don't delay each batch. A batch that exceeds its deadline fails.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use ostrakon_shared::ProductId;

use crate::db::DbError;
use crate::shard::DatabaseIndex;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::store::reviews::batch::BatchFailure;
use crate::store::reviews::draft::{Draft, Outcome};

/// How many ids a write tries after conflicts. Two processes choose the same id once in millions of
/// years; several conflicts in a row have another cause.
const MAX_ID_ATTEMPTS: usize = 8;

/// The deadline of a batch, in lock timeouts; the first transaction may use one.
const DEADLINE_LOCK_TIMEOUTS: u32 = 2;
/// The divisor of the lock timeout of a product after a full lock timeout.
const LOCK_WAIT_DIVISOR: u32 = 10;
/// The divisor for a product that has recently exceeded a lock timeout.
const REPEATED_WAIT_DIVISOR: u32 = 500;
/// How long ago the lock timeout may be for [`REPEATED_WAIT_DIVISOR`] to apply.
const REPEAT_WINDOW: Duration = Duration::from_secs(5);

/// The products of a database whose last attempt ended in a lock timeout, and when an attempt last
/// waited for as long as [`LOCK_WAIT_DIVISOR`] allows.
pub(in crate::store) type LockedProducts = HashMap<ProductId, Instant>;

/// The state of a batch.
struct Attempts<'a> {
    reviews: Reviews<'a>,
    database: DatabaseIndex,
    drafts: &'a [&'a Draft],
    deadline: Instant,
    /// The outcomes so far.
    outcomes: Vec<Option<Outcome>>,
}

impl Reviews<'_> {
    /// Writes reviews of one database; returns their outcomes in order.
    pub(super) fn write_drafts(
        &self,
        database: DatabaseIndex,
        drafts: &[&Draft],
        locked: &mut LockedProducts,
    ) -> Vec<Outcome> {
        let checks = match self.reviewable(drafts) {
            Ok(checks) => checks,
            Err(error) => return drafts.iter().map(|_| Err(error.clone())).collect(),
        };
        let accepted: Vec<&Draft> = drafts
            .iter()
            .zip(&checks)
            .filter(|(_, check)| check.is_ok())
            .map(|(&d, _)| d)
            .collect();
        let attempts = Attempts {
            reviews: *self,
            database,
            drafts: &accepted,
            deadline: Instant::now()
                + self.shared.shards.database(database).lock_timeout() * DEADLINE_LOCK_TIMEOUTS,
            outcomes: accepted.iter().map(|_| None).collect(),
        };
        let mut outcomes = attempts.write(locked).into_iter();
        let result =
            |check: Result<(), _>| check.and_then(|()| outcomes.next().unwrap_or_else(not_written));
        checks.into_iter().map(result).collect()
    }

    /// Writes one review in its own transaction; also returns whether its database is unavailable.
    fn write_single(&self, database: DatabaseIndex, draft: &Draft) -> (Outcome, bool) {
        let map = self.shared.shards.map();
        for _ in 0..MAX_ID_ATTEMPTS {
            match self.try_batch(&map, database, &[draft], None) {
                Ok(mut results) => return (results.swap_remove(0), false),
                Err(BatchFailure { error: DbError::Conflict { .. }, .. }) => {}
                Err(BatchFailure { error, is_query_error }) => {
                    return (Err(error.into()), !is_query_error);
                }
            }
        }
        let problem = format!("{MAX_ID_ATTEMPTS} ids of bucket {} were taken", draft.bucket);
        (Err(StoreError::Internal(problem)), false)
    }
}

impl Attempts<'_> {
    fn write(mut self, locked: &mut LockedProducts) -> Vec<Outcome> {
        let (apart, together): (Vec<usize>, Vec<usize>) =
            (0..self.drafts.len()).partition(|&at| locked.contains_key(&self.drafts[at].product));
        match self.try_together(&together, None) {
            Ok(()) => self.write_by_product(&apart, locked),
            Err(BatchFailure { error: DbError::Locked { .. }, is_query_error: true }) => {
                let all: Vec<usize> = (0..self.drafts.len()).collect();
                self.write_by_product(&all, locked);
            }
            Err(BatchFailure { is_query_error: true, .. }) => {
                self.write_each(&together, locked);
                self.write_by_product(&apart, locked);
            }
            Err(BatchFailure { error, .. }) => {
                let all: Vec<usize> = (0..self.drafts.len()).collect();
                self.fail(&all, &error.into());
            }
        }
        self.outcomes.into_iter().map(|written| written.unwrap_or_else(not_written)).collect()
    }

    /// Writes the reviews with these indices in one transaction.
    fn try_together(
        &mut self,
        indices: &[usize],
        lock_wait: Option<Duration>,
    ) -> Result<(), BatchFailure> {
        if indices.is_empty() {
            return Ok(());
        }
        let drafts: Vec<&Draft> = indices.iter().map(|&at| self.drafts[at]).collect();
        let map = self.reviews.shared.shards.map();
        let written = self.reviews.try_batch(&map, self.database, &drafts, lock_wait)?;
        for (&at, written) in indices.iter().zip(written) {
            self.outcomes[at] = Some(written);
        }
        Ok(())
    }

    /// Writes the reviews of each product in one transaction, with a short lock timeout.
    fn write_by_product(&mut self, indices: &[usize], locked: &mut LockedProducts) {
        let mut by_product: BTreeMap<ProductId, Vec<usize>> = BTreeMap::new();
        for &at in indices {
            by_product.entry(self.drafts[at].product).or_default().push(at);
        }
        let lock_timeout = self.reviews.shared.shards.database(self.database).lock_timeout();
        for (product, indices) in by_product {
            if self.is_too_late(&indices) {
                continue;
            }
            let began = Instant::now();
            let waited_at = locked.get(&product).copied();
            let waited_at = waited_at.filter(|at| began.duration_since(*at) < REPEAT_WINDOW);
            let divisor =
                if waited_at.is_some() { REPEATED_WAIT_DIVISOR } else { LOCK_WAIT_DIVISOR };
            match self.try_together(&indices, Some(lock_timeout / divisor)) {
                Ok(()) => {
                    locked.remove(&product);
                }
                Err(BatchFailure { error: error @ DbError::Locked { .. }, .. }) => {
                    locked.insert(product, waited_at.unwrap_or_else(Instant::now));
                    self.fail(&indices, &error.into());
                }
                Err(BatchFailure { is_query_error: true, .. }) => self.write_each(&indices, locked),
                Err(BatchFailure { error, .. }) => self.fail(&indices, &error.into()),
            }
        }
    }

    /// Writes each review by itself, until the database becomes unavailable.
    fn write_each(&mut self, indices: &[usize], locked: &mut LockedProducts) {
        let mut rest = indices;
        while let [at, others @ ..] = rest {
            rest = others;
            let draft = self.drafts[*at];
            if self.is_too_late(&[*at]) {
                continue;
            }
            if locked.contains_key(&draft.product) {
                self.fail(&[*at], &self.locked_error());
                continue;
            }
            let (written, is_unavailable) = self.reviews.write_single(self.database, draft);
            if let (true, Err(error)) = (is_unavailable, &written) {
                self.fail(rest, error);
                rest = &[];
            }
            if matches!(written, Err(StoreError::Locked(_))) {
                locked.insert(draft.product, Instant::now());
            }
            self.outcomes[*at] = Some(written);
        }
    }

    /// Whether the deadline has passed; if so, fails the reviews with these indices.
    fn is_too_late(&mut self, indices: &[usize]) -> bool {
        let is_too_late = Instant::now() > self.deadline;
        if is_too_late {
            self.fail(indices, &self.locked_error());
        }
        is_too_late
    }

    fn locked_error(&self) -> StoreError {
        StoreError::Locked(self.reviews.shared.shards.name(self.database).to_owned())
    }

    fn fail(&mut self, indices: &[usize], error: &StoreError) {
        for &at in indices {
            self.outcomes[at] = Some(Err(error.clone()));
        }
    }
}

fn not_written() -> Outcome {
    Err(StoreError::Internal("a review was not written".to_owned()))
}
