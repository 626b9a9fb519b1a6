//! One SQLite file or PostgreSQL server: its connections, and whether it answers.
//!
//! Look here for what a request waits for before its transaction starts, and for what follows from
//! an error: a closed connection, a damaged file, a disk that counts as full.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::r2d2::{Pool, PooledConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::db::connection::address::Address;
use crate::db::connection::circuit_breaker::CircuitBreaker;
use crate::db::connection::connector::{Connector, NoopErrorHandler, PooledConn, Role};
use crate::db::connection::disk_space::DiskSpace;
use crate::db::connection::settings::Settings;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::statement_timeout::TimeLimit;
use crate::db::dialect::transaction::{self, Mode};
use crate::db::dialect::wal_size::WalSize;
use crate::db::error::{DbError, QueryError, is_damage, is_io_error};
use crate::db::files;

/// The maximum number of requests that wait for a connection of a pool: more would time out anyway,
/// and occupy threads that other databases need.
const MAX_WAITING: usize = 256;
/// The maximum number of connections that a request tries if the server has closed them.
const MAX_TRIES: usize = 3;
/// How often a waiting request checks the breaker.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One SQLite file or PostgreSQL server.
pub(in crate::db) struct Server {
    /// The name of the database, for errors.
    database: String,
    pub address: Address,
    pub breaker: Arc<CircuitBreaker>,
    readers: ConnectionPool,
    writers: ConnectionPool,
    settings: Settings,
    /// Only for a file.
    wal: Option<WalSize>,
    /// Whether writes have found space on the disk.
    pub disk_space: DiskSpace,
    /// The generation of the server in which it was found damaged or read-only.
    damaged_in: AtomicU64,
}

/// A value that is no generation: see [`CircuitBreaker::generation`].
const NO_GENERATION: u64 = u64::MAX;

/// The connections for reading or writing, and the number of waiting requests.
struct ConnectionPool {
    inner: Pool<Connector>,
    waiting: AtomicUsize,
    timeout: Duration,
}

impl Server {
    /// The server at `address`; connects on first use.
    pub fn new(database: &str, address: Address, settings: Settings) -> Server {
        let breaker = Arc::new(CircuitBreaker::new());
        // Each server has one thread that opens connections, so that a hanging server blocks no
        // other.
        let threads = Arc::new(
            ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("connect-{}").build(),
        );
        let pool = |role, connections| {
            let timeout = Duration::from_millis(settings.checkout_timeout_ms.into());
            let inner = Pool::builder()
                .max_size(connections)
                .min_idle(Some(0))
                // `Connector::is_valid` runs no query.
                .test_on_check_out(true)
                .connection_timeout(timeout)
                .thread_pool(Arc::clone(&threads))
                .error_handler(Box::new(NoopErrorHandler))
                .build_unchecked(Connector {
                    database: database.to_owned(),
                    address: address.clone(),
                    breaker: Arc::clone(&breaker),
                    role,
                    settings,
                });
            ConnectionPool { inner, waiting: AtomicUsize::new(0), timeout }
        };
        let writing = match address {
            // SQLite has one writer at a time. Waiting in the pool is fair, waiting for SQLite's
            // lock is not.
            Address::Sqlite(_) => 1,
            Address::Postgres(_) => settings.write_connections,
        };
        Server {
            readers: pool(Role::Reader, settings.read_connections),
            writers: pool(Role::Writer, writing),
            database: database.to_owned(),
            wal: match &address {
                Address::Sqlite(file) => Some(WalSize::new(file)),
                Address::Postgres(_) => None,
            },
            address,
            breaker,
            settings,
            disk_space: DiskSpace::default(),
            damaged_in: AtomicU64::new(NO_GENERATION),
        }
    }

    /// Runs `queries` on one snapshot. `prepare` runs before that is taken.
    pub fn read<P, T>(
        &self,
        prepare: impl Fn(&mut Connection) -> Result<P, QueryError>,
        queries: impl Fn(&mut Connection, P) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let _limit = TimeLimit::start(self.statement_timeout());
        let prepared = |session: &mut PooledConn| {
            let prepared = prepare(&mut session.connection)?;
            transaction::begin(&mut session.connection, Mode::Read)?;
            Ok(prepared)
        };
        let (mut session, prepared) = self.checkout_and_begin(&self.readers, prepared)?;
        let result = queries(&mut session.connection, prepared);
        let result = transaction::end(&mut session.connection, result);
        result.map_err(|error| self.classify(&mut session, error))
    }

