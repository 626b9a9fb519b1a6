//! Reviews as rows.
//!
//! The queries of public lists are here; `review_search` has those of admins, `moderation` the
//! reports and the history.

use diesel::prelude::*;
use jiff::Timestamp;
use ostrakon_shared::{ProductId, Rating, Review, ReviewId, ReviewStatus};

use crate::db::dialect::buckets::in_home_buckets;
use crate::db::dialect::conditions::unlikely;
use crate::db::dialect::engine::{Connection, MultiBackend, insert_rows, on_each_engine};
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::db::schema::review;
use crate::db::tables::owner::{OwnedBuckets, WriteAccess};
use crate::db::tables::ratings::Visibility;
use crate::shard::Bucket;

pub use crate::db::dialect::lookups::reviews_by_authors as by_authors;

#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = review, primary_key(product_id, id, bucket), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
pub struct ReviewRow {
    /// `bucket_of(id)`.
    pub bucket: i16,
    pub id: i64,
    pub product_id: i64,
    /// 1 to 5.
    pub rating: Option<i16>,
    pub title: Option<String>,
    pub body: String,
    pub author_name: Option<String>,
    /// The account that wrote it; null for a guest.
    pub author_id: Option<i64>,
    /// A [`ReviewStatus`].
    pub status: String,
    /// Counts its changes, from 1.
    pub version: i32,
    /// When its author changed it last, in milliseconds since the Unix epoch.
    pub edited_at: Option<i64>,
    /// The number of open reports.
    pub open_reports: i32,
    /// Whether an account signed with a pen name.
    pub pen_name: bool,
}

impl TryFrom<ReviewRow> for Review {
    type Error = QueryError;

    fn try_from(row: ReviewRow) -> Result<Review, QueryError> {
        let broken = || QueryError::CorruptData(format!("review {} of {}", row.id, row.product_id));
        let rating =
            |stars| u8::try_from(stars).ok().and_then(|stars| Rating::try_from(stars).ok());
        let rating = row.rating.map(|stars| rating(stars).ok_or_else(broken)).transpose()?;
        let edited_at = row.edited_at.map(Timestamp::from_millisecond).transpose();
        let edited_at = edited_at.map_err(|_| broken())?;
        let id = ReviewId::new(row.id).ok_or_else(broken)?;
        let product_id = ProductId::new(row.product_id).ok_or_else(broken)?;
        let status = row.status.parse().map_err(|_| broken())?;
        Ok(Review {
            id,
            product_id,
            rating,
            title: row.title,
            body: row.body,
            author_name: row.author_name,
            member: row.author_id.is_some() && !row.pen_name,
            status,
            version: row.version,
            created_at: id.created_at(),
            edited_at,
            rejection: None,
        })
    }
}

impl ReviewRow {
    pub fn visibility(&self) -> Result<Visibility, QueryError> {
        let review = Review::try_from(self.clone())?;
        Ok(Visibility::of(review.status, review.rating))
    }
}

/// Fails with [`crate::db::DbError::Conflict`] if an id is taken, or an author has reviewed the
/// product.
pub fn insert(
    connection: &mut Connection,
    access: &WriteAccess,
    rows: &[ReviewRow],
) -> Result<(), QueryError> {
    access.note(connection, rows.iter().map(|row| (row.bucket, row.id, row.product_id)))?;
    insert_rows!(connection, review::table, rows);
    Ok(())
}

/// Writes all columns of a review.
pub fn update(
    connection: &mut Connection,
    access: &WriteAccess,
    row: &ReviewRow,
) -> Result<(), QueryError> {
    access.note(connection, std::iter::once((row.bucket, row.id, row.product_id)))?;
    let place = review::table.filter(review::bucket.eq(row.bucket)).filter(review::id.eq(row.id));
    diesel::update(place).set(row).execute(connection)?;
    Ok(())
}

/// The review with this id, whatever its status.
pub fn find(
    connection: &mut Connection,
    bucket: Bucket,
    id: ReviewId,
) -> Result<Option<ReviewRow>, QueryError> {
    let review =
        review::table.filter(review::bucket.eq(bucket.number())).filter(review::id.eq(id.get()));
    let found = on_each_engine!(connection, c => review.select(ReviewRow::as_select()).first(c));
    Ok(found.optional()?)
}

/// The highest stored ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastIds {
    /// Below a bound; 0 without any.
    pub below: i64,
    /// From the bound on.
    pub above: Option<i64>,
    /// The number of reviews from the bound on.
    pub number_above: i64,
}

