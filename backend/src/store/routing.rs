//! Routing: the databases of a cluster, which of them a request needs, and consistent lists during
//! writes. Knows neither products nor accounts; all other submodules use it.

pub mod change_counters;
pub mod cursor;
pub mod id_generator;
pub mod scatter_gather;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use ostrakon_shared::ReviewId;

use crate::db::cluster::{self, StoredMap};
use crate::db::{Address, Context, Database, RequestDatabase};
use crate::shard::{Bucket, DatabaseIndex, Owner, ShardMap, Spread, bucket_of};
use crate::store::error::StoreError;
use change_counters::ChangeCounters;
use id_generator::IdGenerator;

/// The name of the shard map in consistency tokens, where its version is the position.
pub(in crate::store) const MAP: &str = "map";

/// Every process notices a change of the map within this time.
pub(in crate::store) const KNOWN_AFTER: Duration = Duration::from_secs(10);

/// The minimum age of a map before it is read again, so that threads that wait for the same move
/// share one read.
const RELOAD_PAUSE: Duration = Duration::from_millis(5);

/// The databases of a cluster, and the distribution of its reviews. Databases can be added while
/// the process runs, but not removed from this list, so each index stays valid.
pub(in crate::store) struct Shards {
    pub default: Arc<Database>,
    shards: boxcar::Vec<Shard>,
    open_shard: OpenShard,
    pub spread: Spread,
    map: ArcSwap<ShardMap>,
    /// When the map was read last; held while it is read.
    loaded_at: Mutex<Instant>,
    pub change_counters: ChangeCounters,
    started_at: Instant,
    /// When the map changed last, in milliseconds since `started_at`; 0: it has not changed.
    changed_at_ms: AtomicU64,
    /// When a client used the databases last, in milliseconds since `started_at`.
    used_at_ms: AtomicU64,
}

/// A reviews database.
pub(in crate::store) struct Shard {
    pub database: Arc<Database>,
    pub id_generator: IdGenerator,
    /// Whether it could be opened. Otherwise it is unavailable until [`Shards::reload_and_open`]
    /// opens it.
    pub is_open: bool,
}

