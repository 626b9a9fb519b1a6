//! `verify`: recounts every rating, and checks that every row lies where it belongs.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ostrakon_shared::{ProductId, Rating, ReviewId};

use super::{Store, StoreError};
use crate::db::ratings::{Counted, RatingRow};
use crate::db::{
    Connection, Database, QueryError, inspect, owner, products, ratings, without_time_limit,
};
use crate::shard::{Bucket, DatabaseIndex, ShardMap, bucket_of, home_buckets};

const ROWS_A_QUERY: i64 = 10_000;

/// What `verify` looked at, and what it found wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Reviews that were looked at.
    pub reviews: u64,
    /// One line a finding.
    pub problems: Vec<String>,
}

impl Store {
    /// Checks the reviews database at place `index`, on one snapshot; `progress` hears how many
    /// reviews it has looked at since it was last called.
    pub fn verify(
        &self,
        index: DatabaseIndex,
        progress: impl Fn(u64),
    ) -> Result<Report, StoreError> {
        let map = self.default().read_latest(crate::db::cluster::shard_map)?;
        let products = self.default().read_latest(products::all_ids)?.into_iter().collect();
        let request = self.database(index);
        let database = request.database;
        let check = Check { store: self, database, index, map: &map, products };
        Ok(request.read_latest(|connection| check.run(connection, &progress))?)
    }

    /// The reviews databases, in order.
    pub fn reviews_databases(&self) -> &[Arc<Database>] {
        &self.reviews
    }
}

struct Check<'a> {
    store: &'a Store,
    database: &'a Database,
    index: DatabaseIndex,
    map: &'a ShardMap,
    products: HashSet<i64>,
}

type Counts = BTreeMap<(i64, i16), RatingRow>;

impl Check<'_> {
    fn run(
        &self,
        connection: &mut Connection,
        progress: &impl Fn(u64),
    ) -> Result<Report, QueryError> {
        without_time_limit(connection)?;
        let mut report = Report::default();
        let name = self.database.name();
        let damage = inspect::damage(connection)?;
        report.problems.extend(damage.iter().map(|line| format!("{name}: {line}")));
        self.check_owner_rows(connection, &mut report)?;
        let recounted = self.check_places(connection, &mut report, progress)?;
        self.check_ratings(&recounted, ratings::all(connection)?, &mut report);
        for (product, key) in inspect::stray_keys(connection)? {
            let line =
                format!("{name}: Idempotency-Key {key:?} of product {product} has no review");
            report.problems.push(line);
        }
        for id in inspect::miscounted_reports(connection)? {
            let line = format!("{name}: review {}: its open reports are miscounted", text(id));
            report.problems.push(line);
        }
        Ok(report)
    }

    /// The owner rows against the shard map.
    fn check_owner_rows(
        &self,
        connection: &mut Connection,
        report: &mut Report,
    ) -> Result<(), QueryError> {
        let rows = owner::all(connection)?;
        for bucket in Bucket::all() {
            let row = rows.iter().find(|(number, ..)| *number == bucket.number());
            let held_since = row.filter(|(_, readable, _)| *readable).map(|(_, _, epoch)| *epoch);
            let owner = self.map.owner(bucket);
            let expected = (owner.database == self.index).then_some(owner.epoch);
            if held_since != expected {
                report.problems.push(format!(
                    "{}: bucket {bucket} is held since epoch {held_since:?} here, \
                     since {expected:?} by the shard map",
                    self.database.name()
                ));
            }
        }
        Ok(())
    }

    /// Every review's place; returns the ratings counted anew.
    fn check_places(
        &self,
        connection: &mut Connection,
        report: &mut Report,
        progress: &impl Fn(u64),
    ) -> Result<Counts, QueryError> {
        let mut counts = Counts::new();
        let mut after = (0, 0);
        loop {
            let rows = inspect::reviews_after(connection, after, ROWS_A_QUERY)?;
            let Some(last) = rows.last() else { return Ok(counts) };
            after = (last.product_id, last.id);
            for row in &rows {
                if let Some(problem) = self.misplaced(row) {
                    let name = self.database.name();
                    report.problems.push(format!("{name}: review {}: {problem}", text(row.id)));
                }
                counts
                    .entry((row.product_id, row.bucket))
                    .or_insert_with(|| RatingRow::empty(row.bucket, row.product_id))
                    .add(counted(row), 1);
            }
            report.reviews += rows.len() as u64;
            progress(rows.len() as u64);
        }
    }

    fn misplaced(&self, row: &inspect::Placed) -> Option<String> {
        let (Some(id), Some(product)) = (ReviewId::new(row.id), ProductId::new(row.product_id))
        else {
            return Some(format!("no id can be {}, no product's {}", row.id, row.product_id));
        };
        let bucket = bucket_of(id);
        if row.bucket != bucket.number() {
            Some(format!("stored in bucket {}, its hash says {bucket}", row.bucket))
        } else if !home_buckets(product, self.store.spread).any(|home| home == bucket) {
            Some(format!("bucket {bucket} is no home bucket of product {product}"))
        } else if self.map.owner(bucket).database != self.index {
            let owner = self.store.reviews[self.map.owner(bucket).database].name();
            Some(format!("bucket {bucket} belongs to {owner}"))
        } else if !self.products.contains(&row.product_id) {
            Some(format!("there is no product {product}"))
        } else {
            None
        }
    }

    fn check_ratings(&self, recounted: &Counts, stored: Vec<RatingRow>, report: &mut Report) {
        let stored: Counts =
            stored.into_iter().map(|row| ((row.product_id, row.bucket), row)).collect();
        let keys: std::collections::BTreeSet<_> = recounted.keys().chain(stored.keys()).collect();
        for &(product, bucket) in keys {
            let empty = RatingRow::empty(bucket, product);
            let [counted, kept] =
                [recounted, &stored].map(|counts| counts.get(&(product, bucket)).unwrap_or(&empty));
            if counted != kept {
                report.problems.push(format!(
                    "{}: rating of product {product} in bucket {bucket}: \
                     stored {:?} and {} hidden, counted {:?} and {} hidden",
                    self.database.name(),
                    kept.counts(),
                    kept.hidden,
                    counted.counts(),
                    counted.hidden
                ));
            }
        }
    }
}

/// As what a row is counted; one that no review can be is as good as hidden.
fn counted(row: &inspect::Placed) -> Counted {
    let stars = row.rating.and_then(|stars| u8::try_from(stars).ok());
    let rating = stars.and_then(|stars| Rating::try_from(stars).ok());
    row.status.parse().map_or(Counted::Hidden, |status| Counted::of(status, rating))
}

fn text(id: i64) -> String {
    ReviewId::new(id).map_or_else(|| id.to_string(), |id| id.to_string())
}
