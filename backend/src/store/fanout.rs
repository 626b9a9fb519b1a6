//! Which databases a question goes to, and what becomes of their answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Store, StoreError};
use crate::db::{Connection, QueryError, cluster, owner};
use crate::shard::{Bucket, DatabaseIndex, ShardMap};

/// The answers of several databases.
pub(super) struct Gathered<T> {
    /// One a database that answered.
    pub answers: Vec<T>,
    /// Those that did not; always empty unless a partial answer is allowed.
    pub missing: Vec<DatabaseIndex>,
}

impl Store {
    /// Does `work` by the shard map; when a database says that a bucket has moved, once more by
    /// a map that is read anew.
    pub(super) fn routed<T>(
        &self,
        work: impl Fn(&ShardMap) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match work(&self.map.load()) {
            Err(StoreError::BucketMoved) => {
                let map = self.default.read(cluster::shard_map)?;
                self.map.store(Arc::new(map));
                work(&self.map.load())
            }
            done => done,
        }
    }

    /// Asks every database that owns some of `buckets`: `query` gets the connection and those
    /// that it owns, in a snapshot in which it does own them.
    pub(super) fn gather<T>(
        &self,
        map: &ShardMap,
        buckets: impl Iterator<Item = Bucket>,
        allow_partial: bool,
        query: impl Fn(&mut Connection, &[Bucket]) -> Result<T, QueryError>,
    ) -> Result<Gathered<T>, StoreError> {
        let mut by_database: BTreeMap<DatabaseIndex, Vec<Bucket>> = BTreeMap::new();
        for bucket in buckets {
            by_database.entry(map.owner(bucket).database).or_default().push(bucket);
        }
        let mut gathered = Gathered { answers: Vec::new(), missing: Vec::new() };
        for (database, buckets) in by_database {
            let answer = self.reviews[database].read(|connection| {
                owner::require_readable(connection, &buckets)?;
                query(connection, &buckets)
            });
            match answer.map_err(StoreError::from) {
                Ok(answer) => gathered.answers.push(answer),
                Err(StoreError::Unavailable(_)) => gathered.missing.push(database),
                Err(error) => return Err(error),
            }
        }
        if gathered.missing.is_empty() || allow_partial {
            Ok(gathered)
        } else {
            Err(StoreError::Unavailable(self.names(&gathered.missing)))
        }
    }

    pub(super) fn names(&self, databases: &[DatabaseIndex]) -> Vec<String> {
        databases.iter().map(|&database| self.reviews[database].name().to_owned()).collect()
    }
}
