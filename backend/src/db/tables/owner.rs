//! Owner rows: the buckets that a reviews database owns; they overrule the shard map.
//!
//! Every write needs a [`WriteAccess`], every read [`require_readable`]: so a process with an
//! outdated map can't use the wrong database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use diesel::prelude::*;

use crate::db::dialect::engine::{Connection, insert_rows, on_each_engine};
use crate::db::dialect::locks::lock_shared;
use crate::db::dialect::owner_cache::{OwnerRows, owner_rows_version};
use crate::db::error::QueryError;
use crate::db::schema::{bucket_change, bucket_owner};
use crate::shard::Bucket;

pub use crate::db::dialect::buckets::OwnedBuckets;
pub use crate::db::dialect::owner_cache::{OwnerCache, OwnerRow, OwnerState};

/// The right to change the reviews of some buckets in this transaction: every function that changes
/// reviews requires it. While a bucket is being copied to another database, it also marks the
/// changed reviews.
pub struct WriteAccess(BTreeMap<i16, Result<OwnerState, Denied>>);

/// Why a bucket can't be written at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denied {
    Frozen,
    Moved,
}

impl WriteAccess {
    /// Takes the shared locks of these buckets, in order, then reads their owner rows: those that
    /// this database has owned since the given epochs can be changed until the transaction ends.
    pub fn acquire(
        connection: &mut Connection,
        known: &OwnerCache,
        buckets: impl Iterator<Item = (Bucket, i64)>,
    ) -> Result<WriteAccess, QueryError> {
        let epochs: BTreeMap<i16, (Bucket, i64)> =
            buckets.map(|(bucket, epoch)| (bucket.number(), (bucket, epoch))).collect();
        let buckets: Vec<Bucket> = epochs.values().map(|&(bucket, _)| bucket).collect();
        lock_shared(connection, &buckets)?;
        let rows = rows(connection, known, &buckets)?;
        let access = |(number, (bucket, epoch)): (i16, (Bucket, i64))| {
            let access = match rows.of(bucket) {
                Some(OwnerRow { epoch: since, .. }) if since != epoch => Err(Denied::Moved),
                Some(OwnerRow { state: OwnerState::Frozen, .. }) => Err(Denied::Frozen),
                Some(OwnerRow {
                    state: state @ (OwnerState::Owned | OwnerState::Moving), ..
                }) => Ok(state),
                _ => Err(Denied::Moved),
            };
            (number, access)
        };
        Ok(WriteAccess(epochs.into_iter().map(access).collect()))
    }

    /// Fails with [`QueryError::Frozen`] or [`QueryError::Moved`] unless the bucket can be changed.
    pub fn require(&self, bucket: Bucket) -> Result<(), QueryError> {
        match self.0.get(&bucket.number()) {
            Some(Ok(_)) => Ok(()),
            Some(Err(Denied::Frozen)) => Err(QueryError::Frozen(bucket)),
            Some(Err(Denied::Moved)) | None => Err(QueryError::Moved(bucket)),
        }
    }

    /// [`WriteAccess::require`] for the bucket number of a row.
    pub(in crate::db) fn require_number(&self, bucket: i16) -> Result<(), QueryError> {
        let number = Bucket::new(bucket);
        self.require(number.ok_or_else(|| QueryError::CorruptData(format!("bucket {bucket}")))?)
    }

    /// Marks these reviews (bucket, review, product) as changed if their bucket moves. Each
    /// function that changes rows calls it, with every review that it touches.
    pub(in crate::db) fn note(
        &self,
        connection: &mut Connection,
        changed: impl Iterator<Item = (i16, i64, i64)>,
    ) -> Result<(), QueryError> {
        let mut marks = Vec::new();
        for (bucket, review_id, product_id) in changed {
            match self.0.get(&bucket) {
                Some(Ok(OwnerState::Moving)) => {
                    let mark = fastrand::i64(..);
                    marks.push(ChangeRow { bucket, review_id, mark, product_id });
                }
                _ => self.require_number(bucket)?,
            }
        }
        insert_rows!(connection, bucket_change::table, &marks);
        Ok(())
    }
}

/// The mark of a review that changed while its bucket moves.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bucket_change)]
pub struct ChangeRow {
    pub bucket: i16,
    pub review_id: i64,
    /// A random number that identifies this change.
    pub mark: i64,
    pub product_id: i64,
}

/// Fails with [`QueryError::Moved`] unless this database has all reviews of the buckets since the
/// epochs by which the caller routed. Call it in the snapshot that reads the reviews.
///
/// The epoch counts because the target of a move becomes readable before the move is decided.
pub fn require_readable(
    connection: &mut Connection,
    known: &OwnerCache,
    owned: &OwnedBuckets,
) -> Result<(), QueryError> {
    let rows = rows(connection, known, &owned.buckets)?;
    let is_readable = |(bucket, epoch): &(Bucket, i64)| {
        rows.of(*bucket).is_some_and(|row| row.state.is_readable() && row.epoch == *epoch)
    };
    match owned.routes().find(|route| !is_readable(route)) {
        Some((bucket, _)) => Err(QueryError::Moved(bucket)),
        None => Ok(()),
    }
}

/// [`require_readable`] for one bucket.
pub fn require_readable_bucket(
    connection: &mut Connection,
    known: &OwnerCache,
    bucket: Bucket,
    epoch: i64,
) -> Result<(), QueryError> {
    let row = rows(connection, known, &[bucket])?.of(bucket);
    match row.filter(|row| row.state.is_readable() && row.epoch == epoch) {
        Some(_) => Ok(()),
        None => Err(QueryError::Moved(bucket)),
    }
}

