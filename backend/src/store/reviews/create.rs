//! Creating a review: checks it, and chooses its bucket by author, key or chance.

use ostrakon_shared::{AccountId, NewReview, ProductId, ReviewStatus};
use twox_hash::XxHash3_128;

use crate::shard::{Bucket, home_buckets, slot_of_author, slot_of_key};
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
