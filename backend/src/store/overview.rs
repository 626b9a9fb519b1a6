//! The databases as a whole: what each holds, whether it answers, where an id belongs.

use std::collections::HashMap;

use jiff::Timestamp;
use ostrakon_shared::{DatabaseInfo, DatabaseList, DayCount, Engine, Health, Overview, ReviewId};

use super::{Store, StoreError};
use crate::db::review_search::{self, DAY_MS};
use crate::db::{Database, cluster, inspect, moderation, ratings};
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

/// Days that the overview shows.
const DAYS: i64 = 30;

/// What one database says of itself.
struct Facts {
    reviews: u64,
    size_bytes: u64,
    migrations: Vec<String>,
}

impl Store {
    /// What each reviews database holds.
    pub fn databases(&self) -> Result<DatabaseList, StoreError> {
        let map = self.map.load();
        let facts: Vec<Option<Facts>> = self.reviews.iter().map(facts).collect::<Result<_, _>>()?;
        let all: Option<u64> = facts.iter().map(|facts| Some(facts.as_ref()?.reviews)).sum();
        let share = |reviews: u64| {
            let all = all.filter(|&all| all > 0)?;
            // Ten-thousandths say enough about the balance.
            Some((reviews as f64 / all as f64 * 10_000.0).round() / 10_000.0)
        };
        let mut verifications = self.verifications()?;
        let info = |(index, facts): (usize, Option<Facts>)| DatabaseInfo {
            name: self.reviews[index].name().to_owned(),
            engine: Engine::Sqlite,
            health: if facts.is_some() { Health::Up } else { Health::Down },
            buckets: map.buckets_of(index).map(|_| 1).sum(),
            reviews: facts.as_ref().map(|facts| facts.reviews),
            share: facts.as_ref().and_then(|facts| share(facts.reviews)),
            size_bytes: facts.as_ref().map(|facts| facts.size_bytes),
            migrations: facts.map(|facts| facts.migrations),
            verification: verifications.remove(&index),
        };
        Ok(DatabaseList { items: facts.into_iter().enumerate().map(info).collect() })
    }

    /// The service at a glance. Databases that are down are left out of the counts.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        let now_ms = Timestamp::now().as_millisecond();
        let today = (now_ms - ReviewId::EPOCH_UNIX_MS).div_euclid(DAY_MS);
        let first = (today - DAYS + 1).max(0);
        let mut per_day: HashMap<i64, u64> = HashMap::new();
        let (mut pending, mut reported) = (0, 0);
        self.routed(|map| {
            let gathered = self.gather(map, Bucket::all(), true, |connection, buckets| {
                let days = review_search::by_day(connection, buckets, first)?;
                Ok((days, moderation::waiting(connection, buckets)?))
            })?;
            Ok(gathered.answers)
        })?
        .into_iter()
        .for_each(|(days, waiting)| {
            pending += waiting.pending;
            reported += waiting.reported;
            for (day, reviews) in days {
                *per_day.entry(day).or_default() += reviews.unsigned_abs();
            }
        });
        let days = (first..=today)
            .map(|day| DayCount {
                date: date(day),
                reviews: per_day.get(&day).copied().unwrap_or_default(),
            })
            .collect();
        Ok(Overview { days, pending, reported, databases: self.databases()?.items })
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

/// What a database says of itself; `None` when it doesn't answer.
fn facts(database: &Database) -> Result<Option<Facts>, StoreError> {
    let known = database.read(|connection| {
        let reviews = ratings::total(connection)?;
        let size_bytes = inspect::size(connection)?;
        Ok(Facts { reviews, size_bytes, migrations: inspect::migrations(connection)? })
    });
    match known.map_err(StoreError::from) {
        Ok(facts) => Ok(Some(facts)),
        Err(StoreError::Unavailable(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A day, counted since 2000-01-01, as text.
fn date(day: i64) -> String {
    let ms = ReviewId::EPOCH_UNIX_MS + day * DAY_MS;
    Timestamp::from_millisecond(ms)
        .map_or_else(|error| error.to_string(), |time| time.to_string()[..10].to_owned())
}
