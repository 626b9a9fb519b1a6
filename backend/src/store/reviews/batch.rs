//! Writes new reviews of one database in one transaction; [`crate::store::reviews::attempts`]
//! selects them.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use ostrakon_shared::{Review, ReviewId, ReviewStatus};

use crate::db::idempotency_keys::{self, KeyRow, Replay};
use crate::db::owner::WriteAccess;
use crate::db::ratings::{self, RatingDelta, Visibility};
use crate::db::review_checks;
use crate::db::reviews::{self, ReviewRow};
use crate::db::{Connection, DbError, QueryError, limit_lock_wait, register_writer};
use crate::shard::{DatabaseIndex, ShardMap};
use crate::store::error::{StoreError, TransactionError};
use crate::store::reviews::Reviews;
use crate::store::reviews::draft::{Created, Draft, Outcome};
use crate::store::reviews::signature;
use crate::store::routing::change_counters::Subject;
use crate::store::routing::id_generator::InFlightId;

/// Why a batch failed.
pub(in crate::store) struct BatchFailure {
    pub error: DbError,
    /// Whether a query failed, possibly because of one review. Otherwise the transaction could not
    /// begin, or the outcome of the commit is unknown.
    pub is_query_error: bool,
}

impl<'a> Reviews<'a> {
    /// Checks each review against `default`: its product exists and is not archived, and its
    /// signature is not the name of another account. One snapshot, and on PostgreSQL one query.
    pub(super) fn reviewable(
        &self,
        drafts: &[&Draft],
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let products: BTreeSet<_> = drafts.iter().map(|draft| draft.product).collect();
        let products: Vec<_> = products.into_iter().collect();
        let claims: HashSet<_> =
            drafts.iter().filter_map(|draft| draft.signature.claim.as_ref()).collect();
        let claims: Vec<_> = claims.into_iter().collect();
        let (archived, taken) = self
            .routing()
            .default()
            .read(|connection| review_checks::check(connection, &products, &claims))?;
        let is_acceptable = |draft: &&Draft| match archived.get(&draft.product) {
            None => Err(StoreError::ProductNotFound(draft.product)),
            Some(true) => Err(StoreError::ProductArchived(draft.product)),
            Some(false) if draft.signature.claim.as_ref().is_some_and(|c| taken.contains(c)) => {
                Err(signature::taken())
            }
            Some(false) => Ok(()),
        };
        Ok(drafts.iter().map(is_acceptable).collect())
    }

    /// Writes a batch in one transaction. `lock_wait`: the lock timeout; None: the configured one.
    pub(super) fn try_batch(
        &self,
        map: &ShardMap,
        database: DatabaseIndex,
        drafts: &[&Draft],
        lock_wait: Option<Duration>,
    ) -> Result<Vec<Outcome>, BatchFailure> {
        let mut is_query_error = false;
        let written = self.routing().database(database).write(|connection| {
            let limited = lock_wait.map_or(Ok(()), |longest| limit_lock_wait(connection, longest));
            let written =
                limited.and_then(|()| self.write_batch(connection, map, database, drafts));
            is_query_error = written.is_err();
            written
        });
        // Also after a failure: the outcome of a commit is not always known.
        let count_change = |draft: &&Draft| {
            self.shared.shards.change_counters.bump(Subject::Product(draft.product))
        };
        drafts.iter().for_each(count_change);
        let (results, _in_flight_until_committed) =
            written.map_err(|error| BatchFailure { error, is_query_error })?;
        Ok(results)
    }

    fn write_batch(
        &self,
        connection: &mut Connection,
        map: &ShardMap,
        database: DatabaseIndex,
        drafts: &[&Draft],
    ) -> Result<(Vec<Outcome>, Vec<InFlightId<'a>>), QueryError> {
        let buckets: Vec<_> = drafts.iter().map(|draft| draft.bucket).collect();
        let owner = self.shared.shards.database(database);
        let routes = buckets.into_iter().map(|bucket| (bucket, map.owner(bucket)));
        // The other buckets have moved away, and the map has their epochs at other databases.
        let routes = routes.filter(|(_, owner)| owner.database == database);
        let buckets = routes.map(|(bucket, owner)| (bucket, owner.epoch));
        let access = WriteAccess::acquire(connection, &owner.owners, buckets)?;
        let routed_by_engine = owner.routes_itself();
        let mut results = existing_outcomes(connection, routed_by_engine, drafts)?;
        let mut new = Vec::new();
        for (result, &draft) in results.iter_mut().zip(drafts) {
            match access.require(draft.bucket) {
                Ok(()) => {}
                Err(QueryError::Frozen(_)) => *result = Some(Err(StoreError::BucketFrozen)),
                Err(_) => *result = Some(Err(StoreError::BucketMoved)),
            }
            if result.is_none() {
                new.push(draft);
            }
        }
        let (reviews, in_flight) = self.insert_new(connection, &access, database, &new)?;
        let open = results.iter_mut().filter(|result| result.is_none());
        for (result, review) in open.zip(reviews) {
            *result = Some(Ok(Created { review, replayed: false }));
        }
        let missing = || QueryError::CorruptData("a review was not inserted".to_owned());
        let results: Option<Vec<_>> = results.into_iter().collect();
        Ok((results.ok_or_else(missing)?, in_flight))
    }

