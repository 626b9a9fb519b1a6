//! Rating rows: how often each rating was given, by product and bucket.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use ostrakon_shared::{ProductId, Rating};

use super::connection::Connection;
use super::error::QueryError;
use super::schema::product_rating;
use crate::shard::Bucket;

/// The reviews of one product in one bucket, counted by their rating.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = product_rating)]
pub struct RatingRow {
    /// The bucket.
    pub bucket: i16,
    /// The product's id.
    pub product_id: i64,
    /// Reviews without a rating.
    pub unrated: i64,
    /// Reviews with one star.
    pub r1: i64,
    /// Reviews with two stars.
    pub r2: i64,
    /// Reviews with three stars.
    pub r3: i64,
    /// Reviews with four stars.
    pub r4: i64,
    /// Reviews with five stars.
    pub r5: i64,
}

impl RatingRow {
    /// No reviews.
    pub fn empty(bucket: i16, product_id: i64) -> RatingRow {
        RatingRow { bucket, product_id, unrated: 0, r1: 0, r2: 0, r3: 0, r4: 0, r5: 0 }
    }

    /// Counts one more review, with 1 to 5 stars or unrated.
    pub fn add(&mut self, stars: Option<i16>) {
        let count = match stars {
            Some(1) => &mut self.r1,
            Some(2) => &mut self.r2,
            Some(3) => &mut self.r3,
            Some(4) => &mut self.r4,
            Some(5) => &mut self.r5,
            _ => &mut self.unrated,
        };
        *count += 1;
    }

    /// Reviews without a rating, and those with 1 to 5 stars.
    pub fn counts(&self) -> (u64, [u64; 5]) {
        // The table refuses negative counts.
        let [unrated, r1, r2, r3, r4, r5] =
            [self.unrated, self.r1, self.r2, self.r3, self.r4, self.r5].map(i64::unsigned_abs);
        (unrated, [r1, r2, r3, r4, r5])
    }
}

/// Counts one more review. Must run in the transaction that adds the review.
pub fn add(
    connection: &mut Connection,
    bucket: Bucket,
    product: ProductId,
    rating: Option<Rating>,
) -> Result<(), QueryError> {
    use product_rating::dsl::{r1, r2, r3, r4, r5, unrated};

    let mut one = RatingRow::empty(bucket.number(), product.get());
    one.add(rating.map(|rating| rating.stars().into()));
    diesel::insert_into(product_rating::table)
        .values(&one)
        .on_conflict((product_rating::product_id, product_rating::bucket))
        .do_update()
        .set((
            unrated.eq(unrated + one.unrated),
            r1.eq(r1 + one.r1),
            r2.eq(r2 + one.r2),
            r3.eq(r3 + one.r3),
            r4.eq(r4 + one.r4),
            r5.eq(r5 + one.r5),
        ))
        .execute(connection)?;
    Ok(())
}

/// The rating rows of these products, of all buckets that were ever here.
pub fn of_products(
    connection: &mut Connection,
    products: &[ProductId],
) -> Result<Vec<RatingRow>, QueryError> {
    Ok(product_rating::table
        .filter(product_rating::product_id.eq_any(products.iter().map(|product| product.get())))
        .select(RatingRow::as_select())
        .load(connection)?)
}

/// Every rating row, by product and bucket.
pub fn all(connection: &mut Connection) -> Result<Vec<RatingRow>, QueryError> {
    Ok(product_rating::table
        .order((product_rating::product_id, product_rating::bucket))
        .select(RatingRow::as_select())
        .load(connection)?)
}

/// How many reviews lie in buckets whose reviews are readable here.
pub fn total(connection: &mut Connection) -> Result<u64, QueryError> {
    let total: Option<i64> = product_rating::table
        .filter(sql::<diesel::sql_types::Bool>(
            "bucket IN (SELECT bucket FROM bucket_owner WHERE state IN ('owned', 'moving', 'frozen'))",
        ))
        .select(sql::<Nullable<BigInt>>("sum(unrated + r1 + r2 + r3 + r4 + r5)"))
        .first(connection)?;
    Ok(total.unwrap_or(0).unsigned_abs())
}
