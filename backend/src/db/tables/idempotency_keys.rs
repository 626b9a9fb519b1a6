//! Idempotency keys as rows: under which key a review was created, so that a retried request finds
//! it.

use diesel::prelude::*;

use crate::db::dialect::engine::{Connection, insert_rows};
use crate::db::error::QueryError;
use crate::db::schema::idempotency_key;
use crate::db::tables::owner::WriteAccess;

pub use crate::db::dialect::lookups::{Replay, replays};

/// The key under which a review was created.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = idempotency_key)]
pub struct KeyRow {
    pub bucket: i16,
    pub product_id: i64,
    pub key: String,
    pub fingerprint: Vec<u8>,
    pub review_id: i64,
}

/// Fails with [`crate::db::DbError::Conflict`] if a key is already stored.
pub fn insert(
    connection: &mut Connection,
    access: &WriteAccess,
    rows: &[KeyRow],
) -> Result<(), QueryError> {
    access.note(connection, rows.iter().map(|row| (row.bucket, row.review_id, row.product_id)))?;
    insert_rows!(connection, idempotency_key::table, rows);
    Ok(())
}
