//! Rating rows: how often each rating was given, by product and bucket.
//!
//! They change in the transaction that changes a review: a change of a review that counts must add
//! its [`RatingDelta`].

use std::collections::BTreeMap;

use diesel::backend::Backend;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{BigInt, Bool, HasSqlType, Nullable, SmallInt};
use ostrakon_shared::{ProductId, Rating, ReviewStatus};

use crate::db::dialect::engine::{Connection, execute_with_rows, on_each_engine};
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::db::schema::product_rating;
use crate::db::tables::owner::WriteAccess;
use crate::shard::Bucket;

/// The reviews of one product in one bucket, counted by their rating.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = product_rating)]
pub struct RatingRow {
    pub bucket: i16,
    pub product_id: i64,
    pub unrated: i64,
    pub r1: i64,
    pub r2: i64,
    pub r3: i64,
    pub r4: i64,
    pub r5: i64,
    /// Reviews that are not approved: not public, in none of the other counts.
    pub hidden: i64,
}

/// How a review is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    Public(Option<Rating>),
    Hidden,
}

impl Visibility {
    pub fn of(status: ReviewStatus, rating: Option<Rating>) -> Visibility {
        match status {
            ReviewStatus::Approved => Visibility::Public(rating),
            _ => Visibility::Hidden,
        }
    }
}

impl RatingRow {
    pub fn empty(bucket: i16, product_id: i64) -> RatingRow {
        RatingRow { bucket, product_id, unrated: 0, r1: 0, r2: 0, r3: 0, r4: 0, r5: 0, hidden: 0 }
    }

