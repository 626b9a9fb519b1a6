//! Copies the reviews of one bucket from a database to another, with all that belongs to them.
//!
//! A bucket is read by the products in it: [`products`] names them, [`chunks`] makes parts of about
//! [`BATCH`] reviews, and [`ReviewSet`] is what is stored of some reviews in all tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::db::copy::{ReadRows, SomeReviews, Table, tables};
use crate::db::dialect::engine::{Connection, insert_rows};
use crate::db::error::QueryError;
use crate::db::migrate::Kind;
use crate::db::schema::{product_rating, review};
use crate::db::tables::owner::ChangeRow;
use crate::db::tables::ratings::RatingRow;
use crate::shard::Bucket;

/// The approximate number of reviews per transaction.
pub const BATCH: usize = 500;

/// A product in a bucket, and how many reviews it has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProductCount {
    pub product_id: i64,
    pub reviews: u64,
}

/// Up to `limit` products of a bucket after this one, in order.
pub fn products(
    connection: &mut Connection,
    bucket: Bucket,
    after: i64,
    limit: i64,
) -> Result<Vec<ProductCount>, QueryError> {
    let rows: Vec<RatingRow> = product_rating::table
        .filter(product_rating::bucket.eq(bucket.number()))
        .filter(product_rating::product_id.gt(after))
        .order(product_rating::product_id)
        .limit(limit)
        .select(RatingRow::as_select())
        .load(connection)?;
    let count = |row: &RatingRow| {
        let (unrated, rated) = row.counts();
        let reviews = unrated + rated.iter().sum::<u64>() + row.hidden.unsigned_abs();
        ProductCount { product_id: row.product_id, reviews }
    };
    Ok(rows.iter().map(count).collect())
}

/// Some products of a bucket that are copied together, and of a single product from which review
/// on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub bucket: Bucket,
    pub products: Vec<i64>,
    after_id: i64,
}

/// Parts of about [`BATCH`] reviews: several products, or one.
pub fn chunks(bucket: Bucket, products: &[ProductCount]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut room = 0;
    for product in products {
        match chunks.last_mut() {
            Some(last) if product.reviews <= room => last.products.push(product.product_id),
            _ => {
                room = BATCH as u64;
                chunks.push(Chunk { bucket, products: vec![product.product_id], after_id: 0 });
            }
        }
        room = room.saturating_sub(product.reviews);
    }
    chunks
}

impl Chunk {
    /// The rest of a chunk after what was read; None if there is nothing more.
    pub fn rest(&self, read: &ReviewSet) -> Option<Chunk> {
        let is_part = self.products.len() == 1 && read.of.ids.len() >= BATCH;
        let after_id = read.of.ids.last().copied().filter(|_| is_part)?;
        Some(Chunk { after_id, ..self.clone() })
    }
}

/// What a database stores of some reviews of a bucket: rows of all tables that belong to reviews.
pub struct ReviewSet {
    of: SomeReviews,
    rows: Vec<Box<dyn ReadRows>>,
}

fn by_review() -> impl DoubleEndedIterator<Item = &'static Table> {
    tables(Kind::Reviews).iter().filter(|table| table.by_review.is_some())
}

impl ReviewSet {
    /// The reviews of a chunk, up to [`BATCH`] of a single product, in the order of their ids.
    pub fn read_chunk(connection: &mut Connection, chunk: &Chunk) -> Result<ReviewSet, QueryError> {
        let ids = review::table
            .filter(review::product_id.eq_any(&chunk.products))
            .filter(review::bucket.eq(chunk.bucket.number()))
            .filter(review::id.gt(chunk.after_id))
            .order(review::id)
            .select(review::id);
        let ids: Vec<i64> = match chunk.products.len() {
            1 => ids.limit(BATCH as i64).load(connection)?,
            _ => ids.load(connection)?,
        };
        ReviewSet::read(connection, chunk.bucket, chunk.products.clone(), ids)
    }

    /// The same reviews of a chunk as in `other`, and those between them that `other` lacks.
    pub fn read_range(
        connection: &mut Connection,
        chunk: &Chunk,
        other: &ReviewSet,
    ) -> Result<ReviewSet, QueryError> {
        let last = chunk.rest(other).map_or(i64::MAX, |rest| rest.after_id);
        let ids = review::table
            .filter(review::product_id.eq_any(&chunk.products))
            .filter(review::bucket.eq(chunk.bucket.number()))
            .filter(review::id.gt(chunk.after_id))
            .filter(review::id.le(last))
            .order(review::id)
            .select(review::id)
            .load(connection)?;
        ReviewSet::read(connection, chunk.bucket, chunk.products.clone(), ids)
    }

