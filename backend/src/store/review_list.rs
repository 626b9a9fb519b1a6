//! Paging through a product's reviews, in any order.

use std::cmp::Reverse;
use std::sync::Arc;

use ostrakon_shared::{PageLimit, ProductId, Rating, Review, ReviewPage, ReviewSort};

use super::cursor::{self, ListScope, Position};
use super::fanout::Source;
use super::{Store, StoreError};
use crate::db::owner::Owned;
use crate::db::reviews::{self, Direction, RatingClass};
use crate::db::{Connection, QueryError};
use crate::shard::home_buckets;

/// A page of a product's reviews, as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct ReviewQuery {
    /// The order.
    pub sort: ReviewSort,
    /// Only reviews with this rating.
    pub rating: Option<Rating>,
    /// Reviews on the page at most.
    pub limit: PageLimit,
    /// Where the page starts.
    pub cursor: Option<String>,
    /// Whether an answer that lacks the reviews of a database that is down is better than none.
    pub allow_partial: bool,
}

impl Store {
    /// A page of a product's reviews.
    pub fn list_reviews(
        &self,
        product: ProductId,
        query: &ReviewQuery,
    ) -> Result<ReviewPage, StoreError> {
        self.require_product(product)?;
        let list = Arc::new(List::new(product, query)?);
        self.routed(|map| {
            let home = home_buckets(product, self.spread);
            let partial = query.allow_partial;
            let fetching = Arc::clone(&list);
            let fetch =
                move |connection: &mut Connection, owned: &Owned| fetching.fetch(connection, owned);
            let (gathered, horizon) = match query.sort {
                ReviewSort::Oldest => self.gather_settled(map, home, partial, fetch)?,
                _ => (self.gather(map, home, Source::Any, partial, fetch)?, i64::MAX),
            };
            let mut page = list.page(gathered.answers, horizon);
            page.missing_databases = self.names(&gathered.missing);
            Ok(page)
        })
    }
}

/// A product's reviews in one order, from one position on.
///
/// An order is a sequence of groups, each sorted by id: that keeps unrated reviews last under
/// both `highest` and `lowest`, whatever an engine thinks of NULLs, and makes (group, id) the one
/// sort key of every order.
struct List {
    product: ProductId,
    sort: ReviewSort,
    groups: Vec<RatingClass>,
    start: Position,
    limit: usize,
    scope: ListScope,
}

/// A review and its place in the order.
type Placed = (u8, Review);

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

    /// Up to one review more than fit on the page, of one database: one group after the other.
    fn fetch(&self, connection: &mut Connection, owned: &Owned) -> Result<Vec<Placed>, QueryError> {
        let mut rows: Vec<Placed> = Vec::new();
        for (group, &class) in (0..).zip(&self.groups).skip(self.start.group.into()) {
            let id = if group == self.start.group { self.start.id } else { first_id(self.sort) };
            let direction = match self.sort {
                ReviewSort::Oldest => Direction::OldestAbove(id),
                _ => Direction::NewestBelow(id),
            };
            let wanted = self.limit + 1 - rows.len();
            let found = reviews::list(connection, self.product, owned, class, direction, wanted)?;
            rows.extend(found.into_iter().map(|review| (group, review)));
            if rows.len() > self.limit {
                break;
            }
        }
        Ok(rows)
    }

    /// The page, of the rows of all databases.
    fn page(&self, answers: Vec<Vec<Placed>>, horizon: i64) -> ReviewPage {
        let mut rows: Vec<Placed> = answers.into_iter().flatten().collect();
        match self.sort {
            ReviewSort::Oldest => rows.sort_by_key(|(group, review)| (*group, review.id)),
            _ => rows.sort_by_key(|(group, review)| (*group, Reverse(review.id))),
        }
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        if more {
            // Beyond the horizon a slow write may still appear between two that are here. With
            // nothing below it the page is empty, and its cursor asks for the same again.
            rows.retain(|(_, review)| review.id.get() < horizon);
        }
        let next = rows
            .last()
            .map_or(self.start, |(group, review)| Position { group: *group, id: review.id.get() });
        ReviewPage {
            items: rows.into_iter().map(|(_, review)| review).collect(),
            next_cursor: more.then(|| cursor::encode(self.scope, next)),
            missing_databases: Vec::new(),
        }
    }
}

/// The groups of an order, the first one first.
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
