//! What `verify` reads: every row's place, without its text.

use diesel::prelude::*;

use super::connection::Connection;
use super::error::QueryError;
use super::schema::{idempotency_key, review};

/// A review without its text.
#[derive(Clone, Copy, Debug, Queryable)]
pub struct Placed {
    /// The bucket that is stored.
    pub bucket: i16,
    /// The review's id.
    pub id: i64,
    /// The product's id.
    pub product_id: i64,
    /// 1 to 5.
    pub rating: Option<i16>,
}

/// Up to `limit` reviews after (product, id), in that order.
pub fn reviews_after(
    connection: &mut Connection,
    (product_id, id): (i64, i64),
    limit: i64,
) -> Result<Vec<Placed>, QueryError> {
    Ok(review::table
        .filter(review::product_id.ge(product_id))
        .filter(review::product_id.gt(product_id).or(review::id.gt(id)))
        .order((review::product_id, review::id))
        .limit(limit)
        .select((review::bucket, review::id, review::product_id, review::rating))
        .load(connection)?)
}

/// Idempotency keys that stand in another bucket than their review, or for no review.
pub fn stray_keys(connection: &mut Connection) -> Result<Vec<(i64, String)>, QueryError> {
    let its_review = review::table
        .filter(review::bucket.eq(idempotency_key::bucket))
        .filter(review::id.eq(idempotency_key::review_id));
    Ok(idempotency_key::table
        .filter(diesel::dsl::not(diesel::dsl::exists(its_review)))
        .select((idempotency_key::product_id, idempotency_key::key))
        .load(connection)?)
}

diesel::allow_tables_to_appear_in_same_query!(review, idempotency_key);

/// What SQLite itself finds wrong with the file (`PRAGMA quick_check`), line by line.
pub fn damage(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        quick_check: String,
    }
    let lines: Vec<Line> = diesel::sql_query("PRAGMA quick_check").load(connection)?;
    Ok(lines.into_iter().map(|line| line.quick_check).filter(|line| line != "ok").collect())
}
