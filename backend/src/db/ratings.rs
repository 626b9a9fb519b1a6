//! Rating rows: how often each rating was given, by product and bucket.

use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{BigInt, Nullable};
use diesel::sqlite::Sqlite;
use ostrakon_shared::{ProductId, Rating, ReviewStatus};

use super::cached::Cached;
use super::engine::{Connection, MultiBackend, on_each_engine};
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
    /// Reviews that are not approved: not public, in none of the other counts.
    pub hidden: i64,
}

/// As what a review is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Public, with this rating or without one.
    Public(Option<Rating>),
    /// Not public.
    Hidden,
}

impl Counted {
    /// As what a review with this status and rating is counted.
    pub fn of(status: ReviewStatus, rating: Option<Rating>) -> Counted {
        match status {
            ReviewStatus::Approved => Counted::Public(rating),
            _ => Counted::Hidden,
        }
    }
}

impl RatingRow {
    /// No reviews.
    pub fn empty(bucket: i16, product_id: i64) -> RatingRow {
        RatingRow { bucket, product_id, unrated: 0, r1: 0, r2: 0, r3: 0, r4: 0, r5: 0, hidden: 0 }
    }

    /// Counts `reviews` more of this kind; fewer when negative.
    pub fn add(&mut self, counted: Counted, reviews: i64) {
        let count = match counted {
            Counted::Hidden => &mut self.hidden,
            Counted::Public(None) => &mut self.unrated,
            Counted::Public(Some(rating)) => match rating.stars() {
                1 => &mut self.r1,
                2 => &mut self.r2,
                3 => &mut self.r3,
                4 => &mut self.r4,
                _ => &mut self.r5,
            },
        };
        *count += reviews;
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
    counted: Counted,
) -> Result<(), QueryError> {
    let mut one = RatingRow::empty(bucket.number(), product.get());
    one.add(counted, 1);
    on_each_engine!(connection, c => {
        let upsert = diesel::insert_into(product_rating::table)
            .values(&one)
            .on_conflict((product_rating::product_id, product_rating::bucket))
            .do_update()
            .set(sums(&one));
        Cached(upsert).execute(c)
    })?;
    Ok(())
}

/// Counts a review as something else than before. Must run in the transaction that changes it.
pub fn recount(
    connection: &mut Connection,
    bucket: Bucket,
    product: ProductId,
    before: Counted,
    after: Counted,
) -> Result<(), QueryError> {
    let mut change = RatingRow::empty(bucket.number(), product.get());
    change.add(before, -1);
    change.add(after, 1);
    let row = product_rating::table.find((product.get(), bucket.number()));
    match Cached(diesel::update(row).set(sums(&change))).execute(connection)? {
        1 => Ok(()),
        _ => Err(QueryError::Broken(format!("no rating of product {product} in {bucket}"))),
    }
}

/// Every count plus that of `change`.
fn sums(
    change: &RatingRow,
) -> impl AsChangeset<
    Target = product_rating::table,
    Changeset = impl QueryFragment<MultiBackend> + QueryFragment<Pg> + QueryFragment<Sqlite>,
> {
    use product_rating::dsl::{hidden, r1, r2, r3, r4, r5, unrated};

    (
        unrated.eq(unrated + change.unrated),
        r1.eq(r1 + change.r1),
        r2.eq(r2 + change.r2),
        r3.eq(r3 + change.r3),
        r4.eq(r4 + change.r4),
        r5.eq(r5 + change.r5),
        hidden.eq(hidden + change.hidden),
    )
}

/// The rating rows of these products, of all buckets that were ever here.
pub fn of_products(
    connection: &mut Connection,
    products: &[ProductId],
) -> Result<Vec<RatingRow>, QueryError> {
    let query = product_rating::table
        .filter(product_rating::product_id.eq_any(products.iter().map(|product| product.get())))
        .select(RatingRow::as_select());
    Ok(Cached(query).load(connection)?)
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
        .select(sql::<Nullable<BigInt>>(
            "CAST(sum(unrated + r1 + r2 + r3 + r4 + r5 + hidden) AS BIGINT)",
        ))
        .first(connection)?;
    Ok(total.unwrap_or(0).unsigned_abs())
}
