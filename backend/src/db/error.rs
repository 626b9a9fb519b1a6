//! What can go wrong in a database, named by the database.

use super::server::one_line;
use crate::shard::Bucket;

/// What a database says that a transfer has made read-only: see [`super::transfer::guard`].
pub(super) const READ_ONLY: &str = "read-only: moved by ostrakon transfer";

/// Why a transaction did not happen.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database can't be opened, doesn't answer, or refuses.
    #[error("{database}: {reason}")]
    Unavailable {
        /// Its name.
        database: String,
        /// What it or the operating system said; for the log, never for a client.
        reason: String,
        /// Whether the log doesn't know it yet.
        is_news: bool,
    },
    /// The database takes no changes: a transfer moves it, or has moved it.
    #[error("{database} is read-only: `ostrakon transfer` moves it, or has moved it")]
    ReadOnly {
        /// Its name.
        database: String,
    },
    /// The database doesn't own this bucket, or not since the epoch the caller routed by.
    #[error("{database} does not own bucket {bucket} as the shard map says")]
    Moved {
        /// Its name.
        database: String,
        /// The bucket.
        bucket: Bucket,
    },
    /// A row with this key is there already.
    #[error("{database}: {constraint}")]
    Conflict {
        /// Its name.
        database: String,
        /// Which constraint refused the row.
        constraint: String,
    },
    /// There is no room to write: a disk is full.
    #[error("{database}: its disk is full: {reason}")]
    Full {
        /// Its name.
        database: String,
        /// What the engine said; for the log, never for a client.
        reason: String,
    },
    /// The clock by which reviews are dated says a time that ids can't have.
    #[error(
        "{database}: its clock says {now_ms} ms since 1970, reviews are dated from 2000 to 2069"
    )]
    ClockWrong {
        /// Its name.
        database: String,
        /// What the clock says, in milliseconds since the Unix epoch.
        now_ms: i64,
    },
    /// What is stored can't be.
    #[error("{database}: {what}")]
    Broken {
        /// Its name.
        database: String,
        /// What was found.
        what: String,
    },
}

/// Why a query inside a transaction failed; the transaction is rolled back.
#[derive(Debug)]
pub enum QueryError {
    /// Diesel's word.
    Diesel(diesel::result::Error),
    /// See [`DbError::Moved`].
    Moved(Bucket),
    /// See [`DbError::ClockWrong`].
    ClockWrong(i64),
    /// See [`DbError::Broken`].
    Broken(String),
}

/// Whether the engine found no room to write: SQLite's words, and the operating system's that
/// PostgreSQL repeats.
fn is_full(error: &diesel::result::Error) -> bool {
    let said = error.to_string();
    ["database or disk is full", "No space left on device"].iter().any(|full| said.contains(full))
}

impl From<diesel::result::Error> for QueryError {
    fn from(error: diesel::result::Error) -> QueryError {
        QueryError::Diesel(error)
    }
}

impl QueryError {
    /// Whether a write was refused because the server only answers reads.
    pub(super) fn is_read_only(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::ReadOnlyTransaction, Error};

        matches!(self, QueryError::Diesel(Error::DatabaseError(ReadOnlyTransaction, _)))
    }

    pub(super) fn of(self, database: &str) -> DbError {
        use diesel::result::{DatabaseErrorKind::UniqueViolation, Error};

        let database = database.to_owned();
        match self {
            QueryError::Moved(bucket) => DbError::Moved { database, bucket },
            QueryError::ClockWrong(now_ms) => DbError::ClockWrong { database, now_ms },
            QueryError::Broken(what) => DbError::Broken { database, what },
            QueryError::Diesel(error) if is_full(&error) => {
                DbError::Full { database, reason: one_line(&error) }
            }
            QueryError::Diesel(Error::DatabaseError(_, info))
                if info.message().contains(READ_ONLY) =>
            {
                DbError::ReadOnly { database }
            }
            QueryError::Diesel(Error::DatabaseError(UniqueViolation, info)) => {
                DbError::Conflict { database, constraint: info.message().to_owned() }
            }
            QueryError::Diesel(Error::DeserializationError(error)) => {
                DbError::Broken { database, what: error.to_string() }
            }
            QueryError::Diesel(error) => {
                DbError::Unavailable { database, reason: one_line(&error), is_news: true }
            }
        }
    }
}
