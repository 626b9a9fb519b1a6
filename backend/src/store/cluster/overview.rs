//! The state of the databases: statistics, readiness, and the location of an id.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use ostrakon_shared::{
    DatabaseInfo, DatabaseList, DayCount, Health, Overview, ReplicaInfo, ReviewId,
};

use crate::db::migrate::{self, Kind};
use crate::db::owner::OwnedBuckets;
use crate::db::review_search::{self, DAY_MS};
use crate::db::{Connection, Database, DbError, Pending, ReplicaState, RequestDatabase, inspect};
use crate::db::{cluster, moderation, ratings};
use crate::shard::{Bucket, DatabaseIndex};
use crate::store::cluster::Cluster;
use crate::store::cluster::setup::{SetupError, all_of};
use crate::store::error::StoreError;
use crate::store::routing::Location;
use crate::store::routing::scatter_gather::ReadFrom;

/// The number of days in the overview.
const DAYS: i64 = 30;

/// The statistics of a database.
struct DatabaseStats {
    reviews: u64,
    size_bytes: u64,
    migrations: Vec<String>,
}

impl Cluster<'_> {
    /// The reviews databases with their statistics.
    pub fn databases(&self) -> Result<DatabaseList, StoreError> {
        let routing = self.routing();
        let map = routing.shards.map();
        let databases = map.databases().iter();
        let read = |&index: &DatabaseIndex| {
            let is_open = routing.shards.is_open(index);
            is_open.then(|| routing.database(index).spawn(stats))
        };
        let pending: Vec<_> = databases.map(read).collect();
        let stats: Vec<Option<DatabaseStats>> = pending
            .into_iter()
            .map(|pending| pending.map_or(Ok(None), available))
            .collect::<Result<_, _>>()?;
        let all: Option<u64> = stats.iter().map(|stats| Some(stats.as_ref()?.reviews)).sum();
        let share = |reviews: u64| {
            let all = all.filter(|&all| all > 0)?;
            // Ten-thousandths are precise enough to show the balance.
            Some((reviews as f64 / all as f64 * 10_000.0).round() / 10_000.0)
        };
        let mut verifications = self.verifications()?;
        let info = |(&index, stats): (&DatabaseIndex, Option<DatabaseStats>)| {
            let database = routing.shards.database(index);
            DatabaseInfo {
                name: database.name().to_owned(),
                engine: database.address().engine(),
                health: health(database, stats.is_some()),
                replicas: database.replicas().into_iter().map(replica).collect(),
                buckets: map.buckets_of(index).map(|_| 1).sum(),
                reviews: stats.as_ref().map(|stats| stats.reviews),
                share: stats.as_ref().and_then(|stats| share(stats.reviews)),
                size_bytes: stats.as_ref().map(|stats| stats.size_bytes),
                migrations: stats.map(|stats| stats.migrations),
                verification: verifications.remove(&index),
            }
        };
        Ok(DatabaseList { items: map.databases().iter().zip(stats).map(info).collect() })
    }

    /// The overview of the service, without databases that are down.
    pub fn overview(&self) -> Result<Overview, StoreError> {
        let now_ms = Timestamp::now().as_millisecond();
        let today = (now_ms - ReviewId::EPOCH_UNIX_MS).div_euclid(DAY_MS);
        let first = (today - DAYS + 1).max(0);
        let mut per_day: HashMap<i64, u64> = HashMap::new();
        let (mut pending, mut reported) = (0, 0);
        let routing = self.routing();
        let counted = routing.with_current_map(|map| {
            let count = move |connection: &mut Connection, owned: &OwnedBuckets| {
                let days = review_search::by_day(connection, owned, first)?;
                Ok((days, moderation::queue_counts(connection, owned)?))
            };
            Ok(routing.scatter_gather(map, Bucket::all(), ReadFrom::Any, true, count)?.answers)
        })?;
        for (days, waiting) in counted {
            pending += waiting.pending;
            reported += waiting.reported;
            for (day, reviews) in days {
                *per_day.entry(day).or_default() += reviews.unsigned_abs();
            }
        }
        let days = (first..=today)
            .map(|day| DayCount {
                date: date(day),
                reviews: per_day.get(&day).copied().unwrap_or_default(),
            })
            .collect();
        Ok(Overview { days, pending, reported, databases: self.databases()?.items })
    }

    /// Fails unless the primary of each open database answers, is writable, and has disk space.
    /// Databases that could not be opened own no buckets.
    pub fn readiness(&self) -> Result<(), StoreError> {
        let pending =
            self.with_default(self.shared.shards.open_reviews()).map(|(database, kind)| {
                let request = RequestDatabase { database, context: self.context };
                (database.name().to_owned(), request.spawn(move |it| is_ready(it, kind)))
            });
        let pending: Vec<_> = pending.collect();
        let (mut unavailable, mut full) = (Vec::new(), Vec::new());
        for (name, answer) in pending {
            let Err(error) = answer.wait() else { continue };
            tracing::warn!(%error, "not ready");
            if matches!(error, DbError::Full { .. }) {
                full.push(name)
            } else {
                unavailable.push(name)
            }
        }
        match (unavailable.is_empty(), full.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(StoreError::StorageFull(full)),
            (false, _) => Err(StoreError::Unavailable(unavailable)),
        }
    }

    /// `default`, then these reviews databases.
    fn with_default<'a>(
        &'a self,
        reviews: Vec<&'a Arc<Database>>,
    ) -> impl Iterator<Item = (&'a Arc<Database>, Kind)> {
        let reviews = reviews.into_iter().map(|database| (database, Kind::Reviews));
        std::iter::once((&self.shared.shards.default, Kind::Default)).chain(reviews)
    }

    /// Fails for read-only or visibly damaged databases; reports all problems at once. Skips
    /// databases that could not be opened: they own no buckets, or the cluster would not have
    /// opened.
    pub fn require_writable(&self) -> Result<(), SetupError> {
        all_of(self.with_default(self.shared.shards.open_reviews()).map(|(database, kind)| {
            let request = RequestDatabase { database, context: self.context };
            Ok(require_writable(&request, kind)?)
        }))
    }

    /// The location of a review id, whether or not the review exists.
    pub fn locate(&self, id: ReviewId) -> Location {
        self.shared.shards.locate(id)
    }
}

