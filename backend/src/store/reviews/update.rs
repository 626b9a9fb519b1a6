//! Changing one review, for its author and for moderators: one transaction for the review, its
//! rating row, its version and its history.

use jiff::Timestamp;
use ostrakon_shared::{Review, ReviewAction, ReviewId, ReviewStatus};

use crate::db::moderation::{self, EventRow};
use crate::db::owner::WriteAccess;
use crate::db::ratings;
use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, Lock, QueryError, lock};
use crate::shard::bucket_of;
use crate::store::actor::Actor;
use crate::store::error::{StoreError, TransactionError, transaction};
use crate::store::reviews::Reviews;
use crate::store::routing::change_counters::Subject;

impl Reviews<'_> {
    /// Runs `change` on the review in one transaction of the database that owns it.
    pub(super) fn update_review<T>(
        &self,
        id: ReviewId,
        change: impl Fn(
            &mut Connection,
            &WriteAccess,
            ReviewRow,
            Review,
        ) -> Result<T, TransactionError<QueryError>>,
    ) -> Result<T, StoreError> {
        let bucket = bucket_of(id);
        let routing = self.routing();
        routing.with_current_map(|map| {
            let owner = map.owner(bucket);
            let mut product = None;
            let changed = transaction(&routing.database(owner.database), |connection| {
                let owners = &routing.shards.database(owner.database).owners;
                let route = std::iter::once((bucket, owner.epoch));
                let access = WriteAccess::acquire(connection, owners, route)?;
                access.require(bucket)?;
                lock(connection, Lock::Review(id.get()))?;
                let Some(row) = reviews::find(connection, bucket, id)? else {
                    return Err(StoreError::ReviewNotFound(id).into());
                };
                let review = Review::try_from(row.clone())?;
                product = Some(review.product_id);
                change(connection, &access, row, review)
            });
            // Also after a failure: the outcome of a commit is not always known.
            if let Some(product) = product {
                routing.shards.change_counters.bump(Subject::Review(id));
                routing.shards.change_counters.bump(Subject::Product(product));
            }
            Ok(changed?)
        })
    }
}

/// A change of a review, as its history records it.
pub(in crate::store) struct ReviewUpdate {
    pub action: ReviewAction,
    pub status: ReviewStatus,
    pub reason: Option<String>,
    pub note: Option<String>,
}

/// Stores `changed` in place of `row` as the review's next version, moves its rating, and adds an
/// entry to its history.
pub(in crate::store) fn store_update(
    connection: &mut Connection,
    access: &WriteAccess,
    actor: &Actor,
    row: &ReviewRow,
    changed: ReviewRow,
    update: &ReviewUpdate,
) -> Result<Review, QueryError> {
    let changed =
        ReviewRow { status: update.status.to_string(), version: row.version + 1, ..changed };
    reviews::update(connection, access, &changed)?;
    let review = Review::try_from(changed.clone())?;
    let bucket = bucket_of(review.id);
    let (before, after) = (row.visibility()?, changed.visibility()?);
    ratings::move_rating(connection, access, bucket, review.product_id, before, after)?;
    let event = EventRow {
        bucket: row.bucket,
        review_id: row.id,
        version: changed.version,
        action: update.action.to_string(),
        from_status: row.status.clone(),
        to_status: changed.status,
        actor_id: actor.id.get(),
        actor_name: actor.name.clone(),
        reason: update.reason.clone(),
        note: update.note.clone(),
        created_at: Timestamp::now().as_millisecond(),
    };
    moderation::insert_event(connection, access, &event)?;
    Ok(review)
}
