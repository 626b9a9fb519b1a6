//! Creating a review, and reading one.

use ostrakon_shared::{
    AccountId, NewReview, ProductId, Review, ReviewId, ReviewLocation, ReviewStatus,
};
use twox_hash::XxHash3_128;

use crate::db::{owner, reviews};
use crate::shard::{Bucket, bucket_of, home_buckets, slot_of_author, slot_of_key};
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::reviews::Reviews;
use crate::store::reviews::draft::Draft;
use crate::store::reviews::signature::Signature;
use crate::store::reviews::write_queue::PendingWrite;

impl Reviews<'_> {
    /// Starts creating a review by an account or guest. The same `key` and content return the same
    /// review.
    pub fn create(
        &self,
        author: Option<Actor>,
        product: ProductId,
        review: NewReview,
        key: Option<&str>,
    ) -> Result<PendingWrite, StoreError> {
        if author.is_none() && !self.shared.policy.guest_reviews {
            return Err(StoreError::SignInRequired);
        }
        let errors = review.validate();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        let signature = Signature::of(review.author_name.as_deref(), author.as_ref())?;
        let shards = &self.shared.shards;
        let spread = shards.spread;
        let bucket = match (&author, key) {
            (Some(author), _) => self.author_bucket(author.id, product)?,
            (None, Some(key)) => self.home_bucket(product, slot_of_key(key.as_bytes(), spread))?,
            (None, None) => {
                self.home_bucket(product, fastrand::usize(..usize::from(spread.get())))?
            }
        };
        let key = match key {
            Some(key) => Some((scoped_key(key, author.as_ref()), fingerprint(&review)?)),
            None => None,
        };
        let status = self.initial_status();
        let draft = Draft { product, bucket, review, signature, author, key, status };
        self.enqueue(shards.map().owner(bucket).database, draft)
    }

    /// The status of a new or changed review.
    pub(super) fn initial_status(&self) -> ReviewStatus {
        if self.shared.policy.pre_moderation {
            ReviewStatus::Pending
        } else {
            ReviewStatus::Approved
        }
    }

    /// The bucket of all reviews of this product by this author.
    pub(super) fn author_bucket(
        &self,
        author: AccountId,
        product: ProductId,
    ) -> Result<Bucket, StoreError> {
        self.home_bucket(product, slot_of_author(author, self.shared.shards.spread))
    }

    fn home_bucket(&self, product: ProductId, slot: usize) -> Result<Bucket, StoreError> {
        home_buckets(product, self.shared.shards.spread).nth(slot).ok_or_else(|| {
            StoreError::Internal(format!("product {product} has no home bucket {slot}"))
        })
    }

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

/// The stored key, separate for each account. Keys contain no spaces, so a guest's key can't look
/// like an account's.
fn scoped_key(key: &str, author: Option<&Actor>) -> String {
    author.map_or_else(|| key.to_owned(), |author| format!("account {} {key}", author.id))
}

/// The 128-bit hash of a review, to detect another review under the same key. Deliberate collisions
/// would only affect the client itself.
fn fingerprint(review: &NewReview) -> Result<Vec<u8>, StoreError> {
    let canonical = serde_json::to_vec(review).map_err(|e| StoreError::Internal(e.to_string()))?;
    Ok(XxHash3_128::oneshot(&canonical).to_be_bytes().to_vec())
}
