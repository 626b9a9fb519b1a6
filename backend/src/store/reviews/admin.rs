//! Listing and searching all reviews, for admins.

use ostrakon_shared::{
    AccountId, AdminReview, AdminReviewDetail, AdminReviewPage, Page, PageLimit, ProductId, Rating,
    Report, Review, ReviewEvent, ReviewId, ReviewStatus,
};
use std::collections::HashMap;

use crate::db::owner::OwnedBuckets;
use crate::db::review_search::{self, Filter};
use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, QueryError};
use crate::db::{accounts, moderation, owner};
use crate::shard::{Bucket, ShardMap, bucket_of};
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::store::reviews::list::newest_page;
use crate::store::routing::cursor::{self, ListScope};
use crate::store::routing::scatter_gather::ReadFrom;
use crate::text::words;

/// The maximum number of reports and of events of a review.
const MAX_HISTORY: usize = 100;

/// The parameters of a page of all reviews.
#[derive(Clone, Debug, Default)]
pub struct AdminReviewQuery {
    /// Only reviews in this database.
    pub database: Option<String>,
    /// Only reviews of this product.
    pub product: Option<ProductId>,
    /// Only reviews by this account.
    pub author: Option<AccountId>,
    /// Only reviews with this rating.
    pub rating: Option<Rating>,
    /// Only reviews with this status.
    pub status: Option<ReviewStatus>,
    /// Only reviews whose text or author's name contain all of these words; or the review with this
    /// id, as text or number.
    pub search: String,
    /// The maximum number of reviews.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
    /// Whether a partial result is allowed, without databases that are down.
    pub allow_partial: bool,
}

impl AdminReviewQuery {
    fn scope(&self) -> ListScope {
        let text = |value: Option<String>| value.unwrap_or_default();
        ListScope::of(&[
            "all reviews",
            self.database.as_deref().unwrap_or_default(),
            &text(self.product.map(|id| id.to_string())),
            &text(self.author.map(|id| id.to_string())),
            &text(self.rating.map(|rating| rating.stars().to_string())),
            self.status.map_or("", ReviewStatus::as_str),
            &self.search,
        ])
    }

    /// Whether a row matches, ignoring the search text.
    fn matches(&self, row: &ReviewRow) -> bool {
        self.product.is_none_or(|product| product.get() == row.product_id)
            && self.author.is_none_or(|author| Some(author.get()) == row.author_id)
            && self.rating.is_none_or(|rating| Some(i16::from(rating.stars())) == row.rating)
            && self.status.is_none_or(|status| status.as_str() == row.status)
    }

    fn filter(&self) -> Filter {
        Filter {
            product: self.product,
            author: self.author,
            rating: self.rating,
            status: self.status,
            without_deleted: false,
            words: words(&self.search),
        }
    }
}

