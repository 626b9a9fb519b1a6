//! Connections: how a SQLite file is opened, and the pools of one database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use diesel::sql_types::Text;
use diesel::{Connection as _, RunQueryDsl, SqliteConnection};

use super::error::{DbError, QueryError};

/// What queries run on.
pub type Connection = SqliteConnection;

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Connections that read at the same time.
    pub read_connections: u32,
    /// How long a transaction waits for another connection's lock, in milliseconds.
    pub busy_timeout_ms: u32,
}

/// One database with its pools: several connections that read, one that writes.
///
/// SQLite has one writer at a time anyway: waiting for it in the pool is fair, waiting for its
/// lock is not. Connections open when they are first used.
pub struct Database {
    name: String,
    path: PathBuf,
    readers: Pool<ConnectionManager<SqliteConnection>>,
    writer: Pool<ConnectionManager<SqliteConnection>>,
}

impl Database {
    /// The database `name` in the file at `path`, which must exist when it is first used.
    pub fn new(name: &str, path: &Path, settings: Settings) -> Database {
        let pool = |role: Role, connections: u32| {
            let timeout = Duration::from_millis(settings.busy_timeout_ms.into());
            Pool::builder()
                .max_size(connections)
                .min_idle(Some(0))
                // A file does not hang up: a test query at each checkout would find nothing.
                .test_on_check_out(false)
                .connection_timeout(timeout)
                .error_handler(Box::new(LogPoolErrors))
                .connection_customizer(Box::new(Pragmas { role, settings }))
                .build_unchecked(ConnectionManager::new(file_url(path)))
        };
        Database {
            name: name.to_owned(),
            path: path.to_owned(),
            readers: pool(Role::Reader, settings.read_connections),
            writer: pool(Role::Writer, 1),
        }
    }

    /// `default`, or `reviews-1` to `reviews-N`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `queries` on one snapshot.
    pub fn read<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let mut pooled = self.checkout(&self.readers)?;
        let connection: &mut Connection = &mut pooled;
        connection.transaction(queries).map_err(|error| error.of(&self.name))
    }

    /// Runs `queries` in one transaction that holds the write lock from its start, and commits
    /// it durably; when they fail, nothing has happened.
    pub fn write<T>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, QueryError>,
    ) -> Result<T, DbError> {
        let mut pooled = self.checkout(&self.writer)?;
        let connection: &mut Connection = &mut pooled;
        connection.immediate_transaction(queries).map_err(|error| error.of(&self.name))
    }

    /// Runs `work` on the writing connection outside of a transaction, as migrations need it.
    pub(super) fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, String>,
    ) -> Result<T, DbError> {
        let mut connection = self.checkout(&self.writer)?;
        work(&mut connection).map_err(|reason| self.unavailable(reason))
    }

    fn checkout(
        &self,
        pool: &Pool<ConnectionManager<SqliteConnection>>,
    ) -> Result<PooledConnection<ConnectionManager<SqliteConnection>>, DbError> {
        pool.get().map_err(|error| self.unavailable(error.to_string()))
    }

    fn unavailable(&self, reason: String) -> DbError {
        DbError::Unavailable { database: self.name.clone(), reason }
    }
}

/// A URL that opens the file but doesn't create it.
fn file_url(path: &Path) -> String {
    // RFC 3986: what has a meaning in a URL is written by its number.
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("file:{escaped}?mode=rw")
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Reader,
    Writer,
}

#[derive(Debug)]
struct Pragmas {
    role: Role,
    settings: Settings,
}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        let query_only = if self.role == Role::Reader { "ON" } else { "OFF" };
        connection
            .batch_execute(&format!(
                "PRAGMA busy_timeout = {};
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON;
                 PRAGMA query_only = {query_only};",
                self.settings.busy_timeout_ms
            ))
            .map_err(diesel::r2d2::Error::QueryError)
    }
}

#[derive(Debug)]
struct LogPoolErrors;

impl diesel::r2d2::HandleError<diesel::r2d2::Error> for LogPoolErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::warn!(%error, "a connection could not be opened");
    }
}

/// The first SQLite whose write-ahead log is safe with several connections: earlier ones can
/// corrupt a database when a checkpoint meets a reset of the log.
const SAFE_SQLITE: [u32; 3] = [3, 51, 3];

/// What is wrong with the SQLite library that this program runs with, if anything.
pub fn sqlite_version_problem() -> Option<String> {
    let found = sqlite_version().unwrap_or_else(|error| format!("one that fails: {error}"));
    let mut numbers = found.split('.').map(|part| part.parse().unwrap_or(0));
    let version: [u32; 3] = std::array::from_fn(|_| numbers.next().unwrap_or(0));
    (version < SAFE_SQLITE).then(|| {
        format!(
            "SQLite 3.51.3 or later is needed (earlier ones can corrupt a write-ahead log), \
             this program runs with {found}"
        )
    })
}

fn sqlite_version() -> Result<String, Box<dyn std::error::Error>> {
    let mut memory = SqliteConnection::establish(":memory:")?;
    Ok(diesel::select(sql::<Text>("sqlite_version()")).get_result(&mut memory)?)
}
