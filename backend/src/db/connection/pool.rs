//! One SQLite file or PostgreSQL server: its connections, and whether it answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::r2d2::{HandleError, ManageConnection, Pool, PooledConnection};
use diesel::{Connection as _, PgConnection, SqliteConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::db::connection::address::Address;
use crate::db::connection::circuit_breaker::CircuitBreaker;
use crate::db::connection::room::Room;
use crate::db::dialect::citus;
use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::dialect::statement_timeout::{self, TimeLimit};
use crate::db::dialect::transaction::{self, Mode};
use crate::db::dialect::wal_size::WalSize;
use crate::db::error::{DbError, QueryError, is_damage, one_line};
use crate::db::files;

/// How a database is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Connections that read at the same time.
    pub read_connections: u32,
    /// Connections that write at the same time; to a SQLite file it is one.
    pub write_connections: u32,
    /// How long a request waits for a connection to become free, in milliseconds.
    pub checkout_timeout_ms: u32,
    /// How long a transaction waits for another one's lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// How long a PostgreSQL server works at one statement, and SQLite at one read, in milliseconds.
    pub statement_timeout_ms: u32,
}

/// Requests that wait for a connection of one pool at most: more than these would only wait in
/// vain, and keep threads from the other databases.
const MAX_WAITING: usize = 256;
/// Connections that a request tries, if it finds them closed.
const MAX_TRIES: usize = 3;
/// How often a request that waits looks whether there is still something to wait for.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// One SQLite file or PostgreSQL server.
pub(in crate::db) struct Server {
    /// The database's name, as problems name it.
    database: String,
    pub address: Address,
    pub breaker: Arc<CircuitBreaker>,
    readers: ConnectionPool,
    writers: ConnectionPool,
    settings: Settings,
    /// Of a file.
    wal: Option<WalSize>,
    /// Whether writes have found room.
    pub room: Room,
    /// In which generation of the server it was found damaged, or not to be written to.
    damaged_in: AtomicU64,
}

/// No generation of a server: see [`CircuitBreaker::generation`].
const NO_GENERATION: u64 = u64::MAX;

/// The connections for one use, and those who wait for them.
struct ConnectionPool {
    inner: Pool<Connector>,
    waiting: AtomicUsize,
    timeout: Duration,
}

