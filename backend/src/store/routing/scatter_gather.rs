//! Queries all databases that own some buckets, and collects their results.
//!
//! Lists and sums of sharded tables go through here: the shard map says which databases to ask,
//! each query checks the owner rows in its own snapshot, and the request is repeated when a bucket
//! has moved.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::db::owner::{self, OwnedBuckets};
use crate::db::{Connection, Pending, QueryError};
use crate::shard::{Bucket, DatabaseIndex, ShardMap};
use crate::store::error::StoreError;
use crate::store::routing::id_generator::LowWatermark;
use crate::store::routing::{MAP, Routing};

/// How long a request waits for a bucket that is moving.
pub(in crate::store) const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How often a waiting request checks whether a frozen bucket can be written again.
const FROZEN_POLL: Duration = Duration::from_millis(5);

/// The results of several databases.
pub(in crate::store) struct Gathered<T> {
    /// One result per available database.
    pub answers: Vec<T>,
    /// The unavailable databases; empty unless a partial result is allowed.
    pub missing: Vec<DatabaseIndex>,
}

/// Which server of a database to read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum ReadFrom {
    /// By the configured preference; a replica may lag.
    Any,
    /// The primary, for decisions that need current data.
    Primary,
}

impl Routing<'_> {
    /// Runs `work` with the shard map, and retries it for [`LONGEST_WAIT`] at most: if a bucket has
    /// moved, after reading the map again, and without replicas, which may not know of the move; if
    /// a bucket is frozen, after a pause.
    pub fn with_current_map<T>(
        &self,
        work: impl Fn(&ShardMap) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.shards.note_use();
        let give_up_at = Instant::now() + LONGEST_WAIT;
        let known = self.shards.map().version();
        if self.context.seen().of(MAP) > known.unsigned_abs() {
            self.shards.reload_map(self.context, known)?;
        }
        loop {
            let map = self.shards.map();
            match work(&map) {
                Err(StoreError::BucketMoved) if Instant::now() < give_up_at => {
                    self.context.require_primaries();
                    self.shards.reload_map(self.context, map.version())?;
                }
                Err(StoreError::BucketFrozen) if Instant::now() < give_up_at => {
                    std::thread::sleep(FROZEN_POLL);
                }
                done => return done,
            }
        }
    }

    /// Queries all databases that own some of `buckets`, servers in parallel. `query` gets the
    /// connection and the owned buckets, in a snapshot that confirms the ownership.
    pub fn scatter_gather<T: Send + 'static>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        from: ReadFrom,
        allow_partial: bool,
        query: impl Fn(&mut Connection, &OwnedBuckets) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Result<Gathered<T>, StoreError> {
        let query = Arc::new(query);
        self.query_owners(map, buckets, allow_partial, |index, owned| {
            let query = Arc::clone(&query);
            self.database(index).spawn(move |request| {
                let owners = &request.database.owners;
                let queries = |connection: &mut Connection| {
                    owner::require_readable(connection, owners, &owned)?;
                    query(connection, &owned)
                };
                match from {
                    ReadFrom::Any => request.read(queries),
                    ReadFrom::Primary => request.read_latest(queries),
                }
            })
        })
    }

    /// [`Routing::scatter_gather`] for lists in ascending order of time; also returns the low
    /// watermark.
    pub fn scatter_gather_settled<T: Send + 'static>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        allow_partial: bool,
        query: impl Fn(&mut Connection, &OwnedBuckets) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Result<(Gathered<T>, LowWatermark), StoreError> {
        let query = Arc::new(query);
        let gathered = self.query_owners(map, buckets, allow_partial, |index, owned| {
            let query = Arc::clone(&query);
            // Read before the database is: see `IdGenerator::low_watermark`.
            let own_watermark = self.shards.id_generator(index).low_watermark();
            self.database(index).spawn(move |request| {
                request.read_settled(|connection, settled| {
                    let owners = &request.database.owners;
                    owner::require_readable(connection, owners, &owned)?;
                    let watermark = settled.map(|it| LowWatermark::at(it.oldest_ms, it.now_ms));
                    Ok((query(connection, &owned)?, watermark.unwrap_or(own_watermark)))
                })
            })
        })?;
        let mut watermark = LowWatermark::NONE;
        let mut answers = Vec::new();
        for (answer, of_database) in gathered.answers {
            watermark = watermark.and(of_database);
            answers.push(answer);
        }
        Ok((Gathered { answers, missing: gathered.missing }, watermark))
    }

    fn query_owners<T>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        allow_partial: bool,
        query: impl Fn(DatabaseIndex, OwnedBuckets) -> Pending<T>,
    ) -> Result<Gathered<T>, StoreError> {
        let mut by_database: BTreeMap<DatabaseIndex, (Vec<Bucket>, Vec<i64>)> = BTreeMap::new();
        for bucket in buckets {
            let owner = map.owner(bucket);
            let (buckets, epochs) = by_database.entry(owner.database).or_default();
            buckets.push(bucket);
            epochs.push(owner.epoch);
        }
        let pending: Vec<(DatabaseIndex, Pending<T>)> = by_database
            .into_iter()
            .map(|(index, (buckets, epochs))| {
                let routed_by_engine = self.shards.database(index).routes_itself();
                let owned = OwnedBuckets { buckets, epochs, routed_by_engine };
                (index, query(index, owned))
            })
            .collect();
        let mut gathered = Gathered { answers: Vec::new(), missing: Vec::new() };
        let mut is_transient = true;
        for (database, answer) in pending {
            match answer.wait().map_err(StoreError::from) {
                Ok(answer) => gathered.answers.push(answer),
                Err(StoreError::Unusable(_)) => {
                    is_transient = false;
                    gathered.missing.push(database);
                }
                Err(
                    StoreError::Unavailable(_) | StoreError::Locked(_) | StoreError::StorageFull(_),
                ) => gathered.missing.push(database),
                Err(error) => return Err(error),
            }
        }
        if gathered.missing.is_empty() || allow_partial {
            Ok(gathered)
        } else if is_transient {
            Err(StoreError::Unavailable(self.shards.names(&gathered.missing)))
        } else {
            Err(StoreError::Unusable(self.shards.names(&gathered.missing)))
        }
    }
}
