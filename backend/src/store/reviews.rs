//! Writing a review, and reading one.

use ostrakon_shared::{NewReview, ProductId, Review, ReviewId, ReviewLocation, ReviewStatus};
use twox_hash::XxHash3_128;

use super::{Store, StoreError};
use crate::db::ratings::{self, Counted};
use crate::db::reviews::{self, Replay, ReviewRow};
use crate::db::{Connection, DbError, QueryError, owner};
use crate::shard::{Bucket, ShardMap, bucket_of, home_buckets, slot_of_key};

/// How often a write draws another id after finding its id taken. Two processes choose the same
/// id once in millions of years; more than a few times in a row is something else.
const MAX_DRAWS: usize = 8;

/// The review that a request made.
#[derive(Debug)]
pub struct Created {
    /// The review.
    pub review: Review,
    /// Whether an earlier request with the same key made it.
    pub replayed: bool,
}

impl Store {
    /// Reviews a product. The same `key` and review answer with the same review again.
    pub fn create_review(
        &self,
        product: ProductId,
        review: &NewReview,
        key: Option<&str>,
    ) -> Result<Created, StoreError> {
        let errors = review.errors();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        self.require_product(product)?;
        let slot = match key {
            Some(key) => slot_of_key(key.as_bytes(), self.spread),
            None => fastrand::usize(..usize::from(self.spread.get())),
        };
        let bucket = home_buckets(product, self.spread)
            .nth(slot)
            .ok_or_else(|| StoreError::Internal(format!("slot {slot} of product {product}")))?;
        let key = match key {
            Some(key) => Some((key, fingerprint(review)?)),
            None => None,
        };
        let write = Write { product, bucket, review, key };
        self.routed(|map| self.write_review(map, &write))
    }

    fn write_review(&self, map: &ShardMap, write: &Write) -> Result<Created, StoreError> {
        let owner = map.owner(write.bucket);
        let database = &self.reviews[owner.database];
        for _ in 0..MAX_DRAWS {
            let written = database.write(|connection| {
                owner::require_writable(connection, write.bucket, owner.epoch)?;
                if let Some(replay) = write.replay(connection)? {
                    return Ok((replay, None));
                }
                // Minted in here, so that an id is in flight only while it is written.
                let minted = self.mint.mint(write.bucket)?;
                let review = write.insert(connection, minted.id)?;
                Ok((Ok(Created { review, replayed: false }), Some(minted)))
            });
            match written {
                Err(DbError::Conflict { .. }) => continue,
                written => {
                    let (created, _in_flight_until_committed) = written?;
                    return created;
                }
            }
        }
        Err(StoreError::Internal(format!("{MAX_DRAWS} ids of bucket {} were taken", write.bucket)))
    }

    /// The review with this id.
    pub fn review(&self, id: ReviewId) -> Result<Review, StoreError> {
        let bucket = bucket_of(id);
        let found = self.routed(|map| {
            let found = self.reviews[map.owner(bucket).database].read(|connection| {
                owner::require_readable(connection, &[bucket])?;
                reviews::find(connection, bucket, id)
            });
            Ok(found?)
        });
        found?.ok_or(StoreError::ReviewNotFound(id))
    }

    /// Where the review with this id lives.
    pub fn review_location(&self, id: ReviewId) -> Result<ReviewLocation, StoreError> {
        self.review(id)?;
        let place = self.place(id);
        Ok(ReviewLocation { id, bucket: place.bucket.get(), database: place.database })
    }
}

/// A review on its way into the database that owns its bucket.
struct Write<'a> {
    product: ProductId,
    bucket: Bucket,
    review: &'a NewReview,
    key: Option<(&'a str, Vec<u8>)>,
}

impl Write<'_> {
    /// What an earlier request with the same key came to; `None` when there was none.
    fn replay(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Result<Created, StoreError>>, QueryError> {
        let Some((key, fingerprint)) = &self.key else { return Ok(None) };
        let Some(earlier) = reviews::find_key(connection, self.bucket, self.product, key)? else {
            return Ok(None);
        };
        if earlier.fingerprint != *fingerprint {
            return Ok(Some(Err(StoreError::IdempotencyKeyReused)));
        }
        let id = ReviewId::new(earlier.review_id);
        let review = id.map(|id| reviews::find(connection, self.bucket, id)).transpose()?.flatten();
        let missing = || QueryError::Broken(format!("no review {} of its key", earlier.review_id));
        Ok(Some(Ok(Created { review: review.ok_or_else(missing)?, replayed: true })))
    }

    fn insert(&self, connection: &mut Connection, id: ReviewId) -> Result<Review, QueryError> {
        let row = ReviewRow {
            bucket: self.bucket.number(),
            id: id.get(),
            product_id: self.product.get(),
            rating: self.review.rating.and_then(|rating| i16::try_from(rating).ok()),
            title: self.review.title.clone(),
            body: self.review.body.clone(),
            author_name: self.review.author_name.clone(),
            author_id: None,
            status: ReviewStatus::Approved.to_string(),
            version: 1,
            edited_at: None,
            open_reports: 0,
        };
        reviews::insert(connection, &row)?;
        let review = Review::try_from(row)?;
        let counted = Counted::of(review.status, review.rating);
        ratings::add(connection, self.bucket, self.product, counted)?;
        if let Some((key, fingerprint)) = &self.key {
            let replay = Replay { fingerprint: fingerprint.clone(), review_id: id.get() };
            reviews::insert_key(connection, self.bucket, self.product, key, &replay)?;
        }
        Ok(review)
    }
}

/// What tells one review from another under the same key: 128 bits, so that no two collide by
/// accident; nobody gains by colliding with himself.
fn fingerprint(review: &NewReview) -> Result<Vec<u8>, StoreError> {
    let canonical = serde_json::to_vec(review).map_err(|e| StoreError::Internal(e.to_string()))?;
    Ok(XxHash3_128::oneshot(&canonical).to_be_bytes().to_vec())
}
