//! `verify`: recounts all ratings, and checks the bucket and database of each row.
//!
//! Rows are read in the order of products and dropped once their product is counted, so that memory
//! holds a few thousand rows at a time.

use std::collections::{BTreeMap, HashSet};

use ostrakon_shared::{ProductId, Rating, ReviewId};

use crate::db::cluster::{self, StoredMap};
use crate::db::owner::{self, OwnerState};
use crate::db::ratings::{RatingRow, Visibility};
use crate::db::{Connection, Database, QueryError, inspect, without_time_limit};
use crate::db::{products, ratings};
use crate::shard::{Bucket, DatabaseIndex, bucket_of, home_buckets};
use crate::store::cluster::Cluster;
use crate::store::error::StoreError;
use crate::store::routing::Routing;

const ROWS_PER_QUERY: i64 = 10_000;
/// The maximum number of reported problems.
const MAX_PROBLEMS: usize = 1_000;

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The number of checked reviews.
    pub reviews: u64,
    /// The number of problems.
    pub problem_count: u64,
    /// The first thousand problems, one line each.
    pub problems: Vec<String>,
}

impl VerifyReport {
    /// A result with one problem.
    pub fn of(problem: String) -> VerifyReport {
        let mut report = VerifyReport::default();
        report.add(problem);
        report
    }

    fn add(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }
}

impl Cluster<'_> {
    /// Verifies a reviews database in one snapshot; `progress` gets the number of reviews since the
    /// last call.
    pub fn verify(
        &self,
        index: DatabaseIndex,
        progress: impl Fn(u64),
    ) -> Result<VerifyReport, StoreError> {
        let routing = self.routing();
        let map = routing.default().read_latest(cluster::shard_map)?;
        let request = routing.database(index);
        let database = request.database;
        Ok(request.read_latest(|connection| {
            let (in_motion, report) = (HashSet::new(), VerifyReport::default());
            let check = Check { routing, database, map: &map, in_motion, report };
            check.run(connection, &progress)
        })?)
    }
}

struct Check<'a> {
    routing: Routing<'a>,
    database: &'a Database,
    map: &'a StoredMap,
    /// Buckets that are moving: their rows here may be incomplete, or not removed yet.
    in_motion: HashSet<i16>,
    report: VerifyReport,
}

/// Recounted ratings, by product and bucket.
type Counts = BTreeMap<(i64, i16), RatingRow>;

