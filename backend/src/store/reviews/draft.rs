//! A new review between its request and its database, and what becomes of it.

use ostrakon_shared::{NewReview, ProductId, Review, ReviewId, ReviewStatus};

use crate::db::idempotency_keys::KeyRow;
use crate::db::reviews::ReviewRow;
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

impl Draft {
    /// Its row under this id.
    pub fn row(&self, id: ReviewId) -> ReviewRow {
        ReviewRow {
            bucket: self.bucket.number(),
            id: id.get(),
            product_id: self.product.get(),
            rating: self.review.rating.and_then(|rating| i16::try_from(rating).ok()),
            title: self.review.title.clone(),
            body: self.review.body.clone(),
            author_name: self.signature.name.clone(),
            author_id: self.author.as_ref().map(|author| author.id.get()),
            status: self.status.to_string(),
            version: 1,
            edited_at: None,
            open_reports: 0,
            pen_name: self.signature.is_pen_name,
        }
    }

    /// The row of its key, if it has one.
    pub fn key_row(&self, id: ReviewId) -> Option<KeyRow> {
        let (key, fingerprint) = self.key.clone()?;
        Some(KeyRow {
            bucket: self.bucket.number(),
            product_id: self.product.get(),
            key,
            fingerprint,
            review_id: id.get(),
        })
    }
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