impl Reviews<'_> {
    /// A page of reviews of any product and status, the newest first.
    pub fn list_all(&self, query: &AdminReviewQuery) -> Result<AdminReviewPage, StoreError> {
        if let Some(page) = self.named_review(query)? {
            return Ok(page);
        }
        let scope = query.scope();
        let below = cursor::start(scope, query.cursor.as_deref(), i64::MAX)?;
        let filter = query.filter();
        let routing = self.routing();
        let index_of = |name| routing.shards.index_of(name);
        let only = query.database.as_deref().map(index_of).transpose()?;
        let limit = query.limit.get();
        routing.with_current_map(|map| {
            let wanted = |bucket: &Bucket| {
                only.is_none_or(|database| map.owner(*bucket).database == database)
            };
            let buckets = Bucket::all().filter(wanted);
            let filter = filter.clone();
            let fetch = move |connection: &mut Connection, owned: &OwnedBuckets| {
                review_search::newest(connection, &filter, owned, below, limit + 1)
            };
            let gathered = routing.scatter_gather(
                map,
                buckets,
                ReadFrom::Primary,
                query.allow_partial,
                fetch,
            )?;
            let mut rows: Vec<ReviewRow> = gathered.answers.into_iter().flatten().collect();
            let next_cursor = newest_page(&mut rows, limit, scope, |row| row.id);
            Ok(AdminReviewPage {
                items: self.with_names(map, rows)?,
                next_cursor,
                missing_databases: routing.shards.names(&gathered.missing),
            })
        })
    }

    /// The page with the review whose id is the search text. `None` if the text is not the id of a
    /// matching review, because it may also be a word.
    fn named_review(
        &self,
        query: &AdminReviewQuery,
    ) -> Result<Option<AdminReviewPage>, StoreError> {
        let Ok(id) = ReviewId::from_text_or_number(query.search.trim()) else { return Ok(None) };
        let bucket = bucket_of(id);
        let routing = self.routing();
        let page = routing.with_current_map(|map| {
            let owner = map.owner(bucket);
            let request = routing.database(owner.database);
            let database = request.database;
            if query.database.as_deref().is_some_and(|only| only != database.name()) {
                return Ok(None);
            }
            let found = request.read_latest(|connection| {
                let owners = &database.owners;
                owner::require_readable_bucket(connection, owners, bucket, owner.epoch)?;
                reviews::find(connection, bucket, id)
            })?;
            let Some(row) = found.filter(|row| query.matches(row)) else { return Ok(None) };
            Ok(Some(Page::new(self.with_names(map, vec![row])?, None)))
        });
        match page {
            // Other databases may contain the word.
            Err(StoreError::Unavailable(_) | StoreError::Unusable(_)) if query.allow_partial => {
                Ok(None)
            }
            page => page,
        }
    }

    /// A review of any status, with its reports and history.
    pub fn detail(&self, id: ReviewId) -> Result<AdminReviewDetail, StoreError> {
        let bucket = bucket_of(id);
        let routing = self.routing();
        routing.with_current_map(|map| {
            let owner = map.owner(bucket);
            let request = routing.database(owner.database);
            let found = request.read_latest(|connection| {
                let owners = &request.database.owners;
                owner::require_readable_bucket(connection, owners, bucket, owner.epoch)?;
                let Some(row) = reviews::find(connection, bucket, id)? else { return Ok(None) };
                let rows = [row];
                let reports = moderation::reports_of(connection, &rows, MAX_HISTORY)?;
                let events = moderation::events_of(connection, &rows, MAX_HISTORY)?;
                let reports: Result<Vec<_>, QueryError> =
                    reports.into_iter().map(Report::try_from).collect();
                let history: Result<Vec<_>, QueryError> =
                    events.into_iter().map(ReviewEvent::try_from).collect();
                Ok(Some((rows, reports?, history?)))
            });
            let (rows, reports, history) = found?.ok_or(StoreError::ReviewNotFound(id))?;
            let review = self.with_names(map, rows.to_vec())?.pop();
            let review = review.ok_or(StoreError::ReviewNotFound(id))?;
            Ok(AdminReviewDetail { review, reports, history })
        })
    }

    /// Adds the names of products and accounts.
    fn with_names(
        &self,
        map: &ShardMap,
        rows: Vec<ReviewRow>,
    ) -> Result<Vec<AdminReview>, StoreError> {
        let products: Vec<i64> = rows.iter().map(|row| row.product_id).collect();
        let authors: Vec<i64> = rows.iter().filter_map(|row| row.author_id).collect();
        let products = self.catalog().names(&products)?;
        let routing = self.routing();
        let authors: HashMap<i64, String> = routing
            .default()
            .read_latest(|connection| accounts::names(connection, &authors))?
            .into_iter()
            .collect();
        let admin_review = |row: ReviewRow| {
            let author_id = row.author_id;
            let open_reports = row.open_reports.unsigned_abs();
            let review = Review::try_from(row)?;
            let bucket = bucket_of(review.id);
            Ok(AdminReview {
                product_name: products.get(&review.product_id.get()).cloned(),
                author_id: author_id.and_then(AccountId::new),
                author_account: author_id.and_then(|id| authors.get(&id).cloned()),
                open_reports,
                bucket: bucket.get(),
                database: routing.shards.name(map.owner(bucket).database).to_owned(),
                review,
            })
        };
        let reviews: Result<_, QueryError> = rows.into_iter().map(admin_review).collect();
        Ok(reviews?)
    }
}
