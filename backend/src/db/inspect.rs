//! The queries of `verify`, which read the place of every row without its text, and facts about a
//! database.

use diesel::prelude::*;

use crate::db::copy::tables;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::{server, storage};
use crate::db::error::QueryError;
use crate::db::migrate::Kind;
use crate::db::schema::{idempotency_key, review};

/// A review without its text.
#[derive(Clone, Debug, Queryable)]
pub struct ReviewPlacement {
    pub bucket: i16,
    pub id: i64,
    pub product_id: i64,
    /// 1 to 5.
    pub rating: Option<i16>,
    /// A [`ostrakon_shared::ReviewStatus`].
    pub status: String,
}

/// Up to `limit` reviews after (product, id), in that order.
pub fn reviews_after(
    connection: &mut Connection,
    (product_id, id): (i64, i64),
    limit: i64,
) -> Result<Vec<ReviewPlacement>, QueryError> {
    Ok(review::table
        .filter(review::product_id.ge(product_id))
        .filter(review::product_id.gt(product_id).or(review::id.gt(id)))
        .order((review::product_id, review::id))
        .limit(limit)
        .select((review::bucket, review::id, review::product_id, review::rating, review::status))
        .load(connection)?)
}

/// Up to `limit` idempotency keys whose review is in another bucket, or missing.
pub fn orphaned_keys(
    connection: &mut Connection,
    limit: i64,
) -> Result<Vec<(i64, String)>, QueryError> {
    let its_review = review::table
        .filter(review::bucket.eq(idempotency_key::bucket))
        .filter(review::id.eq(idempotency_key::review_id));
    Ok(idempotency_key::table
        .filter(diesel::dsl::not(diesel::dsl::exists(its_review)))
        .limit(limit)
        .select((idempotency_key::product_id, idempotency_key::key))
        .load(connection)?)
}

/// Up to `limit` reviews whose count of open reports differs from their reports.
pub fn miscounted_reports(connection: &mut Connection, limit: i64) -> Result<Vec<i64>, QueryError> {
    Ok(sql_query_ids(
        connection,
        &format!("SELECT id FROM review WHERE open_reports > 0 AND open_reports <> (
             SELECT count(*) FROM report
             WHERE report.bucket = review.bucket AND review_id = id AND closed_by IS NULL)
         UNION
         SELECT review_id FROM report JOIN review ON review.bucket = report.bucket AND id = review_id
         WHERE closed_by IS NULL AND open_reports = 0
         LIMIT {limit}"),
    )?)
}

fn sql_query_ids(connection: &mut Connection, query: &str) -> QueryResult<Vec<i64>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        id: i64,
    }
    let rows: Vec<Row> = diesel::sql_query(query).load(connection)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

diesel::allow_tables_to_appear_in_same_query!(review, idempotency_key);

/// The first table in which this role lacks a right that a server needs. SQLite has no rights but
/// those of its file: see [`crate::db::Database::require_usable`].
pub fn lacks_rights(connection: &mut Connection, kind: Kind) -> Result<Option<String>, QueryError> {
    Ok(server::lacks_rights(connection, tables(kind).iter().map(|table| table.name))?)
}

/// Whether a PostgreSQL database has tables, of this program or of another one.
pub fn has_tables(connection: &mut Connection) -> Result<bool, QueryError> {
    Ok(server::has_tables(connection)?)
}

/// The size of the database in bytes.
pub fn size(connection: &mut Connection) -> Result<u64, QueryError> {
    Ok(storage::size(connection)?.unsigned_abs())
}

/// The errors that the engine finds in its storage, one a line.
pub fn integrity_errors(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    Ok(storage::integrity_errors(connection)?)
}
