//! What authors do with their own reviews: list, edit, delete.

use jiff::Timestamp;
use ostrakon_shared::{
    PageLimit, ProductId, Review, ReviewAction, ReviewEdit, ReviewId, ReviewPage, ReviewStatus,
};

use crate::db::moderation::{self, EventRow};
use crate::db::owner::Owned;
use crate::db::review_search::{self, Filter};
use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, Lock, QueryError, lock};
use crate::db::{owner, ratings};
use crate::shard::{Bucket, bucket_of};
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::store::reviews::signature::Signature;
use crate::store::routing::change_counters::Subject;
use crate::store::routing::cursor::{self, ListScope, Position};
use crate::store::routing::scatter_gather::Source;
use crate::store::version::ExpectedVersion;

/// A page of an author's own reviews, as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct OwnReviewQuery {
    /// Only the one of this product.
    pub product: Option<ProductId>,
    /// Reviews on the page at most.
    pub limit: PageLimit,
    /// Where the page starts.
    pub cursor: Option<String>,
    /// Whether an answer that lacks the reviews of a database that is down is better than none.
    pub allow_partial: bool,
}

impl Reviews<'_> {
    /// A page of the reviews that an account has written and not deleted, the newest first.
    pub fn list_own(
        &self,
        author: &Actor,
        query: &OwnReviewQuery,
    ) -> Result<ReviewPage, StoreError> {
        let product = query.product.map_or(String::new(), |product| product.to_string());
        let scope = ListScope::of(&["own reviews", &author.id.to_string(), &product]);
        let below = cursor::newest_below(scope, query.cursor.as_deref())?;
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
        routing.routed(|map| {
            let filter = filter.clone();
            let fetch = move |connection: &mut Connection, owned: &Owned| {
                review_search::newest(connection, &filter, owned, below, limit + 1)
            };
            let buckets = buckets.iter().copied();
            let gathered = routing.gather(map, buckets, Source::Any, query.allow_partial, fetch)?;
            let mut rows: Vec<ReviewRow> = gathered.answers.into_iter().flatten().collect();
            let more = newest_page(&mut rows, limit);
            let last = rows.last().map(|row| Position { group: 0, id: row.id });
            let items: Result<Vec<_>, _> = rows.into_iter().map(Review::try_from).collect();
            Ok(ReviewPage {
                items: items.map_err(StoreError::from)?,
                next_cursor: last.filter(|_| more).map(|last| cursor::encode(scope, last)),
                missing_databases: routing.shards.names(&gathered.missing),
            })
        })
    }

    /// Changes an author's own review, if it still has an expected version. What a moderator took
    /// from the public, or has to see first, waits for a moderator again.
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
        self.change_own(author, id, |connection, row, review| {
            if let Err(conflict) = expected.require(review.version) {
                return Ok(Err(conflict));
            }
            let content = edit.applied_to(&review);
            let errors = content.errors();
            if !errors.is_empty() {
                return Ok(Err(StoreError::Invalid(errors)));
            }
            let (author_name, pen_name) = match &signature {
                // As it was, even if somebody has an account of this name by now.
                _ if content.author_name == row.author_name => (content.author_name, row.pen_name),
                Some(Err(error)) => return Ok(Err(error.clone())),
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
                return Ok(Ok(review));
            }
            let status = match review.status {
                ReviewStatus::Approved => self.status_of_new(),
                _ => ReviewStatus::Pending,
            };
            let now = Timestamp::now().as_millisecond();
            let changed = ReviewRow { edited_at: Some(now), ..changed };
            let change = Change { action: ReviewAction::Edit, status, reason: None, note: None };
            change_review(connection, author, &row, changed, &change).map(Ok)
        })
    }

    /// Deletes an author's own review, if it still has an expected version.
    pub fn delete(
        &self,
        author: &Actor,
        id: ReviewId,
        expected: &ExpectedVersion,
    ) -> Result<(), StoreError> {
        let deleted = self.change_own(author, id, |connection, row, review| {
            if let Err(conflict) = expected.require(review.version) {
                return Ok(Err(conflict));
            }
            let status = ReviewStatus::Deleted;
            let change = Change { action: ReviewAction::Delete, status, reason: None, note: None };
            let changed = ReviewRow { open_reports: 0, ..row.clone() };
            moderation::close_reports(connection, &row, row.version + 1)?;
            change_review(connection, author, &row, changed, &change).map(Ok)
        });
        deleted.map(drop)
    }

    fn change_own(
        &self,
        author: &Actor,
        id: ReviewId,
        change: impl Fn(
            &mut Connection,
            ReviewRow,
            Review,
        ) -> Result<Result<Review, StoreError>, QueryError>,
    ) -> Result<Review, StoreError> {
        self.change(id, |connection, row, review| {
            let own = row.author_id == Some(author.id.get());
            match review.status {
                ReviewStatus::Deleted => Ok(Err(StoreError::ReviewNotFound(id))),
                ReviewStatus::Approved if !own => Ok(Err(StoreError::NotAllowed)),
                // That it exists is nobody else's business.
                _ if !own => Ok(Err(StoreError::ReviewNotFound(id))),
                _ => change(connection, row, review),
            }
        })
    }

    /// Does `change` with the review in one transaction of the database that owns it.
    pub(super) fn change<T>(
        &self,
        id: ReviewId,
        change: impl Fn(&mut Connection, ReviewRow, Review) -> Result<Result<T, StoreError>, QueryError>,
    ) -> Result<T, StoreError> {
        let bucket = bucket_of(id);
        let routing = self.routing();
        routing.routed(|map| {
            let owner = map.owner(bucket);
            let mut product = None;
            let changed = routing.database(owner.database).write(|connection| {
                lock(connection, Lock::Review(id.get()))?;
                owner::require_writable(connection, bucket, owner.epoch)?;
                let Some(row) = reviews::find(connection, bucket, id)? else {
                    return Ok(Err(StoreError::ReviewNotFound(id)));
                };
                let review = Review::try_from(row.clone())?;
                product = Some(review.product_id);
                change(connection, row, review)
            });
            // Even when it has failed: what became of a commit is not always known.
            if let Some(product) = product {
                routing.shards.revisions.note(Subject::Review(id));
                routing.shards.revisions.note(Subject::Product(product));
            }
            changed?
        })
    }
}

