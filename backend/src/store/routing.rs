//! Routing: the databases of a cluster, which of them a request needs, and consistent lists during
//! writes. Knows neither products nor accounts; all other rooms use it.

pub mod change_counters;
pub mod cursor;
pub mod id_generator;
pub mod scatter_gather;

use std::sync::Arc;

use arc_swap::ArcSwap;
use ostrakon_shared::ReviewId;

use crate::db::{Address, Context, Database, RequestDatabase};
use crate::shard::{Bucket, DatabaseIndex, ShardMap, Spread, bucket_of};
use crate::store::error::StoreError;
use change_counters::ChangeCounters;
use id_generator::IdGenerator;

/// The databases of a cluster, and the distribution of its reviews.
pub(in crate::store) struct Shards {
    pub default: Arc<Database>,
    pub reviews: Vec<Arc<Database>>,
    pub spread: Spread,
    pub map: ArcSwap<ShardMap>,
    /// One for each reviews database.
    pub id_generators: Vec<IdGenerator>,
    pub change_counters: ChangeCounters,
}

/// The location of a review id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its bucket.
    pub bucket: Bucket,
    /// The name of the database that owns the bucket.
    pub database: String,
    /// The address of that database.
    pub address: Address,
}

impl Shards {
    /// All databases, `default` first.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        std::iter::once(&self.default).chain(&self.reviews)
    }

    /// The index of the reviews database with this name.
    pub fn index_of(&self, name: &str) -> Result<DatabaseIndex, StoreError> {
        let found = self.reviews.iter().position(|database| database.name() == name);
        found.ok_or_else(|| StoreError::DatabaseNotFound(name.to_owned()))
    }

    /// The names of these reviews databases.
    pub fn names(&self, databases: &[DatabaseIndex]) -> Vec<String> {
        databases.iter().map(|&database| self.reviews[database].name().to_owned()).collect()
    }

    /// The location of a review id, whether or not the review exists.
    pub fn locate(&self, id: ReviewId) -> Location {
        let bucket = bucket_of(id);
        let database = &self.reviews[self.map.load().owner(bucket).database];
        Location {
            bucket,
            database: database.name().to_owned(),
            address: database.address().clone(),
        }
    }

    /// See [`crate::store::Store::file_readers`].
    pub fn file_readers(&self) -> Option<usize> {
        let all = self.databases().all(|database| database.is_file());
        all.then(|| self.default.read_connections())
    }

    /// See [`crate::store::Store::data_version`].
    pub fn data_version(&self) -> Option<i64> {
        self.file_readers()?;
        // None of them ever falls.
        self.databases().map(|database| database.data_version()).sum::<Result<i64, _>>().ok()
    }
}

/// The databases of a cluster, for one request.
#[derive(Clone, Copy)]
pub(in crate::store) struct Routing<'a> {
    pub shards: &'a Shards,
    pub context: &'a Context,
}

impl<'a> Routing<'a> {
    /// `default`, for this request.
    pub fn default(&self) -> RequestDatabase<'a> {
        RequestDatabase { database: &self.shards.default, context: self.context }
    }

    /// A reviews database, for this request.
    pub fn database(&self, index: DatabaseIndex) -> RequestDatabase<'a> {
        RequestDatabase { database: &self.shards.reviews[index], context: self.context }
    }
}
