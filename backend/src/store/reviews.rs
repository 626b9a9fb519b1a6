//! Writing a review, and reading one.

use ostrakon_shared::{
    AccountId, NewReview, ProductId, Review, ReviewId, ReviewLocation, ReviewStatus,
};
use twox_hash::XxHash3_128;

use super::{Actor, Store, StoreError};
use crate::db::ratings::{self, Counted};
use crate::db::reviews::{self, Replay, ReviewRow};
use crate::db::{Connection, DbError, QueryError, announce_write, owner};
use crate::shard::{Bucket, ShardMap, bucket_of, home_buckets, slot_of_author, slot_of_key};

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
    /// Reviews a product, as an account or as a guest. The same `key` and review answer with the
    /// same review again.
    pub fn create_review(
        &self,
        author: Option<&Actor>,
        product: ProductId,
        review: &NewReview,
        key: Option<&str>,
    ) -> Result<Created, StoreError> {
        if author.is_none() && !self.policy.guest_reviews {
            return Err(StoreError::SignInRequired);
        }
        let errors = review.errors();
        if !errors.is_empty() {
            return Err(StoreError::Invalid(errors));
        }
        self.require_open_product(product)?;
        let bucket = match (author, key) {
            (Some(author), _) => self.author_bucket(author.id, product)?,
            (None, Some(key)) => {
                self.home_bucket(product, slot_of_key(key.as_bytes(), self.spread))?
            }
            (None, None) => {
                self.home_bucket(product, fastrand::usize(..usize::from(self.spread.get())))?
            }
        };
        let key = match key {
            Some(key) => Some((scoped(key, author), fingerprint(review)?)),
            None => None,
        };
        let status = self.status_of_new();
        let write = Write { product, bucket, review, author, key, status };
        self.routed(|map| self.write_review(map, &write))
    }

    /// The status of a review that was written or changed just now.
    pub(super) fn status_of_new(&self) -> ReviewStatus {
        if self.policy.pre_moderation { ReviewStatus::Pending } else { ReviewStatus::Approved }
    }

    /// The bucket in which all of this author's reviews of this product lie.
    pub(super) fn author_bucket(
        &self,
        author: AccountId,
        product: ProductId,
    ) -> Result<Bucket, StoreError> {
        self.home_bucket(product, slot_of_author(author, self.spread))
    }

    fn home_bucket(&self, product: ProductId, slot: usize) -> Result<Bucket, StoreError> {
        home_buckets(product, self.spread)
            .nth(slot)
            .ok_or_else(|| StoreError::Internal(format!("slot {slot} of product {product}")))
    }

    fn write_review(&self, map: &ShardMap, write: &Write) -> Result<Created, StoreError> {
        let owner = map.owner(write.bucket);
        let database = &self.reviews[owner.database];
        for _ in 0..MAX_DRAWS {
            let written = database.write(|connection| {
                owner::require_writable(connection, write.bucket, owner.epoch)?;
                if let Some(earlier) = write.earlier(connection)? {
                    return Ok((earlier, None));
                }
                // Minted in here, so that an id is in flight only while it is written.
                let now_ms = announce_write(connection)?;
                let minted = self.mint.mint(write.bucket, now_ms)?;
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

    /// The public review with this id.
    pub fn review(&self, id: ReviewId) -> Result<Review, StoreError> {
        let bucket = bucket_of(id);
        let found = self.routed(|map| {
            let found = self.reviews[map.owner(bucket).database].read(|connection| {
                owner::require_readable(connection, &[bucket])?;
                reviews::find(connection, bucket, id)?.map(Review::try_from).transpose()
            });
            Ok(found?)
        });
        found?
            .filter(|review| review.status == ReviewStatus::Approved)
            .ok_or(StoreError::ReviewNotFound(id))
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
    author: Option<&'a Actor>,
    /// The key as it is stored, and the hash of the request.
    key: Option<(String, Vec<u8>)>,
    status: ReviewStatus,
}

impl Write<'_> {
    /// What an earlier request came to that leaves nothing to write; `None` when there was none.
    fn earlier(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Result<Created, StoreError>>, QueryError> {
        if let Some((key, fingerprint)) = &self.key
            && let Some(earlier) = reviews::find_key(connection, self.bucket, self.product, key)?
        {
            if earlier.fingerprint != *fingerprint {
                return Ok(Some(Err(StoreError::IdempotencyKeyReused)));
            }
            return self.replay(connection, &earlier).map(Some);
        }
        let Some(author) = self.author else { return Ok(None) };
        let row = reviews::find_by_author(connection, self.bucket, self.product, author.id)?;
        let existing = row.map(Review::try_from).transpose()?;
        Ok(existing.map(|review| Err(StoreError::ReviewExists(review.id))))
    }

    fn replay(
        &self,
        connection: &mut Connection,
        earlier: &Replay,
    ) -> Result<Result<Created, StoreError>, QueryError> {
        let missing = || QueryError::Broken(format!("no review {} of its key", earlier.review_id));
        let id = ReviewId::new(earlier.review_id).ok_or_else(missing)?;
        let row = reviews::find(connection, self.bucket, id)?.ok_or_else(missing)?;
        let review = Review::try_from(row)?;
        if review.status == ReviewStatus::Deleted {
            return Ok(Err(StoreError::ReviewNotFound(id)));
        }
        Ok(Ok(Created { review, replayed: true }))
    }

    fn insert(&self, connection: &mut Connection, id: ReviewId) -> Result<Review, QueryError> {
        let signed = self.review.author_name.clone();
        let row = ReviewRow {
            bucket: self.bucket.number(),
            id: id.get(),
            product_id: self.product.get(),
            rating: self.review.rating.and_then(|rating| i16::try_from(rating).ok()),
            title: self.review.title.clone(),
            body: self.review.body.clone(),
            author_name: signed.or_else(|| self.author.map(|author| author.name.clone())),
            author_id: self.author.map(|author| author.id.get()),
            status: self.status.to_string(),
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

/// The key as it is stored: each account has keys of its own. Keys have no spaces, so a guest's
/// can't look like an account's.
fn scoped(key: &str, author: Option<&Actor>) -> String {
    author.map_or_else(|| key.to_owned(), |author| format!("account {} {key}", author.id))
}

/// What tells one review from another under the same key: 128 bits, so that no two collide by
/// accident; nobody gains by colliding with himself.
fn fingerprint(review: &NewReview) -> Result<Vec<u8>, StoreError> {
    let canonical = serde_json::to_vec(review).map_err(|e| StoreError::Internal(e.to_string()))?;
    Ok(XxHash3_128::oneshot(&canonical).to_be_bytes().to_vec())
}