/// The highest stored ids, below `bound` and from there on.
pub fn last_ids(connection: &mut Connection, bound: i64) -> Result<LastIds, QueryError> {
    use diesel::dsl::{count_star, max};

    let below: Option<i64> =
        review::table.filter(review::id.lt(bound)).select(max(review::id)).first(connection)?;
    let from = review::table.filter(review::id.ge(bound));
    let (above, number_above) = from.select((max(review::id), count_star())).first(connection)?;
    Ok(LastIds { below: below.unwrap_or_default(), above, number_above })
}

/// Selects reviews of a product by their rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatingClass {
    Any,
    Rated(Rating),
    Unrated,
}

/// The start and direction of a walk through reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ids below this one, the newest first.
    NewestBelow(i64),
    /// Ids above this one, the oldest first.
    OldestAbove(i64),
}

impl Direction {
    /// The same direction, from this id on.
    fn beyond(self, id: i64) -> Direction {
        match self {
            Direction::NewestBelow(_) => Direction::NewestBelow(id),
            Direction::OldestAbove(_) => Direction::OldestAbove(id),
        }
    }
}

/// The columns of an approved review of a known product that its readers see; each further one
/// takes time.
#[derive(Queryable, Selectable)]
#[diesel(table_name = review)]
struct ListedRow {
    bucket: i16,
    id: i64,
    rating: Option<i16>,
    title: Option<String>,
    body: String,
    author_name: Option<String>,
    author_id: Option<i64>,
    version: i32,
    edited_at: Option<i64>,
    pen_name: bool,
}

impl ListedRow {
    fn of(self, product: ProductId) -> ReviewRow {
        ReviewRow {
            bucket: self.bucket,
            id: self.id,
            product_id: product.get(),
            rating: self.rating,
            title: self.title,
            body: self.body,
            author_name: self.author_name,
            author_id: self.author_id,
            status: ReviewStatus::Approved.to_string(),
            version: self.version,
            edited_at: self.edited_at,
            // Not shown in public lists.
            open_reports: 0,
            pen_name: self.pen_name,
        }
    }
}

/// Up to `limit` approved reviews of a product that lie in these buckets.
pub fn list(
    connection: &mut Connection,
    product: ProductId,
    owned: &OwnedBuckets,
    class: RatingClass,
    direction: Direction,
    limit: usize,
) -> Result<Vec<Review>, QueryError> {
    let (mut found, mut direction) = (Vec::with_capacity(limit), direction);
    loop {
        let wanted = limit - found.len();
        let rows = part_of_list(connection, product, owned, class, direction, wanted)?;
        let is_all = rows.len() < wanted;
        if let Some(last) = rows.last() {
            direction = direction.beyond(last.id);
        }
        for row in rows {
            // Rows of buckets that have moved away may still be stored.
            if owned.has(row.bucket) {
                found.push(row.of(product).try_into()?);
            }
        }
        if is_all || found.len() == limit {
            return Ok(found);
        }
    }
}

/// [`list`], with reviews of other buckets on engines where the caller removes them.
fn part_of_list(
    connection: &mut Connection,
    product: ProductId,
    owned: &OwnedBuckets,
    class: RatingClass,
    direction: Direction,
    limit: usize,
) -> QueryResult<Vec<ListedRow>> {
    let reviews = review::table
        .filter(review::product_id.eq(product.get()))
        .filter(review::status.eq(ReviewStatus::Approved.as_str()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX));
    let home = in_home_buckets(connection, owned);
    if home.is_none() && class == RatingClass::Any {
        // The most frequent query: as a type, its statement is found without writing its text.
        return on_each_engine!(connection, c => {
            let reviews = reviews.select(ListedRow::as_select());
            match direction {
                Direction::NewestBelow(id) => {
                    reviews.filter(review::id.lt(id)).order(review::id.desc()).load(c)
                }
                Direction::OldestAbove(id) => {
                    reviews.filter(review::id.gt(id)).order(review::id.asc()).load(c)
                }
            }
        });
    }
    let mut query = reviews.select(ListedRow::as_select()).into_boxed::<MultiBackend>();
    if let Some(condition) = home {
        query = query.filter(condition);
    }
    query = match class {
        RatingClass::Any => query,
        RatingClass::Rated(rating) => {
            query.filter(unlikely(connection, &format!("review.rating = {}", rating.stars())))
        }
        RatingClass::Unrated => query.filter(unlikely(connection, "review.rating IS NULL")),
    };
    query = match direction {
        Direction::NewestBelow(id) => query.filter(review::id.lt(id)).order(review::id.desc()),
        Direction::OldestAbove(id) => query.filter(review::id.gt(id)).order(review::id.asc()),
    };
    KeepPrepared(query).load(connection)
}