    /// Runs `queries` in one durable transaction, which is rolled back if they fail; then runs
    /// `after`.
    pub fn write<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
        after: impl FnOnce(&mut Connection),
    ) -> Result<T, DbError> {
        let begin = |session: &mut PooledConn| {
            transaction::begin(&mut session.connection, Mode::Write)?;
            if self.breaker.routes_itself() {
                // The nodes of a Citus cluster get only limits that are set in the transaction.
                transaction::limit_lock_wait(&mut session.connection, self.lock_timeout())?;
            }
            Ok(())
        };
        let (mut session, ()) = self.checkout_and_begin(&self.writers, begin)?;
        let result = queries(&mut session.connection);
        let result = transaction::end(&mut session.connection, result);
        if result.is_ok() {
            after(&mut session.connection);
            if let Some(wal) = &self.wal {
                wal.truncate_if_large(&mut session.connection, self.settings.lock_timeout_ms);
            }
        }
        result.map_err(|error| self.classify(&mut session, error))
    }

    /// Runs `work` on a writing connection outside of a transaction, as migrations need it.
    pub fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, String>,
    ) -> Result<T, DbError> {
        let mut session = self.checkout(&self.writers)?;
        let done = work(&mut session.connection);
        // The work may have left settings or an open transaction behind.
        session.broken = matches!(session.connection, Connection::Postgres(_));
        done.map_err(|reason| self.unavailable(reason))
    }

    /// A connection on which `begin` has succeeded. If the server has closed a connection, another
    /// one is tried: nothing has happened on it yet.
    fn checkout_and_begin<T>(
        &self,
        pool: &ConnectionPool,
        begin: impl Fn(&mut PooledConn) -> Result<T, QueryError>,
    ) -> Result<(PooledConnection<Connector>, T), DbError> {
        let tries = if matches!(self.address, Address::Postgres(_)) { MAX_TRIES } else { 1 };
        let mut tried = 1;
        loop {
            let mut session = self.checkout(pool)?;
            match begin(&mut session) {
                Ok(begun) => return Ok((session, begun)),
                Err(error) => {
                    let failed = self.classify(&mut session, error);
                    if tried == tries || !session.broken {
                        return Err(failed);
                    }
                    tried += 1;
                }
            }
        }
    }

    /// Converts the error. If the server has closed the connection or has become read-only, neither
    /// this connection nor any older one is used again.
    fn classify(&self, session: &mut PooledConn, error: QueryError) -> DbError {
        let demoted = error.is_read_only();
        let error = error.in_database(&self.database);
        match &error {
            DbError::Full { .. } => self.disk_space.record_full(),
            DbError::Unusable { .. } => self.record_damage(),
            _ => {}
        }
        let (DbError::Unavailable { reason, .. } | DbError::Refused { reason, .. }) = &error else {
            return error;
        };
        if matches!(session.connection, Connection::Postgres(_))
            && (demoted || session.connection.batch_execute("SELECT 1").is_err())
        {
            session.broken = true;
            self.breaker.record_failure();
            return self.unavailable(reason.clone());
        }
        match error {
            DbError::Unavailable { reason, .. } => self.unavailable(reason),
            error => error,
        }
    }

    fn checkout(&self, pool: &ConnectionPool) -> Result<PooledConnection<Connector>, DbError> {
        let began = Instant::now();
        let _waiting = pool.wait().map_err(|reason| self.unavailable(reason))?;
        loop {
            self.breaker.check(began).map_err(|reason| self.known_unavailable(reason))?;
            match pool.inner.get_timeout(POLL_INTERVAL) {
                Ok(session) => return Ok(session),
                Err(_) if began.elapsed() < pool.timeout => {}
                Err(error) => return Err(self.unavailable(error.to_string())),
            }
        }
    }

    /// Fails if the file's disk is almost full.
    pub fn require_space(&self) -> Result<(), DbError> {
        if !self.wal.as_ref().is_some_and(WalSize::lacks_space) {
            return Ok(());
        }
        Err(self.full("there is less than 1 MiB"))
    }

    /// Ends the health check and closes idle connections. Requests that still need the server open
    /// new ones, which are closed when they have been idle for a while.
    pub fn close(&self) {
        self.breaker.stop();
        for pool in [&self.readers, &self.writers] {
            // The pool checks each idle connection before it returns one, and drops those of an
            // earlier generation: all of them.
            drop(pool.inner.try_get());
        }
    }

    /// The error of a full disk.
    pub fn full(&self, reason: &str) -> DbError {
        DbError::Full { database: self.database.clone(), reason: reason.to_owned() }
    }

    /// Fails if the file is not writable, or if the data was found damaged since the server was
    /// last unavailable: a server that comes back may be a replacement. A damaged file can only be
    /// replaced while no server runs.
    pub fn require_usable(&self) -> Result<(), DbError> {
        if let Some(problem) = self.write_problem() {
            return Err(self.unusable(problem));
        }
        if self.damaged_in.load(Ordering::Relaxed) == self.breaker.generation() {
            return Err(self.unusable("it was found damaged, or read-only, before".to_owned()));
        }
        Ok(())
    }

    fn write_problem(&self) -> Option<String> {
        match &self.address {
            Address::Sqlite(path) => files::write_problem(path),
            Address::Postgres(_) => None,
        }
    }

    fn unusable(&self, reason: String) -> DbError {
        DbError::Unusable { database: self.database.clone(), reason }
    }

    fn record_damage(&self) {
        self.damaged_in.store(self.breaker.generation(), Ordering::Relaxed);
    }

    fn lock_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.lock_timeout_ms.into())
    }

    fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.settings.statement_timeout_ms.into())
    }

    /// The error of an unavailable database; for some reasons, of an unusable one.
    pub fn unavailable(&self, reason: String) -> DbError {
        if is_damage(&reason) {
            self.record_damage();
            return self.unusable(reason);
        }
        if let Some(problem) = self.write_problem() {
            return self.unusable(format!("{reason}: {problem}"));
        }
        // SQLite does not say so when it can't create the files beside a database.
        if is_io_error(&reason) && self.require_space().is_err() {
            return self.full(&reason);
        }
        DbError::Unavailable { database: self.database.clone(), reason, should_log: true }
    }

    /// [`Server::unavailable`] for a reason that has been logged.
    fn known_unavailable(&self, reason: String) -> DbError {
        match self.unavailable(reason) {
            DbError::Unavailable { database, reason, .. } => {
                DbError::Unavailable { database, reason, should_log: false }
            }
            unusable => unusable,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.breaker.stop();
    }
}

impl ConnectionPool {
    fn wait(&self) -> Result<WaitTicket<'_>, String> {
        let waiting = WaitTicket(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) < MAX_WAITING {
            Ok(waiting)
        } else {
            Err(format!("{MAX_WAITING} requests are waiting for a connection already"))
        }
    }
}

/// Counts a waiting request until it is dropped.
struct WaitTicket<'a>(&'a AtomicUsize);

impl Drop for WaitTicket<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