/// The newest `limit` of `rows`, in order; whether there were more.
pub(in crate::store) fn newest_page(rows: &mut Vec<ReviewRow>, limit: usize) -> bool {
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

/// What is done to a review, for its history.
pub(in crate::store) struct Change {
    pub action: ReviewAction,
    pub status: ReviewStatus,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// Writes `changed` in place of `row` as the review's next version: its rating is counted anew,
/// and its history says who did what.
pub(in crate::store) fn change_review(
    connection: &mut Connection,
    actor: &Actor,
    row: &ReviewRow,
    changed: ReviewRow,
    change: &Change,
) -> Result<Review, QueryError> {
    let changed =
        ReviewRow { status: change.status.to_string(), version: row.version + 1, ..changed };
    reviews::update(connection, &changed)?;
    let review = Review::try_from(changed.clone())?;
    let bucket = bucket_of(review.id);
    let (before, after) = (row.counted()?, changed.counted()?);
    ratings::recount(connection, bucket, review.product_id, before, after)?;
    let event = EventRow {
        bucket: row.bucket,
        review_id: row.id,
        version: changed.version,
        action: change.action.to_string(),
        from_status: row.status.clone(),
        to_status: changed.status,
        actor_id: actor.id.get(),
        actor_name: actor.name.clone(),
        reason: change.reason.clone(),
        note: change.note.clone(),
        created_at: Timestamp::now().as_millisecond(),
    };
    moderation::insert_event(connection, &event)?;
    Ok(review)
}
