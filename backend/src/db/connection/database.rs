//! One of `default` and `reviews-1 … reviews-N`: a primary, and replicas that may answer reads.
//!
//! Here it is decided which server gets a read, and that only the primary gets a write.

use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::db::connection::address::Address;
use crate::db::connection::disk_space::Probe;
use crate::db::connection::health_check::{self, ReplayPosition, WalHistory};
use crate::db::connection::pool::Server;
use crate::db::connection::request_context::Context;
use crate::db::connection::settings::Settings;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::low_watermark::{Settled, settled};
use crate::db::dialect::owner_cache::OwnerCache;
use crate::db::dialect::{storage, wal_size};
use crate::db::error::{DbError, QueryError};

/// Which server answers reads that may lag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadPreference {
    /// The primary: writes are visible at once.
    #[default]
    Primary,
    /// Replicas that have replayed the client's writes; otherwise the primary.
    Replica,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("reads go to `primary` or `replica`")]
pub struct ReadsInvalid;

impl FromStr for ReadPreference {
    type Err = ReadsInvalid;

    fn from_str(text: &str) -> Result<ReadPreference, ReadsInvalid> {
        match text {
            "primary" => Ok(ReadPreference::Primary),
            "replica" => Ok(ReadPreference::Replica),
            _ => Err(ReadsInvalid),
        }
    }
}

/// Which replicas may answer.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaSettings {
    /// The preferred server for reads.
    pub reads: ReadPreference,
    /// The maximum lag of a replica, in milliseconds.
    pub max_lag_ms: u32,
}

pub struct Database {
    name: String,
    primary: Arc<Server>,
    replicas: Vec<Replica>,
    next: AtomicUsize,
    wal: Arc<WalHistory>,
    replica_settings: ReplicaSettings,
    settings: Settings,
    /// For `db/tables/owner.rs`.
    pub owners: OwnerCache,
    /// A connection that only [`Database::data_version`] uses.
    monitor: Mutex<Option<Connection>>,
}

struct Replica {
    server: Arc<Server>,
    replay: Arc<ReplayPosition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaState {
    pub is_up: bool,
    /// Its lag in milliseconds; None: unknown.
    pub lag_ms: Option<u64>,
}

impl Database {
    /// The database `name`; connects on first use.
    pub fn new(
        name: &str,
        primary: Address,
        replicas: Vec<Address>,
        settings: Settings,
        replica_settings: ReplicaSettings,
    ) -> Database {
        let server = |address| Arc::new(Server::new(name, address, settings));
        let replica = |address| Replica { server: server(address), replay: Arc::default() };
        Database {
            name: name.to_owned(),
            primary: server(primary.behind_links()),
            replicas: replicas.into_iter().map(replica).collect(),
            next: AtomicUsize::new(0),
            wal: Arc::default(),
            replica_settings,
            settings,
            owners: OwnerCache::default(),
            monitor: Mutex::default(),
        }
    }

    /// A SQLite file that only this process uses, such as a copy.
    pub fn file(name: &str, path: &Path) -> Database {
        let settings = Settings {
            read_connections: 1,
            write_connections: 1,
            checkout_timeout_ms: 5_000,
            lock_timeout_ms: 5_000,
            statement_timeout_ms: 600_000,
        };
        let no_replicas = ReplicaSettings { reads: ReadPreference::Primary, max_lag_ms: 0 };
        Database::new(name, Address::Sqlite(path.to_owned()), Vec::new(), settings, no_replicas)
    }

    /// Starts the health checks, so that requests don't wait for unavailable servers.
    pub fn watch(&self) {
        if let Address::Sqlite(_) = self.primary.address {
            return;
        }
        health_check::watch_primary(
            self.name.clone(),
            &self.primary,
            self.settings,
            Arc::clone(&self.wal),
        );
        for (number, replica) in (1..).zip(&self.replicas) {
            let label = format!("replica {number} of {}", self.name);
            let replay = Arc::clone(&replica.replay);
            health_check::watch_replica(label, &replica.server, self.settings, replay);
        }
    }

