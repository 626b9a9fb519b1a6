//! The databases as a whole: what each holds, whether it answers, where an id belongs.

use ostrakon_shared::{DatabaseInfo, DatabaseList, Engine, Health, ReviewId};

use super::{Store, StoreError};
use crate::db::{cluster, ratings};
use crate::shard::{Bucket, bucket_of};

/// Where the review with some id lives, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its bucket, for ever.
    pub bucket: Bucket,
    /// The name of the database that owns the bucket now.
    pub database: String,
    /// That database's file.
    pub path: std::path::PathBuf,
}

impl Store {
    /// What each reviews database holds.
    pub fn databases(&self) -> Result<DatabaseList, StoreError> {
        let map = self.map.load();
        let counts: Vec<Option<u64>> = self
            .reviews
            .iter()
            .map(|database| match database.read(ratings::total).map_err(StoreError::from) {
                Ok(reviews) => Ok(Some(reviews)),
                Err(StoreError::Unavailable(_)) => Ok(None),
                Err(error) => Err(error),
            })
            .collect::<Result<_, _>>()?;
        let all: Option<u64> = counts.iter().copied().sum();
        let share = |reviews: u64| {
            let all = all.filter(|&all| all > 0)?;
            // Ten-thousandths say enough about the balance.
            Some((reviews as f64 / all as f64 * 10_000.0).round() / 10_000.0)
        };
        let info = |(index, reviews): (usize, &Option<u64>)| DatabaseInfo {
            name: self.reviews[index].name().to_owned(),
            engine: Engine::Sqlite,
            health: if reviews.is_some() { Health::Up } else { Health::Down },
            buckets: map.buckets_of(index).map(|_| 1).sum(),
            reviews: *reviews,
            share: reviews.and_then(share),
            size_bytes: None,
            migrations: None,
            verification: None,
        };
        Ok(DatabaseList { items: counts.iter().enumerate().map(info).collect() })
    }

    /// Names of the databases that don't answer, `default` included.
    pub fn down(&self) -> Vec<String> {
        std::iter::once(&self.default)
            .chain(&self.reviews)
            .filter(|database| match database.read(cluster::pins) {
                Ok(_) => false,
                Err(error) => {
                    tracing::error!(%error, "not ready");
                    true
                }
            })
            .map(|database| database.name().to_owned())
            .collect()
    }

    /// Where the review with this id lives, whether or not there is one.
    pub fn place(&self, id: ReviewId) -> Place {
        let bucket = bucket_of(id);
        let database = &self.reviews[self.map.load().owner(bucket).database];
        Place { bucket, database: database.name().to_owned(), path: database.path().to_owned() }
    }
}
