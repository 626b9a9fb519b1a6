//! Errors of databases and of queries.
//!
//! Look here when a failure of an engine is reported as the wrong error: `Cause` classifies the
//! engines' messages, and `DbError::is_transient` says which errors may pass. The store translates
//! [`DbError`] for clients (`store/error.rs`).

use crate::shard::Bucket;

/// The message of a database that is read-only: see [`crate::db::transfer::make_read_only`].
pub(super) const READ_ONLY: &str = "read-only: moved by ostrakon transfer";

/// Why a transaction failed, and in which database: `database` is its name, `default` or
/// `reviews-1` … `reviews-N`. `reason` is the message of the engine or the operating system: for
/// the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database can't be opened, doesn't answer, or can't work at the moment. This may pass by
    /// itself.
    #[error("{database}: {reason}")]
    Unavailable {
        database: String,
        reason: String,
        /// False if the log already has this failure.
        should_log: bool,
    },
    /// Another transaction holds a lock that this one needs, and has not ended in time.
    #[error("{database}: {reason}")]
    Locked { database: String, reason: String },
    /// The database's file is damaged, or this process may not write to it. This does not pass by
    /// itself.
    #[error("{database}: {reason}")]
    Unusable { database: String, reason: String },
    /// The database refuses this query, and always will.
    #[error("{database}: {reason}")]
    Refused { database: String, reason: String },
    /// The database refuses changes, because a transfer is moving it or has moved it.
    #[error("{database} is read-only, because `ostrakon transfer` is moving it or has moved it")]
    ReadOnly { database: String },
    /// The database doesn't own this bucket, or not since the epoch by which the caller routed.
    #[error("{database} does not own bucket {bucket} as the shard map says")]
    Moved { database: String, bucket: Bucket },
    /// The bucket's owner is about to change: it can be written again within a moment.
    #[error("{database}: bucket {bucket} is frozen")]
    Frozen { database: String, bucket: Bucket },
    /// A row with this key already exists.
    #[error("{database}: {constraint}")]
    Conflict {
        database: String,
        /// The constraint that refused the row.
        constraint: String,
    },
    /// A disk is full.
    #[error("{database}: its disk is full: {reason}")]
    Full { database: String, reason: String },
    /// The clock that dates reviews shows a time outside the range of ids.
    #[error(
        "{database}: its clock says {now_ms} ms since 1970, reviews are dated from 2000 to 2069"
    )]
    ClockWrong {
        database: String,
        /// The time of the clock, in milliseconds since the Unix epoch.
        now_ms: i64,
    },
    /// The caller has rolled the transaction back, and knows why.
    #[error("{database}: rolled back")]
    RolledBack { database: String },
    /// A stored value is impossible.
    #[error("{database}: {what}")]
    CorruptData { database: String, what: String },
}

impl DbError {
    /// Whether the transaction may succeed later, or on another server of the database.
    pub(super) fn is_transient(&self) -> bool {
        matches!(
            self,
            DbError::Unavailable { .. } | DbError::Locked { .. } | DbError::Unusable { .. }
        )
    }
}

/// Why a query inside a transaction failed; the transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error(transparent)]
    Diesel(#[from] diesel::result::Error),
    /// See [`DbError::Moved`].
    #[error("bucket {0} has moved")]
    Moved(Bucket),
    /// See [`DbError::Frozen`].
    #[error("bucket {0} is frozen")]
    Frozen(Bucket),
    /// See [`DbError::ClockWrong`].
    #[error("the database's clock says {0} ms since 1970")]
    ClockWrong(i64),
    /// See [`DbError::CorruptData`].
    #[error("{0}")]
    CorruptData(String),
    /// See [`DbError::RolledBack`].
    #[error("rolled back")]
    RolledBack,
}

impl QueryError {
    /// Whether a write was refused because the server only answers reads.
    pub(super) fn is_read_only(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::ReadOnlyTransaction, Error};

        matches!(self, QueryError::Diesel(Error::DatabaseError(ReadOnlyTransaction, _)))
    }

    /// The error of the transaction in this database.
    pub(super) fn in_database(self, database: &str) -> DbError {
        let database = database.to_owned();
        match self {
            QueryError::Moved(bucket) => DbError::Moved { database, bucket },
            QueryError::Frozen(bucket) => DbError::Frozen { database, bucket },
            QueryError::ClockWrong(now_ms) => DbError::ClockWrong { database, now_ms },
            QueryError::CorruptData(what) => DbError::CorruptData { database, what },
            QueryError::RolledBack => DbError::RolledBack { database },
            QueryError::Diesel(error) => {
                let reason = one_line(&error);
                match Cause::of(&error) {
                    Cause::ReadOnly => DbError::ReadOnly { database },
                    Cause::Conflict => DbError::Conflict { database, constraint: reason },
                    Cause::Full => DbError::Full { database, reason },
                    Cause::Lock => DbError::Locked { database, reason },
                    Cause::Damage => DbError::Unusable { database, reason },
                    Cause::Transient => DbError::Unavailable { database, reason, should_log: true },
                    Cause::Corrupt => DbError::CorruptData { database, what: reason },
                    Cause::Query => DbError::Refused { database, reason },
                }
            }
        }
    }
}