    /// Counts `reviews` more of this kind; fewer when negative.
    pub fn add(&mut self, visibility: Visibility, reviews: i64) {
        let count = match visibility {
            Visibility::Hidden => &mut self.hidden,
            Visibility::Public(None) => &mut self.unrated,
            Visibility::Public(Some(rating)) => match rating.stars() {
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

/// The changes of rating rows by new reviews.
#[derive(Debug, Default)]
pub struct RatingDelta(BTreeMap<(i64, i16), RatingRow>);

impl RatingDelta {
    /// Counts one more review.
    pub fn count(&mut self, bucket: Bucket, product: ProductId, visibility: Visibility) {
        let (bucket, product) = (bucket.number(), product.get());
        let row = self.0.entry((product, bucket));
        row.or_insert_with(|| RatingRow::empty(bucket, product)).add(visibility, 1);
    }
}

/// Adds to the counts, in the transaction that inserts the reviews, which leave the marks. Rows are
/// in the order of their key, to prevent deadlocks.
pub fn add(
    connection: &mut Connection,
    access: &WriteAccess,
    delta: &RatingDelta,
) -> Result<(), QueryError> {
    for row in delta.0.values() {
        access.require_number(row.bucket)?;
    }
    let rows: Vec<&RatingRow> = delta.0.values().collect();
    execute_with_rows!(connection, &rows, AddCounts);
    Ok(())
}

const INSERT: &str = "INSERT INTO product_rating
    (bucket, product_id, unrated, r1, r2, r3, r4, r5, hidden) VALUES ";
const OR_ADD: &str = " ON CONFLICT (product_id, bucket) DO UPDATE SET
    unrated = product_rating.unrated + excluded.unrated,
    r1 = product_rating.r1 + excluded.r1,
    r2 = product_rating.r2 + excluded.r2,
    r3 = product_rating.r3 + excluded.r3,
    r4 = product_rating.r4 + excluded.r4,
    r5 = product_rating.r5 + excluded.r5,
    hidden = product_rating.hidden + excluded.hidden";

/// Adds rows, or their counts to the rows that exist. Written by hand: SQLite would prepare
/// diesel's statement anew for each row, which takes longer than all the rest of writing a review.
struct AddCounts<'a>(&'a [&'a RatingRow]);

impl QueryId for AddCounts<'_> {
    type QueryId = AddCounts<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB> QueryFragment<DB> for AddCounts<'_>
where
    DB: Backend + HasSqlType<SmallInt> + HasSqlType<BigInt>,
    i16: ToSql<SmallInt, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.0.len() > 1 {
            // Only the statement of one row always has the same text.
            out.unsafe_to_cache_prepared();
        }
        out.push_sql(INSERT);
        let mut open = "(";
        for row in self.0 {
            out.push_sql(open);
            out.push_bind_param::<SmallInt, _>(&row.bucket)?;
            for number in [
                &row.product_id,
                &row.unrated,
                &row.r1,
                &row.r2,
                &row.r3,
                &row.r4,
                &row.r5,
                &row.hidden,
            ] {
                out.push_sql(", ");
                out.push_bind_param::<BigInt, _>(number)?;
            }
            out.push_sql(")");
            open = ", (";
        }
        out.push_sql(OR_ADD);
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for AddCounts<'_> {}

/// Moves a review from one count to another, in the transaction that changes it, which leaves the
/// mark.
pub fn move_rating(
    connection: &mut Connection,
    access: &WriteAccess,
    bucket: Bucket,
    product: ProductId,
    before: Visibility,
    after: Visibility,
) -> Result<(), QueryError> {
    access.require(bucket)?;
    let mut change = RatingRow::empty(bucket.number(), product.get());
    change.add(before, -1);
    change.add(after, 1);
    use product_rating::dsl::{hidden, r1, r2, r3, r4, r5, unrated};

    let row = product_rating::table.find((product.get(), bucket.number()));
    let counts = (
        unrated.eq(unrated + change.unrated),
        r1.eq(r1 + change.r1),
        r2.eq(r2 + change.r2),
        r3.eq(r3 + change.r3),
        r4.eq(r4 + change.r4),
        r5.eq(r5 + change.r5),
        hidden.eq(hidden + change.hidden),
    );
    match diesel::update(row).set(counts).execute(connection)? {
        1 => Ok(()),
        _ => Err(QueryError::CorruptData(format!("no rating of product {product} in {bucket}"))),
    }
}

/// The rating rows of these products, including buckets that have moved away.
pub fn of_products(
    connection: &mut Connection,
    products: &[ProductId],
) -> Result<Vec<RatingRow>, QueryError> {
    if let [product] = products {
        let rows = product_rating::table.filter(product_rating::product_id.eq(product.get()));
        let rows = on_each_engine!(connection, c => rows.select(RatingRow::as_select()).load(c));
        return Ok(rows?);
    }
    let query = product_rating::table
        .filter(product_rating::product_id.eq_any(products.iter().map(|product| product.get())))
        .select(RatingRow::as_select());
    Ok(KeepPrepared(query).load(connection)?)
}

/// Up to `limit` rating rows after (product, bucket), in that order, of products up to `last`.
pub fn after(
    connection: &mut Connection,
    (product, bucket): (i64, i16),
    last: i64,
    limit: i64,
) -> Result<Vec<RatingRow>, QueryError> {
    use product_rating::dsl;

    Ok(product_rating::table
        .filter(dsl::product_id.between(product, last))
        .filter(dsl::product_id.gt(product).or(dsl::bucket.gt(bucket)))
        .order((dsl::product_id, dsl::bucket))
        .limit(limit)
        .select(RatingRow::as_select())
        .load(connection)?)
}

const IN_READABLE_BUCKETS: &str =
    "bucket IN (SELECT bucket FROM bucket_owner WHERE state IN ('owned', 'moving', 'frozen'))";
const SUM: &str = "CAST(sum(unrated + r1 + r2 + r3 + r4 + r5 + hidden) AS BIGINT)";

/// How many reviews lie in buckets whose reviews are readable here.
pub fn total(connection: &mut Connection) -> Result<u64, QueryError> {
    let total: Option<i64> = product_rating::table
        .filter(sql::<Bool>(IN_READABLE_BUCKETS))
        .select(sql::<Nullable<BigInt>>(SUM))
        .first(connection)?;
    Ok(total.unwrap_or(0).unsigned_abs())
}