impl Server {
    /// The server at `address`, which is first asked when it is first used.
    pub fn new(database: &str, address: Address, settings: Settings) -> Server {
        let breaker = Arc::new(CircuitBreaker::new());
        // One thread opens connections: a server that hangs keeps only its own waiting.
        let threads = Arc::new(
            ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("connect-{}").build(),
        );
        let pool = |role, connections| {
            let timeout = Duration::from_millis(settings.checkout_timeout_ms.into());
            let inner = Pool::builder()
                .max_size(connections)
                .min_idle(Some(0))
                // Not by a query: see `Connector::is_valid`.
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
            // SQLite has one writer at a time anyway: waiting for it in the pool is fair, waiting
            // for its lock is not.
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
            room: Room::default(),
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

    /// Runs `queries` in one transaction that commits durably; when they fail, nothing has
    /// happened. `after` runs when they are committed.
    pub fn write<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
        after: impl FnOnce(&mut Connection),
    ) -> Result<T, DbError> {
        let begin = |session: &mut PooledConn| {
            transaction::begin(&mut session.connection, Mode::Write)?;
            if self.breaker.routes_itself() {
                // Nodes know of a limit what the transaction itself says.
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
        // A migration may have left settings behind, a failed one a transaction.
        session.broken = matches!(session.connection, Connection::Postgres(_));
        done.map_err(|reason| self.unavailable(reason))
    }

    /// A connection on which `begin` has succeeded. A server may have closed those that were open
    /// meanwhile: nothing has happened on them yet, so another one is as good.
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

    /// The error by its database. When a server has closed the connection, or doesn't take writes
    /// any more, that connection is not used again, and neither are those that were opened before.
    fn classify(&self, session: &mut PooledConn, error: QueryError) -> DbError {
        let demoted = error.is_read_only();
        let error = error.in_database(&self.database);
        match &error {
            DbError::Full { .. } => self.room.record_full(),
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

    /// Fails when the file's disk has hardly any room left.
    pub fn require_room(&self) -> Result<(), DbError> {
        if !self.wal.as_ref().is_some_and(WalSize::lacks_room) {
            return Ok(());
        }
        Err(self.full("there is less than 1 MiB"))
    }

    /// That there is no room.
    pub fn full(&self, reason: &str) -> DbError {
        DbError::Full { database: self.database.clone(), reason: reason.to_owned() }
    }

    /// Fails when the file may not be written to, or the data were found damaged since the server was
    /// last away: what comes back may be another one. A damaged file is replaced while nothing serves.
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

    /// That it can't be asked, for this reason. Some of them do not pass by themselves.
    pub fn unavailable(&self, reason: String) -> DbError {
        if is_damage(&reason) {
            self.record_damage();
            return self.unusable(reason);
        }
        if let Some(problem) = self.write_problem() {
            return self.unusable(format!("{reason}: {problem}"));
        }
        DbError::Unavailable { database: self.database.clone(), reason, should_log: true }
    }

    /// What the log knows already.
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

/// A request that waits for a connection, until it is dropped.
struct WaitTicket<'a>(&'a AtomicUsize);

impl Drop for WaitTicket<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connection may be used for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Reader,
    Writer,
}

struct Connector {
    database: String,
    address: Address,
    breaker: Arc<CircuitBreaker>,
    role: Role,
    settings: Settings,
}

struct PooledConn {
    connection: Connection,
    /// Whether it can't be used again.
    broken: bool,
    /// See [`CircuitBreaker::generation`].
    generation: u64,
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ConnectError(String);

impl ManageConnection for Connector {
    type Connection = PooledConn;
    type Error = ConnectError;

    fn connect(&self) -> Result<PooledConn, ConnectError> {
        let generation = self.breaker.generation();
        let connected = connect(&self.address, self.role == Role::Writer, &self.settings);
        let connected = connected.and_then(|mut connection| {
            let routes_itself = citus::set_up(&mut connection).map_err(|e| one_line(&e))?;
            self.breaker.set_routes_itself(routes_itself);
            Ok(connection)
        });
        match connected {
            Ok(connection) => Ok(PooledConn { connection, broken: false, generation }),
            Err(reason) => {
                // Without a watcher a command runs, which reports the error itself.
                if self.breaker.is_watched() {
                    let database = &self.database;
                    tracing::warn!(database, reason, "a connection could not be opened");
                }
                self.breaker.record_unreachable(&reason);
                Err(ConnectError(reason))
            }
        }
    }

    /// A file does not hang up. A server may have, but a query at every checkout would cost as
    /// much as many a request: what was opened before the last failure counts as closed.
    fn is_valid(&self, session: &mut PooledConn) -> Result<(), ConnectError> {
        if session.generation == self.breaker.generation() {
            Ok(())
        } else {
            Err(ConnectError("opened before the server failed".to_owned()))
        }
    }

    fn has_broken(&self, session: &mut PooledConn) -> bool {
        use diesel::connection::{AnsiTransactionManager as Transactions, TransactionManager};
        let in_transaction = on_each_engine!(&mut session.connection, c => {
            Transactions::is_broken_transaction_manager(c)
        });
        session.broken || in_transaction || std::thread::panicking()
    }
}

/// Opens a connection that is set up for its use.
pub(in crate::db) fn connect(
    address: &Address,
    writes: bool,
    settings: &Settings,
) -> Result<Connection, String> {
    statement_timeout::install();
    let url = address.open_url();
    let connected = match address {
        Address::Sqlite(_) => SqliteConnection::establish(&url).map(Connection::Sqlite),
        Address::Postgres(_) => PgConnection::establish(&url).map(Connection::Postgres),
    };
    let mut connection = connected.map_err(|error| one_line(&error))?;
    let setup = match address {
        Address::Sqlite(_) => format!(
            "PRAGMA busy_timeout = {};
             PRAGMA synchronous = FULL;
             {}
             PRAGMA foreign_keys = ON;
             PRAGMA query_only = {};",
            settings.lock_timeout_ms,
            WalSize::pragmas(),
            if writes { "OFF" } else { "ON" }
        ),
        // Whoever holds locks and hears nothing from us any more must not hold them for ever.
        // Messages are in English, so that `QueryError` understands them; only superusers may
        // choose that, of other roles it is a setting.
        Address::Postgres(_) => format!(
            "SET statement_timeout = {0};
             SET lock_timeout = {1};
             SET idle_in_transaction_session_timeout = {0};
             SET client_min_messages = warning;
             SELECT set_config('lc_messages', 'C', false)
                 WHERE current_setting('is_superuser')::boolean;",
            settings.statement_timeout_ms, settings.lock_timeout_ms,
        ),
    };
    connection.batch_execute(&setup).map_err(|error| one_line(&error))?;
    Ok(connection)
}

/// Connections that can't be opened are logged where that is noticed.
#[derive(Debug)]
struct NoopErrorHandler;

impl HandleError<ConnectError> for NoopErrorHandler {
    fn handle_error(&self, _: ConnectError) {}
}
