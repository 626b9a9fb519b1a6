//! Inserts new reviews: those of requests, and those of the demo and of fixtures.

use ostrakon_shared::{Review, ReviewId};

use crate::db::idempotency_keys::{self, KeyRow};
use crate::db::owner::WriteAccess;
use crate::db::ratings::{self, RatingDelta, Visibility};
use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, QueryError};
use crate::store::reviews::draft::Draft;

/// Inserts reviews under their ids, with their ratings and keys. `access` must include their buckets.
pub(in crate::store) fn insert(
    connection: &mut Connection,
    access: &WriteAccess,
    new: &[(ReviewId, &Draft)],
) -> Result<Vec<Review>, QueryError> {
    let rows: Vec<ReviewRow> = new.iter().map(|(id, draft)| draft.row(*id)).collect();
    reviews::insert(connection, access, &rows)?;
    let inserted: Result<Vec<_>, _> = rows.into_iter().map(Review::try_from).collect();
    let inserted = inserted?;
    let mut delta = RatingDelta::default();
    for (review, (_, draft)) in inserted.iter().zip(new) {
        delta.count(draft.bucket, draft.product, Visibility::of(review.status, review.rating));
    }
    ratings::add(connection, access, &delta)?;
    let keys: Vec<KeyRow> = new.iter().filter_map(|(id, draft)| draft.key_row(*id)).collect();
    idempotency_keys::insert(connection, access, &keys)?;
    Ok(inserted)
}

impl Draft {
    fn row(&self, id: ReviewId) -> ReviewRow {
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

    fn key_row(&self, id: ReviewId) -> Option<KeyRow> {
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
