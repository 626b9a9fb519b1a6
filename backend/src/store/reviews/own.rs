//! Authors' own reviews: list, edit, delete.

use jiff::Timestamp;
use ostrakon_shared::{
    PageLimit, ProductId, Review, ReviewAction, ReviewEdit, ReviewId, ReviewPage, ReviewStatus,
};

use crate::db::moderation;
use crate::db::owner::{OwnedBuckets, WriteAccess};
use crate::db::review_search::{self, Filter};
use crate::db::reviews::ReviewRow;
use crate::db::{Connection, QueryError};
use crate::shard::Bucket;
use crate::store::actor::Actor;
use crate::store::error::{StoreError, TransactionError};
use crate::store::reviews::Reviews;
use crate::store::reviews::list::newest_page;
use crate::store::reviews::read::own_review;
use crate::store::reviews::signature::Signature;
use crate::store::reviews::update::{ReviewUpdate, store_update};
use crate::store::routing::cursor::{self, ListScope};
use crate::store::routing::scatter_gather::ReadFrom;
use crate::store::version::ExpectedVersion;

/// The parameters of a page of an author's own reviews.
#[derive(Clone, Debug, Default)]
pub struct OwnReviewQuery {
    /// Only the review of this product.
    pub product: Option<ProductId>,
    /// The maximum number of reviews.
    pub limit: PageLimit,
    /// The start of the page.
    pub cursor: Option<String>,
    /// Whether a partial result is allowed, without databases that are down.
    pub allow_partial: bool,
}

impl Reviews<'_> {
    /// A page of an account's reviews except deleted ones, the newest first.
    pub fn list_own(
        &self,
        author: &Actor,
        query: &OwnReviewQuery,
    ) -> Result<ReviewPage, StoreError> {
        let product = query.product.map_or(String::new(), |product| product.to_string());
        let scope = ListScope::of(&["own reviews", &author.id.to_string(), &product]);
        let below = cursor::start(scope, query.cursor.as_deref(), i64::MAX)?;
        let filter = Filter {
            author: Some(author.id),
            product: query.product,
            without_deleted: true,
            ..Filter::default()
        };
        // An author's review of a product can lie in one bucket only.
        let buckets: Vec<Bucket> = match query.product {
            Some(product) => vec![self.author_bucket(author.id, product)?],
            None => Bucket::all().collect(),
        };
        let limit = query.limit.get();
        let routing = self.routing();
        routing.with_current_map(|map| {
            let filter = filter.clone();
            let fetch = move |connection: &mut Connection, owned: &OwnedBuckets| {
                let rows = review_search::newest(connection, &filter, owned, below, limit + 1)?;
                rows.into_iter().map(|row| own_review(connection, row)).collect()
            };
            let buckets = buckets.iter().copied();
            let gathered =
                routing.scatter_gather(map, buckets, ReadFrom::Any, query.allow_partial, fetch)?;
            let answers: Vec<Vec<Review>> = gathered.answers;
            let mut items: Vec<Review> = answers.into_iter().flatten().collect();
            let next_cursor = newest_page(&mut items, limit, scope, |review| review.id.get());
            Ok(ReviewPage {
                items,
                next_cursor,
                missing_databases: routing.shards.names(&gathered.missing),
            })
        })
    }

    /// Changes an author's own review if it still has an expected version. With pre-moderation, or
    /// if it is hidden, it becomes pending.
    pub fn edit(
        &self,
        author: &Actor,
        id: ReviewId,
        expected: &ExpectedVersion,
        edit: &ReviewEdit,
    ) -> Result<Review, StoreError> {
        let signature = edit.author_name.as_ref().map(|name| {
            let signature = Signature::of(name.as_deref(), Some(author))?;
            self.require_free(&signature).map(|()| signature)
        });
        self.update_own_review(author, id, |connection, access, row, review| {
            expected.require(review.version)?;
            let content = edit.applied_to(&review);
            let errors = content.validate();
            if !errors.is_empty() {
                return Err(StoreError::Invalid(errors).into());
            }
            let (author_name, pen_name) = match &signature {
                // An unchanged name stays, even if an account has taken it since.
                _ if content.author_name == row.author_name => (content.author_name, row.pen_name),
                Some(Err(error)) => return Err(error.clone().into()),
                Some(Ok(signature)) => (signature.name.clone(), signature.is_pen_name),
                None => (row.author_name.clone(), row.pen_name),
            };
            let changed = ReviewRow {
                rating: content.rating.and_then(|rating| i16::try_from(rating).ok()),
                title: content.title,
                body: content.body,
                author_name,
                pen_name,
                ..row.clone()
            };
            if changed == row {
                return Ok(own_review(connection, row)?);
            }
            let status = match review.status {
                ReviewStatus::Approved => self.initial_status(),
                _ => ReviewStatus::Pending,
            };
            let now = Timestamp::now().as_millisecond();
            let changed = ReviewRow { edited_at: Some(now), ..changed };
            let update =
                ReviewUpdate { action: ReviewAction::Edit, status, reason: None, note: None };
            Ok(store_update(connection, access, author, &row, changed, &update)?)
        })
    }

    /// Deletes an author's own review if it still has an expected version.
    pub fn delete(
        &self,
        author: &Actor,
        id: ReviewId,
        expected: &ExpectedVersion,
    ) -> Result<(), StoreError> {
        let deleted = self.update_own_review(author, id, |connection, access, row, review| {
            expected.require(review.version)?;
            let status = ReviewStatus::Deleted;
            let update =
                ReviewUpdate { action: ReviewAction::Delete, status, reason: None, note: None };
            let changed = ReviewRow { open_reports: 0, ..row.clone() };
            moderation::close_reports(connection, access, &row, row.version + 1)?;
            Ok(store_update(connection, access, author, &row, changed, &update)?)
        });
        deleted.map(drop)
    }

    fn update_own_review(
        &self,
        author: &Actor,
        id: ReviewId,
        change: impl Fn(
            &mut Connection,
            &WriteAccess,
            ReviewRow,
            Review,
        ) -> Result<Review, TransactionError<QueryError>>,
    ) -> Result<Review, StoreError> {
        self.update_review(id, |connection, access, row, review| {
            let is_own = row.author_id == Some(author.id.get());
            match review.status {
                ReviewStatus::Deleted => Err(StoreError::ReviewNotFound(id).into()),
                ReviewStatus::Approved if !is_own => Err(StoreError::NotAllowed.into()),
                // The existence of a hidden review is not public.
                _ if !is_own => Err(StoreError::ReviewNotFound(id).into()),
                _ => change(connection, access, row, review),
            }
        })
    }
}
