//! Migrations: embedded in the program, applied to each database on its own.

use std::io;

use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::Database;
use super::error::DbError;

const DEFAULT: EmbeddedMigrations = embed_migrations!("../migrations/sqlite/default");
const REVIEWS: EmbeddedMigrations = embed_migrations!("../migrations/sqlite/reviews");

/// Which tables a database has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Products, accounts, the shard map.
    Default,
    /// Reviews, and what belongs to them.
    Reviews,
}

impl Kind {
    fn migrations(self) -> EmbeddedMigrations {
        match self {
            Kind::Default => DEFAULT,
            Kind::Reviews => REVIEWS,
        }
    }
}

/// How far a database has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Migrations that are applied, in order.
    pub applied: Vec<String>,
    /// Migrations of this program that are not, in order.
    pub pending: Vec<String>,
    /// Applied migrations that this program doesn't know: a newer one was here.
    pub unknown: Vec<String>,
}

/// Creates the file when there is none, and makes it use a write-ahead log.
pub fn create_file(database: &Database) -> Result<(), DbError> {
    let unavailable = |error: io::Error| DbError::Unavailable {
        database: database.name().to_owned(),
        reason: format!("{}: {error}", database.path().display()),
    };
    if let Some(folder) = database.path().parent() {
        std::fs::create_dir_all(folder).map_err(unavailable)?;
    }
    match std::fs::File::create_new(database.path()) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(unavailable(error));
        }
        _ => {}
    }
    database.with_writer(|connection| {
        connection.batch_execute("PRAGMA journal_mode = WAL").map_err(|error| error.to_string())
    })
}

/// How far a database has come.
pub fn progress(database: &Database, kind: Kind) -> Result<Progress, DbError> {
    database.with_writer(|connection| {
        let mut applied: Vec<String> = connection
            .applied_migrations()
            .map_err(|error| error.to_string())?
            .iter()
            .map(ToString::to_string)
            .collect();
        applied.sort();
        let known = MigrationSource::<Sqlite>::migrations(&kind.migrations());
        let known = known.map_err(|error| error.to_string())?;
        let mut known: Vec<_> = known.iter().map(|m| m.name().version().to_string()).collect();
        known.sort();
        Ok(Progress {
            pending: known.iter().filter(|v| !applied.contains(v)).cloned().collect(),
            unknown: applied.iter().filter(|v| !known.contains(v)).cloned().collect(),
            applied,
        })
    })
}

/// Applies what is pending, each migration in a transaction of its own; returns their versions.
pub fn run(database: &Database, kind: Kind) -> Result<Vec<String>, DbError> {
    database.with_writer(|connection| {
        let versions = connection
            .run_pending_migrations(kind.migrations())
            .map_err(|error| error.to_string())?;
        Ok(versions.iter().map(ToString::to_string).collect())
    })
}