impl Check<'_> {
    fn run(
        mut self,
        connection: &mut Connection,
        progress: &impl Fn(u64),
    ) -> Result<VerifyReport, QueryError> {
        without_time_limit(connection)?;
        for line in inspect::integrity_errors(connection)? {
            self.found(&line);
        }
        self.check_owner_rows(connection)?;
        self.check_reviews(connection, progress)?;
        let limit = MAX_PROBLEMS as i64;
        for (product, key) in inspect::orphaned_keys(connection, limit)? {
            self.found(&format!("Idempotency-Key {key:?} of product {product} has no review"));
        }
        for id in inspect::miscounted_reports(connection, limit)? {
            self.found(&format!("review {}: its number of open reports is wrong", text(id)));
        }
        Ok(self.report)
    }

    fn found(&mut self, problem: &str) {
        self.report.add(format!("{}: {problem}", self.database.name()));
    }

    /// Compares the owner rows with the shard map. A bucket may move meanwhile: then the map
    /// differs before and after the rows are read, or the row's state says so.
    fn check_owner_rows(&mut self, connection: &mut Connection) -> Result<(), QueryError> {
        let rows = owner::all(connection)?;
        let after = self.routing.default().read_latest(cluster::shard_map);
        let after = after.map_err(|error| QueryError::CorruptData(error.to_string()))?;
        for bucket in Bucket::all() {
            let row = rows.get(&bucket.number());
            let owned_since = row.filter(|row| row.state.is_readable()).map(|row| row.epoch);
            let (owner, epoch) = self.owner(bucket);
            let expected = (owner == self.database.name()).then_some(*epoch);
            let is_moving = row.is_some_and(|row| row.state != OwnerState::Owned)
                || after.owners.get(usize::from(bucket.get())) != Some(self.owner(bucket));
            let is_unreadable = row.is_some_and(|row| !row.state.is_readable());
            if is_unreadable || is_moving && owned_since != expected {
                self.in_motion.insert(bucket.number());
            } else if owned_since != expected {
                self.found(&format!(
                    "bucket {bucket} is owned since epoch {owned_since:?} by its owner row, \
                     since {expected:?} by the shard map"
                ));
            }
        }
        Ok(())
    }

    fn owner(&self, bucket: Bucket) -> &(String, i64) {
        &self.map.owners[usize::from(bucket.get())]
    }

    /// Checks the location of each review, and all ratings.
    fn check_reviews(
        &mut self,
        connection: &mut Connection,
        progress: &impl Fn(u64),
    ) -> Result<(), QueryError> {
        let mut counts = Counts::new();
        // Ratings up to this product have been checked.
        let mut checked = i64::MIN;
        let mut after = (0, 0);
        loop {
            let mut rows = inspect::reviews_after(connection, after, ROWS_PER_QUERY)?;
            let Some(last) = rows.last() else { break };
            after = (last.product_id, last.id);
            let products = self.products(&rows)?;
            rows.retain(|row| !self.in_motion.contains(&row.bucket));
            for row in &rows {
                if let Some(problem) = self.misplaced(row, &products) {
                    self.found(&format!("review {}: {problem}", text(row.id)));
                }
                counts
                    .entry((row.product_id, row.bucket))
                    .or_insert_with(|| RatingRow::empty(row.bucket, row.product_id))
                    .add(visibility(row), 1);
            }
            self.report.reviews += rows.len() as u64;
            progress(rows.len() as u64);
            // The last product may have more reviews.
            if after.0 - 1 > checked {
                self.check_ratings(connection, &mut counts, checked, after.0 - 1)?;
                checked = after.0 - 1;
            }
        }
        self.check_ratings(connection, &mut counts, checked, i64::MAX)
    }

    /// The existing products of these reviews.
    fn products(&self, rows: &[inspect::ReviewPlacement]) -> Result<HashSet<i64>, QueryError> {
        let mut ids: Vec<_> =
            rows.iter().filter_map(|row| ProductId::new(row.product_id)).collect();
        // The rows are in the order of products.
        ids.dedup();
        let existing = self
            .routing
            .default()
            .read_latest(|connection| products::existing(connection, &ids))
            .map_err(|error| QueryError::CorruptData(format!("products can't be read: {error}")))?;
        Ok(existing.into_iter().map(ProductId::get).collect())
    }

    fn misplaced(&self, row: &inspect::ReviewPlacement, products: &HashSet<i64>) -> Option<String> {
        let (Some(id), Some(product)) = (ReviewId::new(row.id), ProductId::new(row.product_id))
        else {
            return Some(format!(
                "the review id {} or the product id {} is out of range",
                row.id, row.product_id
            ));
        };
        let bucket = bucket_of(id);
        if row.bucket != bucket.number() {
            Some(format!("stored in bucket {}, its hash says {bucket}", row.bucket))
        } else if !home_buckets(product, self.routing.shards.spread).any(|home| home == bucket) {
            Some(format!("bucket {bucket} is not a home bucket of product {product}"))
        } else if self.owner(bucket).0 != self.database.name() {
            Some(format!("bucket {bucket} belongs to {}", self.owner(bucket).0))
        } else if !products.contains(&row.product_id) {
            Some(format!("there is no product {product}"))
        } else {
            None
        }
    }

    /// Compares the ratings of products after `after` up to `last` with the counts, and removes
    /// these.
    fn check_ratings(
        &mut self,
        connection: &mut Connection,
        counts: &mut Counts,
        after: i64,
        last: i64,
    ) -> Result<(), QueryError> {
        let mut place = (after, i16::MAX);
        loop {
            let stored = ratings::after(connection, place, last, ROWS_PER_QUERY)?;
            let Some(end) = stored.last() else { break };
            place = (end.product_id, end.bucket);
            for kept in &stored {
                if self.in_motion.contains(&kept.bucket) {
                    continue;
                }
                let counted = counts.remove(&(kept.product_id, kept.bucket));
                self.compare(kept, counted.as_ref());
            }
        }
        let rest = counts.split_off(&(last.saturating_add(1), i16::MIN));
        for counted in std::mem::replace(counts, rest).values() {
            self.compare(&RatingRow::empty(counted.bucket, counted.product_id), Some(counted));
        }
        Ok(())
    }

    fn compare(&mut self, kept: &RatingRow, counted: Option<&RatingRow>) {
        let (product, bucket) = (kept.product_id, kept.bucket);
        let empty = RatingRow::empty(bucket, product);
        let counted = counted.unwrap_or(&empty);
        if counted != kept {
            self.found(&format!(
                "rating of product {product} in bucket {bucket}: \
                 stored {:?} and {} hidden, counted {:?} and {} hidden",
                kept.counts(),
                kept.hidden,
                counted.counts(),
                counted.hidden
            ));
        }
    }
}

/// The visibility of a row; invalid rows count as hidden.
fn visibility(row: &inspect::ReviewPlacement) -> Visibility {
    let stars = row.rating.and_then(|stars| u8::try_from(stars).ok());
    let rating = stars.and_then(|stars| Rating::try_from(stars).ok());
    row.status.parse().map_or(Visibility::Hidden, |status| Visibility::of(status, rating))
}

fn text(id: i64) -> String {
    ReviewId::new(id).map_or_else(|| id.to_string(), |id| id.to_string())
}