fn health(database: &Database, answers: bool) -> Health {
    match answers {
        true if database.is_up() => Health::Up,
        true => Health::ReadOnly,
        false => Health::Down,
    }
}

fn replica(state: ReplicaState) -> ReplicaInfo {
    let health = if state.is_up { Health::Up } else { Health::Down };
    ReplicaInfo { health, lag_ms: state.lag_ms }
}

/// Whether a database answers, is writable, and has disk space.
fn is_ready(request: &RequestDatabase, kind: Kind) -> Result<(), DbError> {
    require_rights(request, kind)?;
    request.database.require_usable()?;
    request.database.require_space(request.context)
}

/// Whether a database answers and grants this role the rights of a server.
fn require_rights(request: &RequestDatabase, kind: Kind) -> Result<(), DbError> {
    let lacks = |connection: &mut Connection| {
        cluster::pins(connection)?;
        inspect::lacks_rights(connection, kind)
    };
    match request.read_latest(lacks)? {
        None => Ok(()),
        Some(table) => Err(DbError::Refused {
            database: request.database.name().to_owned(),
            reason: format!("this role lacks the right to read or change the table {table}"),
        }),
    }
}

/// [`require_rights`], plus a test write to a SQLite file.
fn require_writable(request: &RequestDatabase, kind: Kind) -> Result<(), DbError> {
    require_rights(request, kind)?;
    request.database.require_usable()?;
    if !request.database.is_file() {
        return Ok(());
    }
    match request.write(cluster::touch) {
        // Reads still work, or the condition is temporary.
        Err(DbError::ReadOnly { .. } | DbError::Full { .. } | DbError::Locked { .. }) => Ok(()),
        written => written,
    }
}

/// Reads the statistics of a database.
fn stats(request: &RequestDatabase) -> Result<DatabaseStats, DbError> {
    request.read(|connection| {
        let reviews = ratings::total(connection)?;
        let size_bytes = inspect::size(connection)?;
        Ok(DatabaseStats { reviews, size_bytes, migrations: migrate::applied(connection)? })
    })
}

/// The statistics; `None` if the database is unavailable.
fn available(stats: Pending<DatabaseStats>) -> Result<Option<DatabaseStats>, StoreError> {
    match stats.wait().map_err(StoreError::from) {
        Ok(stats) => Ok(Some(stats)),
        Err(StoreError::Unavailable(_) | StoreError::Unusable(_) | StoreError::Locked(_)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A day, counted since 2000-01-01, as text.
fn date(day: i64) -> String {
    let ms = ReviewId::EPOCH_UNIX_MS + day * DAY_MS;
    Timestamp::from_millisecond(ms)
        .map_or_else(|error| error.to_string(), |time| time.to_string()[..10].to_owned())
}
