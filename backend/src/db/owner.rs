//! Owner rows: a reviews database's own, last word on the buckets that it owns.

use std::collections::HashMap;

use diesel::prelude::*;

use super::engine::Connection;
use super::error::QueryError;
use super::schema::bucket_owner;
use crate::shard::Bucket;

/// States in which a database holds all acknowledged reviews of a bucket.
const READABLE: [&str; 3] = ["owned", "moving", "frozen"];

/// Fails with [`QueryError::Moved`] unless this database takes writes to the bucket, and has
/// owned it since `epoch`. Must run in the transaction that writes.
pub fn require_writable(
    connection: &mut Connection,
    bucket: Bucket,
    epoch: i64,
) -> Result<(), QueryError> {
    let row: Option<(String, i64)> = bucket_owner::table
        .find(bucket.number())
        .select((bucket_owner::state, bucket_owner::epoch))
        .first(connection)
        .optional()?;
    match row {
        Some((state, since)) if state == "owned" && since == epoch => Ok(()),
        _ => Err(QueryError::Moved(bucket)),
    }
}

/// Those of `buckets` that this database takes writes to, with the epoch since which it owns them.
/// Must run in the transaction that writes.
pub fn writable(
    connection: &mut Connection,
    buckets: &[Bucket],
) -> Result<HashMap<i16, i64>, QueryError> {
    let states = states(connection, buckets)?.into_iter();
    let writable =
        |(bucket, state, epoch): (i16, String, i64)| (state == "owned").then_some((bucket, epoch));
    Ok(states.filter_map(writable).collect())
}

/// Buckets that a database owns by the shard map, as queries name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// Whether the engine routes by them itself: see [`super::Database::routes_itself`].
    pub routed_by_engine: bool,
}

impl Owned {
    /// Whether this bucket is one of them.
    pub fn has(&self, bucket: i16) -> bool {
        self.buckets.iter().any(|owned| owned.number() == bucket)
    }
}

/// Fails with [`QueryError::Moved`] unless this database holds all reviews of each bucket. Must
/// run in the snapshot that reads them.
pub fn require_readable(connection: &mut Connection, buckets: &[Bucket]) -> Result<(), QueryError> {
    let states = states(connection, buckets)?;
    let is_readable = |bucket: &Bucket| {
        let is_it = |(row, state, _): &(i16, String, i64)| {
            *row == bucket.number() && READABLE.contains(&&**state)
        };
        states.iter().any(is_it)
    };
    match buckets.iter().find(|bucket| !is_readable(bucket)) {
        Some(&bucket) => Err(QueryError::Moved(bucket)),
        None => Ok(()),
    }
}

/// As many buckets as SQLite finds one by one in less time than all at once: it makes a table of its
/// own for each list in a query.
const FEW: usize = 16;

/// The owner rows of these buckets: bucket, state, epoch.
fn states(
    connection: &mut Connection,
    buckets: &[Bucket],
) -> Result<Vec<(i16, String, i64)>, QueryError> {
    let columns = (bucket_owner::bucket, bucket_owner::state, bucket_owner::epoch);
    match connection {
        Connection::Sqlite(sqlite) if buckets.len() <= FEW => {
            let mut states = Vec::with_capacity(buckets.len());
            for bucket in buckets {
                let row = bucket_owner::table.find(bucket.number()).select(columns);
                states.extend(row.first(sqlite).optional()?);
            }
            Ok(states)
        }
        connection => {
            let numbers = buckets.iter().map(|bucket| bucket.number());
            let rows = bucket_owner::table.filter(bucket_owner::bucket.eq_any(numbers));
            Ok(rows.select(columns).load(connection)?)
        }
    }
}

/// Every owner row: bucket, whether its reviews are readable here, epoch.
pub fn all(connection: &mut Connection) -> Result<Vec<(i16, bool, i64)>, QueryError> {
    let rows: Vec<(i16, String, i64)> = bucket_owner::table
        .order(bucket_owner::bucket)
        .select((bucket_owner::bucket, bucket_owner::state, bucket_owner::epoch))
        .load(connection)?;
    let readable = |state: &str| READABLE.contains(&state);
    Ok(rows.into_iter().map(|(bucket, state, epoch)| (bucket, readable(&state), epoch)).collect())
}
