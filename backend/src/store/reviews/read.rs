//! Reading one public review.

use ostrakon_shared::{Review, ReviewId, ReviewLocation, ReviewStatus};

use crate::db::{owner, reviews};
use crate::shard::bucket_of;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;

impl Reviews<'_> {
    /// The public review with this id.
    pub fn get(&self, id: ReviewId) -> Result<Review, StoreError> {
        let bucket = bucket_of(id);
        let routing = self.routing();
        let found = routing.with_current_map(|map| {
            let owner = map.owner(bucket);
            let request = routing.database(owner.database);
            let found = request.read(|connection| {
                let owners = &request.database.owners;
                owner::require_readable_bucket(connection, owners, bucket, owner.epoch)?;
                reviews::find(connection, bucket, id)?.map(Review::try_from).transpose()
            });
            Ok(found?)
        });
        found?
            .filter(|review| review.status == ReviewStatus::Approved)
            .ok_or(StoreError::ReviewNotFound(id))
    }

    /// The location of a public review.
    pub fn location(&self, id: ReviewId) -> Result<ReviewLocation, StoreError> {
        self.get(id)?;
        let place = self.shared.shards.locate(id);
        Ok(ReviewLocation { id, bucket: place.bucket.get(), database: place.database })
    }
}
