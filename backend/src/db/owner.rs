//! Owner rows: a reviews database's own, last word on the buckets that it owns.

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
    let readable = readable(connection, buckets)?;
    match buckets.iter().find(|bucket| !readable.contains(&bucket.number())) {
        Some(&bucket) => Err(QueryError::Moved(bucket)),
        None => Ok(()),
    }
}

/// As many buckets as SQLite finds one by one in less time than all at once: it makes a table of its
/// own for each list in a query.
const FEW: usize = 16;

/// Those of `buckets` that are readable here.
fn readable(connection: &mut Connection, buckets: &[Bucket]) -> Result<Vec<i16>, QueryError> {
    if buckets.len() > FEW || matches!(connection, Connection::Postgres(_)) {
        let rows = bucket_owner::table
            .filter(bucket_owner::bucket.eq_any(buckets.iter().map(|bucket| bucket.number())))
            .filter(bucket_owner::state.eq_any(READABLE))
            .select(bucket_owner::bucket);
        return Ok(rows.load(connection)?);
    }
    let mut readable = Vec::new();
    for bucket in buckets {
        let row = bucket_owner::table.find(bucket.number()).select(bucket_owner::state);
        let state: Option<String> = row.first(connection).optional()?;
        if state.is_some_and(|state| READABLE.contains(&&*state)) {
            readable.push(bucket.number());
        }
    }
    Ok(readable)
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
