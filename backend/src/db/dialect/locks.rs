//! Locks of single rows, so that what a transaction has read stays true until it writes.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use twox_hash::XxHash3_64;

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;

/// A resource that one transaction at a time may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
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
        };
        let hash = XxHash3_64::oneshot(&id.to_be_bytes()) >> 16;
        ((LOCK_KEYS + kind) << 48) | hash.cast_signed()
    }
}

/// The upper 16 bits of the keys of advisory locks: `Or`, so that they differ from other programs'.
pub(super) const LOCK_KEYS: i64 = 0x4f72;

/// Waits until no other transaction holds this lock, and holds it until the transaction ends. On SQLite
/// there is only one writing transaction at a time.
pub fn lock(connection: &mut Connection, lock: Lock) -> Result<(), QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    let taken = diesel::sql_query("SELECT pg_advisory_xact_lock($1)");
    taken.bind::<BigInt, _>(lock.key()).execute(postgres)?;
    Ok(())
}
