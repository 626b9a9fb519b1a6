//! Lists a product's reviews page by page, in any order.
//!
//! Each database returns its likely share of the page from one position on; the shares are merged.
//! Look here when a page has the wrong items, order or cursor; the queries are in
//! `db/tables/reviews.rs`.

use std::sync::Arc;

use ostrakon_shared::{Page, PageLimit, ProductId, Rating, Review, ReviewPage, ReviewSort};

use crate::db::owner::OwnedBuckets;
use crate::db::reviews::{self, Direction, RatingClass};
use crate::db::{Connection, QueryError};
use crate::shard::{Bucket, DatabaseIndex, ShardMap, Spread, home_buckets};
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::store::routing::Routing;
use crate::store::routing::cursor::{self, ListScope, Position};
use crate::store::routing::id_generator::LowWatermark;
use crate::store::routing::scatter_gather::ReadFrom;

/// The parameters of a page of a product's reviews.
#[derive(Clone, Debug, Default)]
pub struct ReviewQuery {
    /// The order.
    pub sort: ReviewSort,
    /// Only reviews with this rating.
    pub rating: Option<Rating>,
    /// The maximum number of reviews.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
    /// Whether a partial result is allowed, without databases that are down.
    pub allow_partial: bool,
}

impl Reviews<'_> {
    /// A page of a product's reviews.
    pub fn list(&self, product: ProductId, query: &ReviewQuery) -> Result<ReviewPage, StoreError> {
        self.catalog().require(product)?;
        let list = Arc::new(List::new(product, query)?);
        let routing = self.routing();
        let spread = routing.shards.spread;
        routing.with_current_map(|map| {
            let home = home_buckets(product, spread).collect();
            let mut read = read_list(routing, map, &list, home, Amount::Share(spread), query)?;
            // If a database's rows end before the page does, its next rows may belong to the page:
            // read up to a full page from it.
            for part in list.short_parts(&read.parts) {
                let DatabasePart { buckets, rows, .. } = &read.parts[part];
                let rest = Amount::Rest(list.after(rows), rows.len());
                let more = read_list(routing, map, &list, buckets.clone(), rest, query)?;
                read.watermark = read.watermark.and(more.watermark);
                read.missing.extend(more.missing);
                let rows = more.parts.into_iter().flat_map(|part| part.rows);
                read.parts[part].rows.extend(rows);
            }
            let rows = read.parts.into_iter().flat_map(|part| part.rows).collect();
            let mut page = list.page(rows, read.watermark);
            page.missing_databases = routing.shards.names(&read.missing);
            Ok(page)
        })
    }
}

fn read_list(
    routing: Routing<'_>,
    map: &ShardMap,
    list: &Arc<List>,
    buckets: Vec<Bucket>,
    wanted: Amount,
    query: &ReviewQuery,
) -> Result<ListRead, StoreError> {
    let list = Arc::clone(list);
    let fetch = move |connection: &mut Connection, owned: &OwnedBuckets| {
        let (start, limit) = wanted.of(&list, owned.buckets.len());
        let rows = list.fetch(connection, owned, start, limit)?;
        Ok(DatabasePart { buckets: owned.buckets.clone(), is_exhausted: rows.len() < limit, rows })
    };
    let (buckets, partial) = (buckets.into_iter(), query.allow_partial);
    let (gathered, watermark) = match query.sort {
        ReviewSort::Oldest => routing.scatter_gather_settled(map, buckets, partial, fetch)?,
        _ => (
            routing.scatter_gather(map, buckets, ReadFrom::Any, partial, fetch)?,
            LowWatermark::NONE,
        ),
    };
    Ok(ListRead { parts: gathered.answers, missing: gathered.missing, watermark })
}

/// The rows read from all databases.
struct ListRead {
    parts: Vec<DatabasePart>,
    missing: Vec<DatabaseIndex>,
    /// The low watermark of the page.
    watermark: LowWatermark,
}

/// The rows read from one database.
struct DatabasePart {
    buckets: Vec<Bucket>,
    /// Its first rows, in order.
    rows: Vec<GroupedReview>,
    /// Whether it has no more rows.
    is_exhausted: bool,
}

/// How many rows to read from a database.
#[derive(Clone, Copy)]
enum Amount {
    /// Its likely share of the page.
    Share(Spread),
    /// The rest of the page, from this position on, after this number of rows.
    Rest(Position, usize),
}

impl Amount {
    /// The start and number of rows for a database with this number of home buckets.
    ///
    /// Of n reviews of a page, a part p of the home buckets has about n·p ± √(n·p·(1 − p)).
    /// With two standard deviations, one database in fifty must be read again; with more, most
    /// extra rows would be wasted.
    fn of(self, list: &List, buckets: usize) -> (Position, usize) {
        let all = list.limit + 1;
        match self {
            Amount::Rest(from, read) => (from, all.saturating_sub(read).max(1)),
            Amount::Share(spread) => {
                let part = buckets as f64 / f64::from(spread.get());
                let expected = all as f64 * part;
                let likely = expected + 2.0 * (expected * (1.0 - part)).sqrt();
                (list.start, (likely.round() as usize).clamp(1, all))
            }
        }
    }
}

