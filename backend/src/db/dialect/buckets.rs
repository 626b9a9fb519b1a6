//! The buckets that a database owns, as conditions of queries.

use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, SmallInt};

use crate::db::dialect::conditions::ReviewCondition;
use crate::db::dialect::engine::Connection;
use crate::db::schema::review;
use crate::shard::Bucket;

/// The buckets of a query, which the database owns by the shard map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBuckets {
    pub buckets: Vec<Bucket>,
    /// The epochs by which the caller routed, one for each bucket.
    pub epochs: Vec<i64>,
    /// Whether the engine routes by them itself: see [`crate::db::Database::routes_itself`].
    pub routed_by_engine: bool,
}

impl OwnedBuckets {
    pub fn has(&self, bucket: i16) -> bool {
        self.buckets.iter().any(|owned| owned.number() == bucket)
    }

    pub(in crate::db) fn routes(&self) -> impl Iterator<Item = (Bucket, i64)> {
        self.buckets.iter().copied().zip(self.epochs.iter().copied())
    }
}

/// The condition that a review lies in one of these buckets.
pub(in crate::db) fn in_buckets(connection: &Connection, owned: &OwnedBuckets) -> ReviewCondition {
    match connection {
        // The plus keeps it from using the index of buckets: most reviews of the database match.
        Connection::Sqlite(_) => Box::new(sql::<SmallInt>("+review.bucket").eq_any(numbers(owned))),
        Connection::Postgres(_) if owned.routed_by_engine => {
            Box::new(review::bucket.eq_any(numbers(owned)))
        }
        Connection::Postgres(_) => {
            let is_one = review::bucket.eq_any(numbers(owned));
            Box::new(case_when(is_one, true.into_sql::<Bool>()).otherwise(false.into_sql::<Bool>()))
        }
    }
}

/// The same condition for the reviews of a product whose home buckets these are: almost all match.
/// `None`: the caller compares the bucket of each row.
///
/// Both planners expect few matches, and would search by bucket and sort, or read all of a
/// product's reviews for one page, although its range of the table is already in order. So the
/// condition is hidden from PostgreSQL. SQLite gets none: it would also build a table of the list
/// for each page.
pub(in crate::db) fn in_home_buckets(
    connection: &Connection,
    owned: &OwnedBuckets,
) -> Option<ReviewCondition> {
    match connection {
        Connection::Sqlite(_) => None,
        Connection::Postgres(_) => Some(in_buckets(connection, owned)),
    }
}

fn numbers(owned: &OwnedBuckets) -> Vec<i16> {
    owned.buckets.iter().map(|bucket| bucket.number()).collect()
}
