//! Which databases a question goes to, and what becomes of their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::db::cluster;
use crate::db::owner::{self, Owned};
use crate::db::{Answer, Connection, QueryError};
use crate::shard::{Bucket, DatabaseIndex, ShardMap};
use crate::store::error::StoreError;
use crate::store::routing::Routing;
use crate::store::routing::id_generator::Horizon;

/// The answers of several databases.
pub(in crate::store) struct Gathered<T> {
    /// One a database that answered.
    pub answers: Vec<T>,
    /// Those that did not; always empty unless a partial answer is allowed.
    pub missing: Vec<DatabaseIndex>,
}

/// From which server of a database an answer may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Source {
    /// As the operator chose: a replica may be a little late.
    Any,
    /// From the primary: who decides by the answer must not be late.
    Latest,
}

impl Routing<'_> {
    /// Does `work` by the shard map; when a database says that a bucket has moved, once more by
    /// a map that is read anew.
    pub fn routed<T>(
        &self,
        work: impl Fn(&ShardMap) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match work(&self.shards.map.load()) {
            Err(StoreError::BucketMoved) => {
                let map = self.default().read_latest(cluster::shard_map)?;
                self.shards.map.store(Arc::new(map));
                work(&self.shards.map.load())
            }
            done => done,
        }
    }

    /// Asks every database that owns some of `buckets`, servers all at once: `query` gets the
    /// connection and those that it owns, in a snapshot in which it does own them.
    pub fn gather<T: Send + 'static>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        from: Source,
        allow_partial: bool,
        query: impl Fn(&mut Connection, &Owned) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Result<Gathered<T>, StoreError> {
        let query = Arc::new(query);
        self.ask_owners(map, buckets, allow_partial, |index, owned| {
            let query = Arc::clone(&query);
            self.database(index).begin(move |request| {
                let owners = &request.database.owners;
                let queries = |connection: &mut Connection| {
                    owner::require_readable(connection, owners, &owned.buckets)?;
                    query(connection, &owned)
                };
                match from {
                    Source::Any => request.read(queries),
                    Source::Latest => request.read_latest(queries),
                }
            })
        })
    }

    /// The same for walks upwards in time: also says where they have to stop.
    pub fn gather_settled<T: Send + 'static>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        allow_partial: bool,
        query: impl Fn(&mut Connection, &Owned) -> Result<T, QueryError> + Send + Sync + 'static,
    ) -> Result<(Gathered<T>, Horizon), StoreError> {
        let query = Arc::new(query);
        let gathered = self.ask_owners(map, buckets, allow_partial, |index, owned| {
            let query = Arc::clone(&query);
            // Read before the database is: see `Mint::horizon`.
            let own_horizon = self.shards.mints[index].horizon();
            self.database(index).begin(move |request| {
                request.read_settled(|connection, settled| {
                    let owners = &request.database.owners;
                    owner::require_readable(connection, owners, &owned.buckets)?;
                    let horizon = settled.map(|it| Horizon::at(it.oldest_ms, it.now_ms));
                    Ok((query(connection, &owned)?, horizon.unwrap_or(own_horizon)))
                })
            })
        })?;
        let mut horizon = Horizon::NONE;
        let mut answers = Vec::new();
        for (answer, of_database) in gathered.answers {
            horizon = horizon.and(of_database);
            answers.push(answer);
        }
        Ok((Gathered { answers, missing: gathered.missing }, horizon))
    }

    fn ask_owners<T>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        allow_partial: bool,
        ask: impl Fn(DatabaseIndex, Owned) -> Answer<T>,
    ) -> Result<Gathered<T>, StoreError> {
        let mut by_database: BTreeMap<DatabaseIndex, Vec<Bucket>> = BTreeMap::new();
        for bucket in buckets {
            by_database.entry(map.owner(bucket).database).or_default().push(bucket);
        }
        let asked: Vec<(DatabaseIndex, Answer<T>)> = by_database
            .into_iter()
            .map(|(index, buckets)| {
                let database = &self.shards.reviews[index];
                let owned = Owned { buckets, routed_by_engine: database.routes_itself() };
                (index, ask(index, owned))
            })
            .collect();
        let mut gathered = Gathered { answers: Vec::new(), missing: Vec::new() };
        let mut may_pass = true;
        for (database, answer) in asked {
            match answer.wait().map_err(StoreError::from) {
                Ok(answer) => gathered.answers.push(answer),
                Err(StoreError::Unusable(_)) => {
                    may_pass = false;
                    gathered.missing.push(database);
                }
                Err(StoreError::Unavailable(_) | StoreError::Locked(_)) => {
                    gathered.missing.push(database);
                }
                Err(error) => return Err(error),
            }
        }
        if gathered.missing.is_empty() || allow_partial {
            Ok(gathered)
        } else if may_pass {
            Err(StoreError::Unavailable(self.shards.names(&gathered.missing)))
        } else {
            Err(StoreError::Unusable(self.shards.names(&gathered.missing)))
        }
    }
}
