//! A new review between its request and its database, and what becomes of it.

use ostrakon_shared::{NewReview, ProductId, Review, ReviewStatus};

use crate::shard::Bucket;
use crate::store::actor::Actor;
use crate::store::error::StoreError;
use crate::store::reviews::signature::Signature;

/// A validated new review.
pub(in crate::store) struct Draft {
    pub product: ProductId,
    pub bucket: Bucket,
    pub review: NewReview,
    pub signature: Signature,
    pub author: Option<Actor>,
    /// The stored form of the Idempotency-Key, and the hash of the review.
    pub key: Option<(String, Vec<u8>)>,
    pub status: ReviewStatus,
}

/// The created review of a request.
#[derive(Debug)]
pub struct Created {
    /// The review.
    pub review: Review,
    /// Whether an earlier request with the same key created it.
    pub replayed: bool,
}

/// The outcome for one review.
pub(in crate::store) type Outcome = Result<Created, StoreError>;