    /// The reviews with these ids, of these products.
    pub fn read(
        connection: &mut Connection,
        bucket: Bucket,
        products: Vec<i64>,
        ids: Vec<i64>,
    ) -> Result<ReviewSet, QueryError> {
        let of = SomeReviews { bucket: bucket.number(), products, ids };
        let mut rows = Vec::new();
        for table in by_review().filter_map(|table| table.by_review.as_ref()) {
            rows.push((table.read)(connection, &of)?);
        }
        Ok(ReviewSet { of, rows })
    }

    /// The reviews that these marks name.
    pub fn read_changed(
        connection: &mut Connection,
        bucket: Bucket,
        changes: &[ChangeRow],
    ) -> Result<ReviewSet, QueryError> {
        let ids: BTreeSet<i64> = changes.iter().map(|change| change.review_id).collect();
        let products: BTreeSet<i64> = changes.iter().map(|change| change.product_id).collect();
        let [ids, products] = [ids, products].map(|set| set.into_iter().collect());
        ReviewSet::read(connection, bucket, products, ids)
    }

    /// The products of the reviews.
    pub fn products(&self) -> &[i64] {
        &self.of.products
    }

    /// The ids of the reviews that were looked for.
    pub fn ids(&self) -> &[i64] {
        &self.of.ids
    }

    /// Writes the reviews in place of what the database has of them.
    pub fn replace(&self, connection: &mut Connection) -> Result<(), QueryError> {
        delete(connection, &self.of)?;
        self.insert(connection)
    }

    /// Adds the reviews to a database that has none of them.
    pub fn insert(&self, connection: &mut Connection) -> Result<(), QueryError> {
        self.rows.iter().try_for_each(|rows| rows.insert(connection))
    }

    /// The ids of reviews of which the other set has other rows, or none.
    pub fn differences(&self, other: &ReviewSet) -> BTreeSet<i64> {
        let [own, others] = [self, other].map(|set| {
            let mut sums = BTreeMap::new();
            set.rows.iter().for_each(|rows| rows.add_hashes(&mut sums));
            sums
        });
        let all: BTreeSet<i64> = own.keys().chain(others.keys()).copied().collect();
        all.into_iter().filter(|id| own.get(id) != others.get(id)).collect()
    }
}

/// Removes what the database has of these reviews; what refers to others goes first.
fn delete(connection: &mut Connection, of: &SomeReviews) -> Result<(), QueryError> {
    if of.ids.is_empty() {
        return Ok(());
    }
    for table in by_review().rev().filter_map(|table| table.by_review.as_ref()) {
        (table.delete)(connection, of)?;
    }
    Ok(())
}

/// The rating rows of these products in a bucket.
pub fn ratings(
    connection: &mut Connection,
    bucket: Bucket,
    products: &[i64],
) -> Result<Vec<RatingRow>, QueryError> {
    Ok(product_rating::table
        .filter(product_rating::bucket.eq(bucket.number()))
        .filter(product_rating::product_id.eq_any(products))
        .order(product_rating::product_id)
        .select(RatingRow::as_select())
        .load(connection)?)
}

/// Writes the rating rows of these products in a bucket in place of those that the database has.
pub fn replace_ratings(
    connection: &mut Connection,
    bucket: Bucket,
    products: &[i64],
    rows: &[RatingRow],
) -> Result<(), QueryError> {
    let there = product_rating::table
        .filter(product_rating::bucket.eq(bucket.number()))
        .filter(product_rating::product_id.eq_any(products));
    diesel::delete(there).execute(connection)?;
    insert_rows!(connection, product_rating::table, rows);
    Ok(())
}

/// Removes up to about [`BATCH`] reviews of a bucket, with their ratings; returns how many. `None`:
/// it has no more.
pub fn purge_some(
    connection: &mut Connection,
    bucket: Bucket,
) -> Result<Option<usize>, QueryError> {
    let products = products(connection, bucket, i64::MIN, BATCH as i64)?;
    let Some(chunk) = chunks(bucket, &products).into_iter().next() else { return Ok(None) };
    let set = ReviewSet::read_chunk(connection, &chunk)?;
    delete(connection, &set.of)?;
    if chunk.rest(&set).is_none() {
        replace_ratings(connection, bucket, &chunk.products, &[])?;
    }
    Ok(Some(set.ids().len()))
}

/// How many reviews each bucket has in this database.
pub fn reviews_by_bucket(connection: &mut Connection) -> Result<BTreeMap<i16, u64>, QueryError> {
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;

    let reviews = sql::<BigInt>("CAST(sum(unrated + r1 + r2 + r3 + r4 + r5 + hidden) AS BIGINT)");
    let rows: Vec<(i16, i64)> = product_rating::table
        .group_by(product_rating::bucket)
        .select((product_rating::bucket, reviews))
        .load(connection)?;
    Ok(rows.into_iter().map(|(bucket, reviews)| (bucket, reviews.unsigned_abs())).collect())
}