    /// Inserts new reviews under new ids.
    fn insert_new(
        &self,
        connection: &mut Connection,
        access: &WriteAccess,
        database: DatabaseIndex,
        drafts: &[&Draft],
    ) -> Result<(Vec<Review>, Vec<InFlightId<'a>>), QueryError> {
        if drafts.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        // Generated here, so that an id is in flight only while it is written.
        let now_ms = register_writer(connection)?;
        let generator = self.shared.shards.id_generator(database);
        let in_flight: Result<Vec<_>, _> =
            drafts.iter().map(|draft| generator.next_id(draft.bucket, now_ms)).collect();
        let in_flight = in_flight?;
        let ids = in_flight.iter().map(|in_flight| in_flight.id);
        let new: Vec<_> = ids.zip(drafts.iter().copied()).collect();
        Ok((insert(connection, access, &new)?, in_flight))
    }
}

/// Inserts reviews, of requests or of the demo, under their ids, with their ratings and keys. `access` must include their buckets.
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

/// The outcome of each draft that an earlier request has already decided; `None` for new ones.
fn existing_outcomes(
    connection: &mut Connection,
    routed_by_engine: bool,
    drafts: &[&Draft],
) -> Result<Vec<Option<Outcome>>, QueryError> {
    let (mut keys, mut with_key) = (Vec::new(), Vec::new());
    let (mut authors, mut with_author) = (Vec::new(), Vec::new());
    for (at, draft) in drafts.iter().enumerate() {
        if let Some((key, _)) = &draft.key {
            keys.push((draft.bucket, draft.product, key.as_str()));
            with_key.push(at);
        }
        if let Some(author) = &draft.author {
            authors.push((draft.bucket, draft.product, author.id));
            with_author.push(at);
        }
    }
    let mut results: Vec<Option<Outcome>> = drafts.iter().map(|_| None).collect();
    let existing = reviews::by_authors(connection, routed_by_engine, &authors)?;
    for (at, existing) in with_author.into_iter().zip(existing) {
        let invalid = |id| QueryError::CorruptData(format!("a review with the invalid id {id}"));
        let id = existing.map(|id| ReviewId::new(id).ok_or_else(|| invalid(id))).transpose()?;
        results[at] = id.map(|id| Err(StoreError::ReviewExists(id)));
    }
    // A retry returns its own review instead of `review_exists`.
    let replays = idempotency_keys::replays(connection, routed_by_engine, &keys)?;
    for (at, replay) in with_key.into_iter().zip(replays) {
        let Some(replay) = replay else { continue };
        results[at] = Some(match drafts[at].replay(connection, &replay) {
            Ok(review) => Ok(Created { review, replayed: true }),
            Err(TransactionError::Refused(error)) => Err(error),
            Err(TransactionError::Database(error)) => return Err(error),
        });
    }
    Ok(results)
}

impl Draft {
    /// The review of an earlier request with the same key.
    fn replay(
        &self,
        connection: &mut Connection,
        earlier: &Replay,
    ) -> Result<Review, TransactionError<QueryError>> {
        let missing = || {
            let id = earlier.review_id;
            QueryError::CorruptData(format!("an Idempotency-Key refers to the missing review {id}"))
        };
        let id = ReviewId::new(earlier.review_id).ok_or_else(missing)?;
        if self.key.as_ref().is_some_and(|(_, fingerprint)| *fingerprint != earlier.fingerprint) {
            return Err(StoreError::IdempotencyKeyReused(id).into());
        }
        let row = reviews::find(connection, self.bucket, id)?.ok_or_else(missing)?;
        let review = Review::try_from(row)?;
        if review.status == ReviewStatus::Deleted {
            return Err(StoreError::ReviewNotFound(id).into());
        }
        Ok(review)
    }
}
