//! The shard map: which database owns which bucket.

use crate::shard::bucket::{BUCKETS, Bucket};

/// The index of a reviews database in the configuration: 0 is `reviews-1`.
pub type DatabaseIndex = usize;

/// The database that owns a bucket, and the epoch since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub database: DatabaseIndex,
    /// Counts the bucket's moves; the owner row of the database must agree.
    pub epoch: i64,
}

/// The shard map: bucket → database, with an epoch. It is a copy of the rows in `default`. Routing
/// starts here; the owner row in the database overrules it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardMap {
    owners: Vec<Owner>,
}

impl ShardMap {
    /// The map of a new cluster: contiguous ranges of buckets whose sizes differ by at most one.
    pub fn even(databases: usize) -> ShardMap {
        let owner = |bucket: Bucket| Owner {
            database: usize::from(bucket.get()) * databases / usize::from(BUCKETS),
            epoch: 1,
        };
        ShardMap { owners: Bucket::all().map(owner).collect() }
    }

    /// The map with the owner of each bucket, in order; `None` unless there are [`BUCKETS`] of
    /// them.
    pub fn from_owners(owners: Vec<Owner>) -> Option<ShardMap> {
        (owners.len() == usize::from(BUCKETS)).then_some(ShardMap { owners })
    }

    pub fn owner(&self, bucket: Bucket) -> Owner {
        self.owners[usize::from(bucket.get())]
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
    fn an_even_map_gives_contiguous_ranges_that_differ_by_one_at_most() {
        for databases in [1, 2, 3, 7, 8, 64, 1000, 1024] {
            let map = ShardMap::even(databases);
            let sizes: Vec<_> = (0..databases).map(|d| map.buckets_of(d).count()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), usize::from(BUCKETS));
            assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            for database in 0..databases {
                let buckets: Vec<_> = map.buckets_of(database).map(Bucket::get).collect();
                assert!(buckets.windows(2).all(|pair| pair[1] == pair[0] + 1));
            }
        }
    }
}
