//! Owner rows: the buckets that a reviews database owns; they overrule the shard map.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use diesel::prelude::*;

use crate::db::dialect::buckets::owner_rows_version;
use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::error::QueryError;
use crate::db::tables::schema::bucket_owner;
use crate::shard::Bucket;

pub use crate::db::dialect::buckets::OwnedBuckets;

/// States in which a database holds all acknowledged reviews of a bucket.
const READABLE: [&str; 3] = ["owned", "moving", "frozen"];

/// Fails with [`QueryError::Moved`] unless this database has owned the bucket since `epoch` and accepts
/// writes. Must run in the writing transaction.
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

/// The buckets among these that are writable, with their epochs. Must run in the writing
/// transaction.
pub fn writable(
    connection: &mut Connection,
    known: &OwnerCache,
    buckets: &[Bucket],
) -> Result<HashMap<i16, i64>, QueryError> {
    let owners = owners(connection, known, buckets)?;
    let writable = |bucket: &Bucket| {
        let (state, epoch) = owners.of(*bucket)?;
        (state == "owned").then_some((bucket.number(), epoch))
    };
    Ok(buckets.iter().filter_map(writable).collect())
}

/// Fails with [`QueryError::Moved`] unless this database has all reviews of the buckets. Must run
/// in the reading snapshot.
pub fn require_readable(
    connection: &mut Connection,
    known: &OwnerCache,
    buckets: &[Bucket],
) -> Result<(), QueryError> {
    let owners = owners(connection, known, buckets)?;
    let is_readable =
        |&bucket: &Bucket| owners.of(bucket).is_some_and(|(state, _)| READABLE.contains(&state));
    match buckets.iter().find(|bucket| !is_readable(bucket)) {
        Some(&bucket) => Err(QueryError::Moved(bucket)),
        None => Ok(()),
    }
}

/// The cached owner rows of a SQLite file. A page of reviews needs several of them per file;
/// checking their version is faster than reading them.
#[derive(Default)]
pub struct OwnerCache(ArcSwapOption<OwnerRows>);

struct OwnerRows {
    /// The version of these rows.
    version: i64,
    /// By bucket: state and epoch.
    rows: HashMap<i16, (String, i64)>,
}

impl OwnerRows {
    fn of(&self, bucket: Bucket) -> Option<(&str, i64)> {
        let (state, epoch) = self.rows.get(&bucket.number())?;
        Some((state, *epoch))
    }
}

/// The owner rows of these buckets and possibly others.
fn owners(
    connection: &mut Connection,
    known: &OwnerCache,
    buckets: &[Bucket],
) -> Result<Arc<OwnerRows>, QueryError> {
    let columns = (bucket_owner::bucket, bucket_owner::state, bucket_owner::epoch);
    let rows = bucket_owner::table.select(columns);
    let by_bucket = |rows: Vec<(i16, String, i64)>| {
        rows.into_iter().map(|(bucket, state, epoch)| (bucket, (state, epoch))).collect()
    };
    let Some(version) = owner_rows_version(connection)? else {
        let rows = rows.filter(bucket_owner::bucket.eq_any(buckets.iter().map(|b| b.number())));
        let rows = on_each_engine!(connection, c => rows.load(c))?;
        return Ok(Arc::new(OwnerRows { version: 0, rows: by_bucket(rows) }));
    };
    if let Some(owners) = &*known.0.load()
        && owners.version == version
    {
        return Ok(Arc::clone(owners));
    }
    let owners = Arc::new(OwnerRows { version, rows: by_bucket(rows.load(connection)?) });
    known.0.store(Some(Arc::clone(&owners)));
    Ok(owners)
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
