//! Applies the migrations, which are embedded in the program, to each database separately.
//!
//! [`Kind`] says which migrations a database gets. `migrations/README.md` explains how to add one;
//! `store/cluster/migrate.rs` runs them for a cluster.

use std::fs::File;
use std::io;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::connection::address::Address;
use crate::db::connection::database::Database;
use crate::db::connection::request_context::Context;
use crate::db::dialect::citus;
use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::dialect::storage;
use crate::db::dialect::transaction::remove_time_limit;
use crate::db::error::{DbError, QueryError};
use crate::db::files;

const SQLITE_DEFAULT: EmbeddedMigrations = embed_migrations!("../migrations/sqlite/default");
const SQLITE_REVIEWS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite/reviews");
const POSTGRES_DEFAULT: EmbeddedMigrations = embed_migrations!("../migrations/postgres/default");
const POSTGRES_REVIEWS: EmbeddedMigrations = embed_migrations!("../migrations/postgres/reviews");

/// Which tables a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Products, accounts, the shard map.
    Default,
    /// Reviews with their ratings, reports, history and keys.
    Reviews,
}

impl Kind {
    fn migrations(self, address: &Address) -> EmbeddedMigrations {
        match (address.is_file(), self) {
            (true, Kind::Default) => SQLITE_DEFAULT,
            (true, Kind::Reviews) => SQLITE_REVIEWS,
            (false, Kind::Default) => POSTGRES_DEFAULT,
            (false, Kind::Reviews) => POSTGRES_REVIEWS,
        }
    }
}

/// The applied and missing migrations of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationState {
    /// Applied migrations, in order.
    pub applied: Vec<String>,
    /// Missing migrations, in order.
    pub pending: Vec<String>,
    /// Applied migrations that this program doesn't know, because a newer one applied them.
    pub unknown: Vec<String>,
}

/// The right to migrate a database. One process has it at a time, until this is dropped.
pub struct MigrationLock {
    _held: Held,
}

enum Held {
    File { _locked: File },
    Session { _locked: Connection },
}

/// The key of the advisory lock of a process that migrates: the first eight bytes of `OrMigrate`.
const MIGRATION_KEY: i64 = i64::from_be_bytes(*b"OrMigrat");

/// Waits until no other process migrates this database; creates a SQLite file if it is missing.
pub fn lock(database: &Database) -> Result<MigrationLock, DbError> {
    let held = lock_existing(database)?;
    if let Some(path) = database.address().file() {
        create_file(database, path)?;
    }
    Ok(held)
}

/// Waits until no other process migrates this database.
pub fn lock_existing(database: &Database) -> Result<MigrationLock, DbError> {
    let held = match database.address().file() {
        Some(path) => {
            let unavailable = |error: io::Error| DbError::Unavailable {
                database: database.name().to_owned(),
                reason: format!("{}: {error}", path.display()),
                should_log: true,
            };
            let locked = files::lock_file(path, files::MIGRATE).map_err(unavailable)?;
            locked.lock().map_err(unavailable)?;
            Held::File { _locked: locked }
        }
        None => {
            let mut connection = database.connect()?;
            let statements = format!(
                "SET statement_timeout = 0; SET lock_timeout = 0;
                 SELECT pg_advisory_lock({MIGRATION_KEY})"
            );
            connection.batch_execute(&statements).map_err(|error| DbError::Unavailable {
                database: database.name().to_owned(),
                reason: error.to_string(),
                should_log: true,
            })?;
            Held::Session { _locked: connection }
        }
    };
    Ok(MigrationLock { _held: held })
}

/// Creates the file if it does not exist, and makes it use a write-ahead log.
fn create_file(database: &Database, path: &Path) -> Result<(), DbError> {
    match files::create_file(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(DbError::Unavailable {
                database: database.name().to_owned(),
                reason: format!("{}: {error}", path.display()),
                should_log: true,
            });
        }
        _ => files::close_to_others(path),
    }
    database.use_write_ahead_log()
}

/// The applied migrations, in order.
pub fn applied(connection: &mut Connection) -> Result<Vec<String>, QueryError> {
    diesel::table! {
        __diesel_schema_migrations (version) {
            version -> Text,
        }
    }
    use __diesel_schema_migrations::{table, version};
    if !storage::has_table(connection, "__diesel_schema_migrations")? {
        return Ok(Vec::new());
    }
    Ok(table.order(version).select(version).load(connection)?)
}

/// The migrations that this program has for a database, in order.
fn known(database: &Database, kind: Kind) -> Result<Vec<String>, DbError> {
    let migrations = kind.migrations(database.address());
    let known = MigrationSource::<Sqlite>::migrations(&migrations).map_err(|error| {
        DbError::CorruptData { database: database.name().to_owned(), what: error.to_string() }
    })?;
    let mut known: Vec<_> = known.iter().map(|m| m.name().version().to_string()).collect();
    known.sort();
    Ok(known)
}

/// The migrations that this program doesn't know.
pub fn unknown(
    database: &Database,
    kind: Kind,
    migrations: &[String],
) -> Result<Vec<String>, DbError> {
    let known = known(database, kind)?;
    Ok(migrations.iter().filter(|version| !known.contains(version)).cloned().collect())
}

/// Reads the state of a database.
pub fn state(database: &Database, kind: Kind) -> Result<MigrationState, DbError> {
    let applied = database.read_latest(&Context::default(), applied)?;
    let known = known(database, kind)?;
    Ok(MigrationState {
        pending: known.iter().filter(|v| !applied.contains(v)).cloned().collect(),
        unknown: applied.iter().filter(|v| !known.contains(v)).cloned().collect(),
        applied,
    })
}

/// The result of [`run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The migrations, by their versions.
    pub versions: Vec<String>,
    /// The tables that were distributed over the nodes of a Citus cluster.
    pub distributed: Vec<&'static str>,
}

/// Applies the pending migrations, each in a transaction; distributes the sharded tables on a Citus
/// coordinator.
pub fn run(database: &Database, kind: Kind, _lock: &MigrationLock) -> Result<Applied, DbError> {
    let migrations = kind.migrations(database.address());
    database.with_writer(|connection| {
        remove_time_limit(connection).map_err(|error| error.to_string())?;
        let versions: Vec<String> = on_each_engine!(&mut *connection, c => {
            let versions = c.run_pending_migrations(migrations).map_err(|e| e.to_string())?;
            versions.iter().map(ToString::to_string).collect()
        });
        let distributed = match kind {
            Kind::Reviews => citus::distribute(connection),
            Kind::Default => Ok(Vec::new()),
        };
        Ok(Applied { versions, distributed: distributed.map_err(|error| error.to_string())? })
    })
}