type StoredRow = (i16, String, i64, Option<i64>);

fn by_bucket(rows: Vec<StoredRow>) -> Result<HashMap<i16, OwnerRow>, QueryError> {
    rows.into_iter()
        .map(|(bucket, state, epoch, move_id)| {
            Ok((bucket, OwnerRow { state: OwnerState::parse(&state)?, epoch, move_id }))
        })
        .collect()
}

/// The owner rows of these buckets, possibly with those of others.
fn rows(
    connection: &mut Connection,
    known: &OwnerCache,
    buckets: &[Bucket],
) -> Result<Arc<OwnerRows>, QueryError> {
    let query = bucket_owner::table.select(bucket_owner::all_columns);
    let Some(version) = owner_rows_version(connection)? else {
        let numbers = buckets.iter().map(|bucket| bucket.number());
        let query = query.filter(bucket_owner::bucket.eq_any(numbers));
        let rows = on_each_engine!(connection, c => query.load(c))?;
        return Ok(Arc::new(OwnerRows { version: 0, by_bucket: by_bucket(rows)? }));
    };
    if let Some(rows) = known.get(version) {
        return Ok(rows);
    }
    let rows = by_bucket(query.load(connection)?)?;
    let rows = Arc::new(OwnerRows { version, by_bucket: rows });
    known.set(Arc::clone(&rows));
    Ok(rows)
}

/// Every owner row, by bucket.
pub fn all(connection: &mut Connection) -> Result<BTreeMap<i16, OwnerRow>, QueryError> {
    let rows = bucket_owner::table.select(bucket_owner::all_columns).load(connection)?;
    Ok(by_bucket(rows)?.into_iter().collect())
}

/// The owner row of a bucket.
pub fn find(connection: &mut Connection, bucket: Bucket) -> Result<Option<OwnerRow>, QueryError> {
    let row: Option<StoredRow> = bucket_owner::table
        .find(bucket.number())
        .select(bucket_owner::all_columns)
        .first(connection)
        .optional()?;
    Ok(by_bucket(row.into_iter().collect())?.into_values().next())
}

/// Adds the owner row of a bucket; this database must not have one.
pub fn insert(
    connection: &mut Connection,
    bucket: Bucket,
    row: OwnerRow,
) -> Result<(), QueryError> {
    let values = (
        bucket_owner::bucket.eq(bucket.number()),
        bucket_owner::state.eq(row.state.as_str()),
        bucket_owner::epoch.eq(row.epoch),
        bucket_owner::move_id.eq(row.move_id),
    );
    diesel::insert_into(bucket_owner::table).values(values).execute(connection)?;
    Ok(())
}

/// Replaces the owner row `from` of a bucket by `to`. Returns false, and changes nothing, if the
/// stored row differs from `from`.
pub fn update(
    connection: &mut Connection,
    bucket: Bucket,
    from: OwnerRow,
    to: OwnerRow,
) -> Result<bool, QueryError> {
    let row = bucket_owner::table
        .find(bucket.number())
        .filter(bucket_owner::state.eq(from.state.as_str()))
        .filter(bucket_owner::epoch.eq(from.epoch));
    let changes = (
        bucket_owner::state.eq(to.state.as_str()),
        bucket_owner::epoch.eq(to.epoch),
        bucket_owner::move_id.eq(to.move_id),
    );
    let changed = match from.move_id {
        Some(id) => {
            let row = row.filter(bucket_owner::move_id.eq(id));
            diesel::update(row).set(changes).execute(connection)?
        }
        None => {
            let row = row.filter(bucket_owner::move_id.is_null());
            diesel::update(row).set(changes).execute(connection)?
        }
    };
    Ok(changed == 1)
}

/// Removes the owner row of a bucket whose rows have been removed from this database.
pub fn delete(connection: &mut Connection, bucket: Bucket) -> Result<(), QueryError> {
    diesel::delete(bucket_owner::table.find(bucket.number())).execute(connection)?;
    Ok(())
}

/// Up to `limit` marks of a bucket.
pub fn changes(
    connection: &mut Connection,
    bucket: Bucket,
    limit: i64,
) -> Result<Vec<ChangeRow>, QueryError> {
    Ok(bucket_change::table
        .filter(bucket_change::bucket.eq(bucket.number()))
        .order((bucket_change::review_id, bucket_change::mark))
        .limit(limit)
        .select(ChangeRow::as_select())
        .load(connection)?)
}

/// Removes exactly these marks of a bucket: the same reviews may have got new marks since.
pub fn delete_changes(
    connection: &mut Connection,
    bucket: Bucket,
    changes: &[ChangeRow],
) -> Result<(), QueryError> {
    let marks = changes.iter().map(|change| change.mark);
    let read = bucket_change::table
        .filter(bucket_change::bucket.eq(bucket.number()))
        .filter(bucket_change::mark.eq_any(marks));
    diesel::delete(read).execute(connection)?;
    Ok(())
}

/// Removes all marks of a bucket.
pub fn delete_all_changes(connection: &mut Connection, bucket: Bucket) -> Result<(), QueryError> {
    diesel::delete(bucket_change::table.filter(bucket_change::bucket.eq(bucket.number())))
        .execute(connection)?;
    Ok(())
}