/// An error's text in one line; PostgreSQL's have several.
pub fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why an engine failed to run a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// See [`READ_ONLY`].
    ReadOnly,
    /// A row with this key already exists.
    Conflict,
    /// Another transaction's lock.
    Lock,
    /// A disk is full.
    Full,
    /// The stored data is damaged, or this process may not change it.
    Damage,
    /// It may work at the next attempt: the server is shutting down, is out of memory, or ran out
    /// of time.
    Transient,
    /// A stored value has another type than the program stores.
    Corrupt,
    /// The engine rejects the query, or does not allow it to this role.
    Query,
}

/// The messages about locks of other transactions. Diesel does not pass on PostgreSQL's codes
/// (55P03, 40P01), so these are both engines' English messages: see
/// [`crate::db::connection::connector::connect`].
const LOCK_MESSAGES: [&str; 6] = [
    "canceling statement due to lock timeout",
    "could not obtain lock",
    "deadlock detected",
    "involved in a distributed deadlock",
    "database is locked",
    "database table is locked",
];

/// The messages about a full disk: SQLite's, and the operating system's, which PostgreSQL repeats.
const FULL_MESSAGES: [&str; 2] = ["database or disk is full", "No space left on device"];

/// The messages about damaged data (PostgreSQL's codes XX001 and XX002), and SQLite's about a file
/// that this process may not write to.
const DAMAGE_MESSAGES: [&str; 6] = [
    // PostgreSQL.
    "invalid page in block",
    ": read only ",
    // SQLite: https://sqlite.org/rescode.html.
    "database disk image is malformed",
    "malformed database schema",
    "file is not a database",
    "attempt to write a readonly database",
];

/// SQLite's message about an error of the disk.
const IO_ERROR: &str = "disk I/O error";

/// The messages about failures that may pass by themselves: timeouts, shutdowns, and lack of memory
/// or IO errors of the machine (classes 53, 57 and 58 of PostgreSQL's codes).
const TRANSIENT_MESSAGES: [&str; 17] = [
    // PostgreSQL.
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "too many clients",
    "remaining connection slots",
    "out of shared memory",
    "could not extend file",
    "could not write",
    "could not read block",
    "could not open file",
    "could not resize shared memory segment",
    // Both.
    "out of memory",
    // SQLite: https://sqlite.org/rescode.html.
    "interrupted",
    IO_ERROR,
    "unable to open database file",
    "locking protocol",
    // Citus, of its workers.
    "to the remote node",
];

impl Cause {
    fn of(error: &diesel::result::Error) -> Cause {
        use diesel::result::{DatabaseErrorKind as Kind, Error};

        let (kind, message) = match error {
            Error::DatabaseError(kind, info) => (kind, info.message()),
            Error::BrokenTransactionManager => return Cause::Transient,
            Error::RollbackErrorOnCommit { commit_error, .. } => return Cause::of(commit_error),
            Error::DeserializationError(_) => return Cause::Corrupt,
            _ => return Cause::Query,
        };
        let says = |known: &[&str]| contains_any(message, known);
        match kind {
            _ if message.contains(READ_ONLY) => Cause::ReadOnly,
            Kind::UniqueViolation => Cause::Conflict,
            Kind::ClosedConnection | Kind::SerializationFailure | Kind::ReadOnlyTransaction => {
                Cause::Transient
            }
            _ if says(&FULL_MESSAGES) => Cause::Full,
            _ if says(&LOCK_MESSAGES) => Cause::Lock,
            _ if is_damage(message) => Cause::Damage,
            _ if says(&TRANSIENT_MESSAGES) => Cause::Transient,
            _ => Cause::Query,
        }
    }
}

/// Whether a message is about damaged data, or data that this process may not change.
pub(super) fn is_damage(message: &str) -> bool {
    contains_any(message, &DAMAGE_MESSAGES)
}

/// Whether a message is about an error of a SQLite file's disk.
pub(super) fn is_io_error(message: &str) -> bool {
    message.contains(IO_ERROR)
}

fn contains_any(message: &str, known: &[&str]) -> bool {
    known.iter().any(|words| message.contains(words))
}
