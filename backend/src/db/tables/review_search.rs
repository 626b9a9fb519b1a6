//! Searches the reviews of all products in a database, for admins and authors.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use ostrakon_shared::{AccountId, ProductId, Rating, ReviewId, ReviewStatus};

use crate::db::dialect::buckets::in_buckets;
use crate::db::dialect::conditions::text_may_match;
use crate::db::dialect::engine::{Connection, MultiBackend};
use crate::db::error::QueryError;
use crate::db::schema::review;
use crate::db::tables::owner::OwnedBuckets;
use crate::db::tables::reviews::ReviewRow;
use crate::text::fold;

/// Selects reviews; the default selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub product: Option<ProductId>,
    pub author: Option<AccountId>,
    pub rating: Option<Rating>,
    pub status: Option<ReviewStatus>,
    /// Without those that their author deleted.
    pub without_deleted: bool,
    /// Only reviews whose folded title, body or author's name contains each of these folded words.
    pub words: Vec<String>,
}

/// The maximum number of rows that a search reads at once: with the longest reviews, 40 MB.
const MAX_SEARCHED: usize = 1_000;

/// Up to `limit` reviews with ids below `below` that lie in these buckets, the newest first.
///
/// The program looks for the words, in all reviews that the engine can't rule out. A folded copy of
/// each text would speed up searches, but slow down each new review.
pub fn newest(
    connection: &mut Connection,
    filter: &Filter,
    owned: &OwnedBuckets,
    below: i64,
    limit: usize,
) -> Result<Vec<ReviewRow>, QueryError> {
    if filter.words.is_empty() {
        return candidates(connection, filter, owned, below, limit);
    }
    let (mut found, mut below, mut wanted) = (Vec::new(), below, limit);
    loop {
        let rows = candidates(connection, filter, owned, below, wanted)?;
        let is_all = rows.len() < wanted;
        below = rows.last().map_or(below, |last| last.id);
        found.extend(rows.into_iter().filter(|row| text_matches(row, &filter.words)));
        if is_all || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
        wanted = (2 * wanted).min(MAX_SEARCHED);
    }
}

fn text_matches(row: &ReviewRow, words: &[String]) -> bool {
    let texts = [Some(&row.body), row.title.as_ref(), row.author_name.as_ref()];
    let folded: Vec<String> = texts.into_iter().flatten().map(|text| fold(text)).collect();
    words.iter().all(|word| folded.iter().any(|text| text.contains(word.as_str())))
}

/// The reviews of [`newest`], and those that the engine can't rule out.
fn candidates(
    connection: &mut Connection,
    filter: &Filter,
    owned: &OwnedBuckets,
    below: i64,
    limit: usize,
) -> Result<Vec<ReviewRow>, QueryError> {
    let mut query = review::table
        .filter(review::id.lt(below))
        .filter(in_buckets(connection, owned))
        .order(review::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ReviewRow::as_select())
        .into_boxed::<MultiBackend>();
    if let Some(product) = filter.product {
        query = query.filter(review::product_id.eq(product.get()));
    }
    if let Some(author) = filter.author {
        query = query.filter(review::author_id.eq(author.get()));
    }
    if let Some(rating) = filter.rating {
        query = query.filter(review::rating.eq(i16::from(rating.stars())));
    }
    if let Some(status) = filter.status {
        query = query.filter(review::status.eq(status.as_str()));
        if status != ReviewStatus::Approved {
            // The condition of the partial index of hidden reviews, in the same words, so that the
            // planner uses it.
            query = query.filter(sql::<Bool>("status <> 'approved'"));
        }
    }
    if filter.without_deleted {
        query = query.filter(review::status.ne(ReviewStatus::Deleted.as_str()));
    }
    for word in &filter.words {
        query = query.filter(text_may_match(connection, word));
    }
    Ok(query.load(connection)?)
}

pub const DAY_MS: i64 = 86_400_000;

/// How many reviews in these buckets were written on each day since `first`, both counted in days
/// since 2000-01-01 (UTC), whatever their status.
pub fn by_day(
    connection: &mut Connection,
    owned: &OwnedBuckets,
    first: i64,
) -> Result<Vec<(i64, i64)>, QueryError> {
    let day = || sql::<BigInt>(&format!("(id >> {}) / {DAY_MS}", ReviewId::FREE_BITS));
    Ok(review::table
        .filter(review::id.ge((first * DAY_MS) << ReviewId::FREE_BITS))
        .filter(in_buckets(connection, owned))
        .group_by(day())
        .select((day(), diesel::dsl::count_star()))
        .load(connection)?)
}
