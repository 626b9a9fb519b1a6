//! Reading one review: a public one, or an author's own.

use ostrakon_shared::{Rejection, Review, ReviewEvent, ReviewId, ReviewLocation, ReviewStatus};

use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, QueryError, moderation, owner};
use crate::shard::bucket_of;
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;

impl Reviews<'_> {
    /// The public review with this id.
    pub fn get(&self, id: ReviewId) -> Result<Review, StoreError> {
        let found = self.find(id, |_, row| Review::try_from(row))?;
        found
            .filter(|review| review.status == ReviewStatus::Approved)
            .ok_or(StoreError::ReviewNotFound(id))
    }

    /// An author's own review with any status, unless it is deleted.
    pub fn own(&self, author: &Actor, id: ReviewId) -> Result<Review, StoreError> {
        let found = self.find(id, |connection, row| {
            let is_own = row.author_id == Some(author.id.get());
            is_own.then(|| own_review(connection, row)).transpose()
        });
        found?
            .flatten()
            .filter(|review| review.status != ReviewStatus::Deleted)
            .ok_or(StoreError::ReviewNotFound(id))
    }

    /// The location of a public review.
    pub fn location(&self, id: ReviewId) -> Result<ReviewLocation, StoreError> {
        self.get(id)?;
        let place = self.shared.shards.locate(id);
        Ok(ReviewLocation { id, bucket: place.bucket.get(), database: place.database })
    }

    /// Reads the review with this id, and converts its row by `make`. `None`: no such review exists.
    fn find<T>(
        &self,
        id: ReviewId,
        make: impl Fn(&mut Connection, ReviewRow) -> Result<T, QueryError>,
    ) -> Result<Option<T>, StoreError> {
        let bucket = bucket_of(id);
        let routing = self.routing();
        routing.with_current_map(|map| {
            let owner = map.owner(bucket);
            let request = routing.database(owner.database);
            let found = request.read(|connection| {
                let owners = &request.database.owners;
                owner::require_readable_bucket(connection, owners, bucket, owner.epoch)?;
                let row = reviews::find(connection, bucket, id)?;
                row.map(|row| make(connection, row)).transpose()
            });
            Ok(found?)
        })
    }
}

/// A review as its author sees it: with the reason, if a moderator has hidden it.
pub(super) fn own_review(
    connection: &mut Connection,
    row: ReviewRow,
) -> Result<Review, QueryError> {
    let review = Review::try_from(row.clone())?;
    if ![ReviewStatus::Rejected, ReviewStatus::Spam].contains(&review.status) {
        return Ok(review);
    }
    // The last change of a hidden review is the decision.
    let decision = moderation::find_event(connection, &row)?.map(ReviewEvent::try_from);
    let rejection = decision
        .transpose()?
        .and_then(|event| Some(Rejection { reason: event.reason?, note: event.note }));
    Ok(Review { rejection, ..review })
}