/// A product's reviews in one order, from one position on.
///
/// An order is a sequence of groups, each sorted by id. So unrated reviews come last under both
/// `highest` and `lowest`, independent of how engines sort NULL, and (group, id) is the sort key of
/// every order.
struct List {
    product: ProductId,
    sort: ReviewSort,
    groups: Vec<RatingClass>,
    start: Position,
    limit: usize,
    scope: ListScope,
}

/// A review and its group.
type GroupedReview = (u8, Review);

impl List {
    fn new(product: ProductId, query: &ReviewQuery) -> Result<List, StoreError> {
        let scope = ListScope::of(&[
            "reviews",
            &product.to_string(),
            query.sort.as_str(),
            &query.rating.map_or(String::new(), |rating| rating.stars().to_string()),
        ]);
        let groups = groups(query.sort, query.rating);
        let start = match &query.cursor {
            Some(cursor) => cursor::decode(scope, cursor)?,
            None => Position { group: 0, id: first_id(query.sort) },
        };
        if usize::from(start.group) >= groups.len() {
            return Err(StoreError::CursorInvalid);
        }
        Ok(List { product, sort: query.sort, groups, start, limit: query.limit.get(), scope })
    }

    /// Up to `limit` reviews of one database from `start` on, group by group.
    fn fetch(
        &self,
        connection: &mut Connection,
        owned: &OwnedBuckets,
        start: Position,
        limit: usize,
    ) -> Result<Vec<GroupedReview>, QueryError> {
        let mut rows: Vec<GroupedReview> = Vec::with_capacity(limit);
        for (group, &class) in (0..).zip(&self.groups).skip(start.group.into()) {
            let id = if group == start.group { start.id } else { first_id(self.sort) };
            let direction = match self.sort {
                ReviewSort::Oldest => Direction::OldestAbove(id),
                _ => Direction::NewestBelow(id),
            };
            let wanted = limit - rows.len();
            let found = reviews::list(connection, self.product, owned, class, direction, wanted)?;
            rows.extend(found.into_iter().map(|review| (group, review)));
            if rows.len() == limit {
                break;
            }
        }
        Ok(rows)
    }

    /// The position after these rows.
    fn after(&self, rows: &[GroupedReview]) -> Position {
        let last = rows.last();
        last.map_or(self.start, |(group, review)| Position { group: *group, id: review.id.get() })
    }

    /// The sort key of a row.
    fn sort_key(&self, (group, review): &GroupedReview) -> (u8, i64) {
        let id = review.id.get();
        (*group, if self.sort == ReviewSort::Oldest { id } else { !id })
    }

    /// The databases whose rows end before the page does, although they may have more.
    fn short_parts(&self, parts: &[DatabasePart]) -> Vec<usize> {
        let mut keys: Vec<_> =
            parts.iter().flat_map(|part| &part.rows).map(|row| self.sort_key(row)).collect();
        keys.sort_unstable();
        let end = keys.get(self.limit);
        let is_short = |part: &DatabasePart| {
            let last = part.rows.last().map(|row| self.sort_key(row));
            !part.is_exhausted && (end.is_none() || last.as_ref() < end)
        };
        (0..parts.len()).filter(|&part| is_short(&parts[part])).collect()
    }

    /// The page, from the rows of all databases.
    fn page(&self, mut rows: Vec<GroupedReview>, watermark: LowWatermark) -> ReviewPage {
        rows.sort_unstable_by_key(|row| self.sort_key(row));
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if more {
            // Above the low watermark, a slow write may still appear between two rows. If no row is
            // below it, the page is empty, and its cursor repeats the request.
            watermark.cut(&mut rows, |(_, review)| review.id.get());
        }
        let next = self.after(&rows);
        let items = rows.into_iter().map(|(_, review)| review).collect();
        Page::new(items, more.then(|| cursor::encode(self.scope, next)))
    }
}

/// Sorts the items of several databases by their ids and keeps the newest `limit`. Returns the cursor
/// of the next page.
pub(in crate::store) fn newest_page<T>(
    items: &mut Vec<T>,
    limit: usize,
    scope: ListScope,
    id: impl Fn(&T) -> i64,
) -> Option<String> {
    items.sort_by_key(|item| std::cmp::Reverse(id(item)));
    cursor::cut(items, limit, scope, id)
}

/// The groups of an order.
fn groups(sort: ReviewSort, rating: Option<Rating>) -> Vec<RatingClass> {
    let mut rated: Vec<_> = Rating::BEST_FIRST.map(RatingClass::Rated).to_vec();
    match (rating, sort) {
        (Some(rating), _) => vec![RatingClass::Rated(rating)],
        (None, ReviewSort::Newest | ReviewSort::Oldest) => vec![RatingClass::Any],
        (None, ReviewSort::Highest | ReviewSort::Lowest) => {
            if sort == ReviewSort::Lowest {
                rated.reverse();
            }
            rated.push(RatingClass::Unrated);
            rated
        }
    }
}

/// The position before every id of a group.
fn first_id(sort: ReviewSort) -> i64 {
    match sort {
        ReviewSort::Oldest => 0,
        _ => i64::MAX,
    }
}
