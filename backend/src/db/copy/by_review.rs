//! The rows that belong to some reviews, in all tables: what moves with a review.

use std::collections::BTreeMap;

use twox_hash::XxHash3_128;

use crate::db::copy::Row;
use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;

/// Some reviews of a bucket.
#[derive(Clone, Debug, Default)]
pub(in crate::db) struct SomeReviews {
    pub bucket: i16,
    /// Their products.
    pub products: Vec<i64>,
    pub ids: Vec<i64>,
}

type ReadResult = Result<Box<dyn ReadRows>, QueryError>;

/// How a table's rows are read and removed by their review.
pub(in crate::db) struct ByReview {
    pub read: fn(&mut Connection, &SomeReviews) -> ReadResult,
    pub delete: fn(&mut Connection, &SomeReviews) -> Result<(), QueryError>,
}

/// Rows of one table that belong to some reviews.
pub(in crate::db) trait ReadRows {
    /// Adds the rows that do not exist yet.
    fn insert(&self, connection: &mut Connection) -> Result<(), QueryError>;

    /// Adds the hash of each row to the sum of its review.
    fn add_hashes(&self, sums: &mut BTreeMap<i64, u128>);
}

pub(super) trait ReviewRows: Row + 'static {
    fn of(connection: &mut Connection, of: &SomeReviews) -> Result<Vec<Self>, QueryError>;

    fn delete_of(connection: &mut Connection, of: &SomeReviews) -> Result<(), QueryError>;

    fn review_id(&self) -> i64;
}

pub(super) fn read<R: ReviewRows>(connection: &mut Connection, of: &SomeReviews) -> ReadResult {
    Ok(Box::new(R::of(connection, of)?))
}

impl<R: ReviewRows> ReadRows for Vec<R> {
    fn insert(&self, connection: &mut Connection) -> Result<(), QueryError> {
        if self.is_empty() { Ok(()) } else { R::insert(connection, self) }
    }

    fn add_hashes(&self, sums: &mut BTreeMap<i64, u128>) {
        let mut encoded = Vec::new();
        for row in self {
            encoded.clear();
            encoded.extend(R::TABLE.as_bytes());
            row.encode(&mut encoded);
            let sum = sums.entry(row.review_id()).or_default();
            *sum = sum.wrapping_add(XxHash3_128::oneshot(&encoded));
        }
    }
}