    /// Closes its connections: the cluster no longer has it.
    pub fn close(&self) {
        self.primary.close();
        self.replicas.iter().for_each(|replica| replica.server.close());
        *self.monitor.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// `default`, or `reviews-1` to `reviews-N`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of the primary.
    pub fn address(&self) -> &Address {
        &self.primary.address
    }

    pub fn is_file(&self) -> bool {
        self.primary.address.is_file()
    }

    /// The number of read connections per server.
    pub fn read_connections(&self) -> usize {
        usize::try_from(self.settings.read_connections).unwrap_or(usize::MAX)
    }

    /// Whether its engine distributes the tables by bucket itself (Citus). False until a connection
    /// has been opened.
    pub fn routes_itself(&self) -> bool {
        self.primary.breaker.routes_itself()
    }

    /// For a SQLite file, a number that grows with each commit of any process. See
    /// <https://sqlite.org/pragma.html#pragma_data_version>.
    pub fn data_version(&self) -> Result<i64, DbError> {
        let mut monitor = self.monitor.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = match &mut *monitor {
            Some(connection) => connection,
            none => none.insert(self.connect()?),
        };
        let version = storage::data_version(connection);
        version.map_err(|error| QueryError::from(error).in_database(&self.name))
    }

    /// Whether the primary is up, by its health check.
    pub fn is_up(&self) -> bool {
        self.primary.breaker.is_up()
    }

    /// Fails if its disk is full: after a write has failed, until a probe that needs new pages
    /// succeeds.
    pub fn require_space(&self, context: &Context) -> Result<(), DbError> {
        self.primary.require_space()?;
        match self.primary.disk_space.start_probe() {
            Probe::NotNeeded => Ok(()),
            Probe::NotYet => Err(self.primary.full("there was no room a moment ago")),
            Probe::Now => match self.write(context, storage::probe_space) {
                // A transfer has made it read-only, or the role lacks the right to create temporary
                // tables: the next write detects a full disk.
                Ok(()) | Err(DbError::ReadOnly { .. } | DbError::Refused { .. }) => {
                    self.primary.disk_space.record_space();
                    Ok(())
                }
                Err(error) => Err(error),
            },
        }
    }

    /// Fails if it is damaged or not writable, as far as known without writing.
    pub fn require_usable(&self) -> Result<(), DbError> {
        self.primary.require_usable()
    }

    /// The state of its replicas, in the order of the configuration.
    pub fn replicas(&self) -> Vec<ReplicaState> {
        let state = |replica: &Replica| ReplicaState {
            is_up: replica.server.breaker.is_up(),
            lag_ms: replica.replay.lag(&self.wal).map(|lag| lag.as_millis() as u64),
        };
        self.replicas.iter().map(state).collect()
    }

    /// Runs `queries` on one snapshot: of a replica, if preferred and it has the client's writes;
    /// otherwise of the primary, or of a replica if the primary is unavailable.
    pub fn read<T>(
        &self,
        context: &Context,
        queries: impl Fn(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let queries = |connection: &mut Connection, ()| queries(connection);
        if self.replica_settings.reads == ReadPreference::Replica
            && let Some(replica) = self.usable_replica(context)
        {
            match self.read_from(context, replica, |_| Ok(()), queries) {
                Err(error) if error.is_transient() => {}
                answered => return answered,
            }
        }
        self.primary_or_replica(context, |_| Ok(()), queries)
    }

    /// Runs `queries` on one current snapshot of the primary.
    pub fn read_latest<T>(
        &self,
        context: &Context,
        queries: impl Fn(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        self.read_from(context, &self.primary, |_| Ok(()), |connection, ()| queries(connection))
    }

    /// Like [`Database::read`], but of the primary if possible, for ascending lists. `queries` also
    /// gets the low watermark; None for a SQLite file, where this process is the only writer.
    pub fn read_settled<T>(
        &self,
        context: &Context,
        queries: impl Fn(&mut Connection, Option<Settled>) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let prepare = |connection: &mut Connection| Ok(settled(connection)?);
        self.primary_or_replica(context, prepare, queries)
    }

    /// Runs `queries` in one durable transaction, which is rolled back if they fail. On SQLite it
    /// holds the write lock from its start.
    pub fn write<T>(
        &self,
        context: &Context,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let after = |connection: &mut Connection| {
            // Files have no replicas.
            if let Address::Postgres(_) = self.primary.address {
                // If the position is unknown, no replica counts as current.
                let end = health_check::wal_end(connection).unwrap_or(u64::MAX);
                context.note_write(&self.name, end);
                if end != u64::MAX {
                    self.wal.advance(end);
                }
            }
        };
        let write = || self.primary.write(queries, after);
        context.while_awaiting(&self.name, &self.primary.breaker, write)
    }

    /// The lock timeout of transactions.
    pub fn lock_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.lock_timeout_ms.into())
    }

    /// Runs `work` on a writing connection outside of a transaction.
    pub(in crate::db) fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, String>,
    ) -> Result<T, DbError> {
        self.primary.with_writer(work)
    }

