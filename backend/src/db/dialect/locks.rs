//! Locks of single rows, so that what a transaction has read stays true until it writes.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use twox_hash::XxHash3_64;

use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::shard::Bucket;

/// A resource that one transaction at a time may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// The owner row of a bucket, which writers of its reviews keep as it is.
    Bucket(Bucket),
    /// The plans and leases of rebalances.
    Rebalance,
    /// A review, with its rating row, reports and history.
    Review(i64),
    Product(i64),
    /// An account, with its sessions and tokens.
    Account(i64),
    /// The roles of admins.
    Admins,
    /// The names of accounts.
    Names,
}

impl Lock {
    /// The key of PostgreSQL's advisory lock. Two locks that share one by chance only wait for
    /// each other.
    fn key(self) -> i64 {
        let (kind, id) = match self {
            Lock::Review(id) => (1, id),
            Lock::Product(id) => (2, id),
            Lock::Account(id) => (3, id),
            Lock::Admins => (4, 0),
            Lock::Names => (5, 0),
            Lock::Bucket(bucket) => (6, bucket.get().into()),
            Lock::Rebalance => (7, 0),
        };
        let hash = XxHash3_64::oneshot(&id.to_be_bytes()) >> 16;
        ((LOCK_KEYS + kind) << 48) | hash.cast_signed()
    }
}

/// The upper 16 bits of the keys of advisory locks: `Or`, so that they differ from other programs'.
pub(super) const LOCK_KEYS: i64 = 0x4f72;

/// Waits until no other transaction holds this lock, and holds it until the transaction ends. On
/// SQLite there is only one writing transaction at a time.
pub fn lock(connection: &mut Connection, lock: Lock) -> Result<(), QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    let taken = diesel::sql_query("SELECT pg_advisory_xact_lock($1)");
    taken.bind::<BigInt, _>(lock.key()).execute(postgres)?;
    Ok(())
}

/// Waits until no transaction holds [`Lock::Bucket`] of these buckets, and keeps others from taking
/// it until this transaction ends; many transactions may do so at once. Rows must be read by a
/// later query, because a query sees what was committed before it began to wait.
pub fn lock_shared(connection: &mut Connection, buckets: &[Bucket]) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    let mut keys: Vec<i64> = buckets.iter().map(|&bucket| Lock::Bucket(bucket).key()).collect();
    keys.sort_unstable();
    // A volatile function is not optimized away.
    let taken = sql::<BigInt>(
        "(SELECT count(*) FROM (SELECT pg_advisory_xact_lock_shared(key) FROM unnest(",
    );
    let taken = taken.bind::<Array<BigInt>, _>(keys).sql(") AS key OFFSET 0) AS taken)");
    KeepPrepared(diesel::select(taken)).get_result::<i64>(postgres)?;
    Ok(())
}
