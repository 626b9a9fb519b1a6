//! The shard map: which database owns which bucket.
//!
//! A process may have an outdated one: `db/tables/owner.rs` checks in each transaction.

use crate::shard::bucket::{BUCKETS, Bucket};

/// A reviews database's place in the list of a process, which only grows: it stays the same as long
/// as the process runs.
pub type DatabaseIndex = usize;

/// The database that owns a bucket, and the epoch since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub database: DatabaseIndex,
    /// Counts the bucket's moves; the owner row of the database must agree.
    pub epoch: i64,
}

/// The shard map: bucket → database, with an epoch. It is a copy of the rows in `default`.
/// Routing starts here; the owner row in the database overrules it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    version: i64,
    owners: Vec<Owner>,
    databases: Vec<DatabaseIndex>,
}

/// The database of a new cluster that owns this bucket: contiguous ranges of buckets, whose sizes
/// differ by one at most.
pub fn even_owner(bucket: Bucket, databases: usize) -> usize {
    usize::from(bucket.get()) * databases / usize::from(BUCKETS)
}

impl ShardMap {
    /// The map before one is read, which has no databases.
    pub fn empty() -> ShardMap {
        ShardMap { version: 0, owners: Vec::new(), databases: Vec::new() }
    }

    /// The map with these owners, one a bucket, in their order, of a cluster with these databases;
    /// `None` unless there are [`BUCKETS`] owners.
    pub fn new(
        version: i64,
        owners: Vec<Owner>,
        databases: Vec<DatabaseIndex>,
    ) -> Option<ShardMap> {
        let is_complete = owners.len() == usize::from(BUCKETS);
        is_complete.then_some(ShardMap { version, owners, databases })
    }

    /// Counts the changes of the map and of the list of databases.
    pub fn version(&self) -> i64 {
        self.version
    }

    pub fn owner(&self, bucket: Bucket) -> Owner {
        self.owners[usize::from(bucket.get())]
    }

    /// The reviews databases, in the order of their names, with or without buckets.
    pub fn databases(&self) -> &[DatabaseIndex] {
        &self.databases
    }

    /// The buckets that a database owns, in order.
    pub fn buckets_of(&self, database: DatabaseIndex) -> impl Iterator<Item = Bucket> {
        Bucket::all().filter(move |&bucket| self.owner(bucket).database == database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_cluster_has_contiguous_ranges_that_differ_by_one_at_most() {
        for databases in [1, 2, 3, 7, 8, 64, 1000, 1024] {
            let owners: Vec<_> = Bucket::all().map(|b| even_owner(b, databases)).collect();
            assert!(owners.is_sorted());
            let sizes = owners.chunk_by(|a, b| a == b).map(<[_]>::len);
            let (least, most) = (sizes.clone().min().unwrap(), sizes.clone().max().unwrap());
            assert_eq!(sizes.count(), databases);
            assert!(most - least <= 1, "{least} to {most}");
        }
    }
}