    /// Makes a SQLite file use a write-ahead log, on which readers and the writer don't wait for
    /// each other. A copy made by other tools may have lost the setting. Servers have none.
    pub fn use_write_ahead_log(&self) -> Result<(), DbError> {
        if self.is_file() { self.with_writer(wal_size::use_write_ahead_log) } else { Ok(()) }
    }

    /// Opens a connection to the primary outside the pool.
    pub(in crate::db) fn connect(&self) -> Result<Connection, DbError> {
        crate::db::connection::connector::connect(&self.primary.address, true, &self.settings)
            .map_err(|reason| self.unavailable(reason))
    }

    /// Whether the primary's write-ahead log is known to have reached `position`. If not,
    /// [`Database::has_reached`] asks the server.
    pub fn has_surely_reached(&self, position: u64) -> bool {
        position <= self.wal.end()
    }

    /// Whether the primary's write-ahead log has reached `position`.
    pub fn has_reached(&self, context: &Context, position: u64) -> Result<bool, DbError> {
        let end = self.read_latest(context, |connection| Ok(health_check::wal_end(connection)?))?;
        self.wal.advance(end);
        Ok(position <= end)
    }

    fn primary_or_replica<P, T>(
        &self,
        context: &Context,
        prepare: impl Fn(&mut Connection) -> Result<P, QueryError>,
        queries: impl Fn(&mut Connection, P) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let answered = self.read_from(context, &self.primary, &prepare, &queries);
        match answered {
            Err(error)
                if error.is_transient()
                    && let Some(replica) = self.usable_replica(context) =>
            {
                self.read_from(context, replica, prepare, queries)
            }
            answered => answered,
        }
    }

    fn read_from<P, T>(
        &self,
        context: &Context,
        server: &Arc<Server>,
        prepare: impl Fn(&mut Connection) -> Result<P, QueryError>,
        queries: impl Fn(&mut Connection, P) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        context.while_awaiting(&self.name, &server.breaker, || server.read(prepare, queries))
    }

    /// A replica that has the client's writes, in rotation.
    fn usable_replica(&self, context: &Context) -> Option<&Arc<Server>> {
        if context.needs_primaries() {
            return None;
        }
        let seen = context.position(&self.name);
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let number = self.replicas.len();
        (0..number)
            .map(|n| &self.replicas[first.wrapping_add(n) % number])
            .find(|replica| self.is_usable(replica, seen))
            .map(|replica| &replica.server)
    }

    fn is_usable(&self, replica: &Replica, seen: u64) -> bool {
        let max_lag = Duration::from_millis(self.replica_settings.max_lag_ms.into());
        replica.server.breaker.is_up()
            && replica.replay.replayed().is_some_and(|replayed| replayed >= seen)
            && replica.replay.lag(&self.wal).is_some_and(|lag| lag <= max_lag)
    }

    pub(in crate::db) fn unavailable(&self, reason: String) -> DbError {
        self.primary.unavailable(reason)
    }
}