/// Opens the reviews database with this name.
pub(in crate::store) type OpenShard = Box<dyn Fn(&str) -> Shard + Send + Sync>;

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
    /// The databases of the cluster with this map. `shards` are open; `open_shard` opens those that
    /// are added.
    pub fn new(
        default: Arc<Database>,
        spread: Spread,
        shards: Vec<Shard>,
        map: &StoredMap,
        open_shard: OpenShard,
    ) -> Result<Shards, StoreError> {
        let shards = Shards {
            default,
            shards: shards.into_iter().collect(),
            open_shard,
            spread,
            map: ArcSwap::from_pointee(ShardMap::empty()),
            loaded_at: Mutex::new(Instant::now()),
            change_counters: ChangeCounters::new(),
            started_at: Instant::now(),
            changed_at_ms: AtomicU64::new(0),
            used_at_ms: AtomicU64::new(0),
        };
        shards.adopt(map, false)?;
        Ok(shards)
    }

    /// The shard map that this process knows.
    pub fn map(&self) -> Guard<Arc<ShardMap>> {
        self.map.load()
    }

    /// Records that a client uses the databases.
    pub fn note_use(&self) {
        let now_ms = self.started_at.elapsed().as_millis() as u64;
        self.used_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether a client may have used the databases within `window`. Only for files does this
    /// process know: other processes may use the same servers.
    pub fn was_used_within(&self, window: Duration) -> bool {
        let used_at = Duration::from_millis(self.used_at_ms.load(Ordering::Relaxed));
        !self.default.is_file() || self.started_at.elapsed().saturating_sub(used_at) < window
    }

    /// Reads the map again unless it no longer has this version, because another thread has read
    /// it. Waits until the last read is [`RELOAD_PAUSE`] to twice that long ago.
    pub fn reload_map(&self, context: &Context, version: i64) -> Result<(), StoreError> {
        self.load_map(context, version, false)
    }

    /// Reads the map again, and tries again to open databases that could not be opened, which may
    /// take long.
    pub fn reload_and_open(&self, context: &Context) -> Result<(), StoreError> {
        self.load_map(context, self.map.load().version(), true)
    }

    /// Reads the map again if it has changed. `reopen`: also tries again to open databases that could
    /// not be opened.
    pub fn refresh_map(&self, context: &Context, reopen: bool) -> Result<(), StoreError> {
        let version = self.default.read_latest(context, cluster::map_version)?;
        if version != self.map().version() || reopen && !self.all_open() {
            self.reload_and_open(context)?;
        }
        Ok(())
    }

    fn load_map(&self, context: &Context, version: i64, reopen: bool) -> Result<(), StoreError> {
        let mut loaded_at = self.loaded_at.lock().unwrap_or_else(PoisonError::into_inner);
        if self.map.load().version() != version {
            return Ok(());
        }
        let pause = RELOAD_PAUSE + RELOAD_PAUSE.mul_f32(fastrand::f32());
        std::thread::sleep(pause.saturating_sub(loaded_at.elapsed()));
        let stored = self.default.read_latest(context, cluster::shard_map);
        *loaded_at = Instant::now();
        self.adopt(&stored?, reopen)
    }

    /// The databases of the map that could be opened.
    pub fn open_reviews(&self) -> Vec<&Arc<Database>> {
        let map = self.map();
        let open = map.databases().iter().filter(|&&index| self.is_open(index));
        open.map(|&index| self.database(index)).collect()
    }

    /// Whether a database could be opened.
    pub fn is_open(&self, index: DatabaseIndex) -> bool {
        self.shards[index].is_open
    }

    /// Whether all databases of the map could be opened.
    fn all_open(&self) -> bool {
        self.map().databases().iter().all(|&index| self.is_open(index))
    }

    /// Replaces the map, opens databases that have been added, and closes those that have left.
    fn adopt(&self, stored: &StoredMap, reopen: bool) -> Result<(), StoreError> {
        let mut known: HashMap<String, (DatabaseIndex, bool)> = self
            .shards
            .iter()
            .map(|(index, shard)| (shard.database.name().to_owned(), (index, shard.is_open)))
            .collect();
        let mut index_of = |name: &str| match known.get(name) {
            Some(&(index, is_open)) if is_open || !reopen => index,
            earlier => {
                let shard = (self.open_shard)(name);
                let is_open = shard.is_open;
                let index = match earlier {
                    Some(&(index, _)) if !is_open => index,
                    _ => self.shards.push(shard),
                };
                known.insert(name.to_owned(), (index, is_open));
                index
            }
        };
        let ready = stored.active().filter(|member| member.ready);
        let databases = ready.map(|member| index_of(&member.name)).collect();
        let owners = stored.owners.iter();
        let owners = owners.map(|(name, epoch)| Owner { database: index_of(name), epoch: *epoch });
        let map = ShardMap::new(stored.version, owners.collect(), databases)
            .ok_or_else(|| StoreError::Internal("the shard map lacks buckets".to_owned()))?;
        if ![0, map.version()].contains(&self.map.load().version()) {
            self.note_map_change();
        }
        let earlier = self.map.swap(Arc::new(map));
        for index in earlier.databases() {
            if !self.map.load().databases().contains(index) {
                self.database(*index).close();
            }
        }
        Ok(())
    }

    /// Records that the map has changed a moment ago.
    pub fn note_map_change(&self) {
        let now_ms = self.started_at.elapsed().as_millis() as u64;
        self.changed_at_ms.store(now_ms.max(1), Ordering::Relaxed);
    }

    /// The version of the map if it has changed so recently that other processes may not have
    /// noticed.
    pub fn recent_version(&self) -> Option<u64> {
        let changed_at_ms = self.changed_at_ms.load(Ordering::Relaxed);
        let age = self.started_at.elapsed().saturating_sub(Duration::from_millis(changed_at_ms));
        let is_recent = changed_at_ms > 0 && age < KNOWN_AFTER;
        is_recent.then(|| self.map().version().unsigned_abs())
    }

    /// A reviews database.
    pub fn database(&self, index: DatabaseIndex) -> &Arc<Database> {
        &self.shards[index].database
    }

    pub fn id_generator(&self, index: DatabaseIndex) -> &IdGenerator {
        &self.shards[index].id_generator
    }

    pub fn name(&self, index: DatabaseIndex) -> &str {
        self.shards[index].database.name()
    }

    /// The reviews databases, in order.
    pub fn reviews(&self) -> Vec<&Arc<Database>> {
        self.map().databases().iter().map(|&index| self.database(index)).collect()
    }

    /// All databases, `default` first.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<Database>> {
        std::iter::once(&self.default).chain(self.reviews())
    }

    /// The index of the reviews database with this name.
    pub fn index_of(&self, name: &str) -> Result<DatabaseIndex, StoreError> {
        let map = self.map();
        let found = map.databases().iter().find(|&&index| self.name(index) == name);
        found.copied().ok_or_else(|| StoreError::DatabaseNotFound(name.to_owned()))
    }

    /// The names of these reviews databases.
    pub fn names(&self, databases: &[DatabaseIndex]) -> Vec<String> {
        databases.iter().map(|&database| self.name(database).to_owned()).collect()
    }

    /// The location of a review id, whether or not the review exists.
    pub fn locate(&self, id: ReviewId) -> Location {
        let bucket = bucket_of(id);
        let database = self.database(self.map().owner(bucket).database);
        Location {
            bucket,
            database: database.name().to_owned(),
            address: database.address().clone(),
        }
    }

    /// See [`crate::store::Cluster::file_readers`].
    pub fn file_readers(&self) -> Option<usize> {
        let all = self.databases().all(|database| database.is_file());
        all.then(|| self.default.read_connections())
    }

    /// See [`crate::store::Cluster::data_version`].
    pub fn data_version(&self) -> Option<i64> {
        self.file_readers()?;
        // Each version only grows; if a database leaves the sum, the version of the map grows.
        let sum = self.databases().map(|database| database.data_version()).sum::<Result<i64, _>>();
        Some(sum.ok()?.wrapping_add(self.map().version() << 32))
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
        RequestDatabase { database: self.shards.database(index), context: self.context }
    }
}
