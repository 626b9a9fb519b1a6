//! Limits the size of a SQLite file's write-ahead log.
//!
//! SQLite writes the log back to the file every [`CHECKPOINT_PAGES`] pages, but starts it from its
//! beginning only while no connection reads from it. Under constant reads the log grew without
//! limit (from 7 to 118 MB in a minute). So a writer that finds it far too long waits for the
//! readers and truncates it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use crate::db::dialect::engine::Connection;
use crate::db::error::one_line;

/// Pages of a file's log, of 4 KiB, that are written back to the file at once. A page that was
/// changed many times meanwhile is written once; with SQLite's 1,000, writing back took a third of
/// the time of writing reviews.
const CHECKPOINT_PAGES: u64 = 16_000;
/// The size of a log with this number of pages, in bytes.
const TARGET_BYTES: u64 = CHECKPOINT_PAGES * 4_096;
/// The size from which the log is truncated.
const MAX_BYTES: u64 = TARGET_BYTES * 3 / 2;

/// The minimum free disk space, in bytes.
const MIN_FREE_BYTES: u64 = 1 << 20;

/// How long a truncation waits for readers, and the interval between attempts: a long read (a
/// verification, a backup) slows writes by at most 5 %.
const READER_WAIT: Duration = Duration::from_millis(50);
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(in crate::db) struct WalSize {
    file: PathBuf,
    tried_at: Mutex<Option<Instant>>,
}

impl WalSize {
    pub fn new(database: &std::path::Path) -> WalSize {
        let mut file = database.as_os_str().to_owned();
        file.push("-wal");
        WalSize { file: file.into(), tried_at: Mutex::default() }
    }

    /// The pragmas of a new connection.
    pub fn pragmas() -> String {
        format!(
            "PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = {TARGET_BYTES};"
        )
    }

    /// Truncates the log if it is too large. Call it on the writing connection after a commit;
    /// `busy_timeout_ms` is the connection's usual lock timeout.
    pub fn truncate_if_large(&self, connection: &mut Connection, busy_timeout_ms: u32) {
        let Connection::Sqlite(sqlite) = connection else { return };
        let bytes = std::fs::metadata(&self.file).map_or(0, |file| file.len());
        if bytes <= MAX_BYTES || !self.may_try() {
            return;
        }
        match truncate(sqlite, busy_timeout_ms) {
            Ok(true) => tracing::debug!(bytes, file = %self.file.display(), "the log is emptied"),
            Ok(false) => {
                tracing::warn!(bytes, file = %self.file.display(), "a long read keeps the log long");
            }
            // The transaction is committed anyway.
            Err(error) => tracing::warn!(reason = one_line(&error), "the log can't be emptied"),
        }
    }

    /// Whether the disk is almost full.
    pub fn lacks_space(&self) -> bool {
        let Some(folder) = self.file.parent() else { return false };
        // If the query fails, writes detect a full disk.
        rustix::fs::statvfs(folder).is_ok_and(|disk| disk.f_bavail * disk.f_frsize < MIN_FREE_BYTES)
    }

    fn may_try(&self) -> bool {
        let mut tried_at = self.tried_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = tried_at.is_none_or(|at| at.elapsed() >= RETRY_AFTER);
        if may {
            *tried_at = Some(Instant::now());
        }
        may
    }
}

fn truncate(sqlite: &mut SqliteConnection, busy_timeout_ms: u32) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }
    sqlite.batch_execute(&format!("PRAGMA busy_timeout = {}", READER_WAIT.as_millis()))?;
    let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite);
    sqlite.batch_execute(&format!("PRAGMA busy_timeout = {busy_timeout_ms}"))?;
    let Checkpoint { busy } = done?;
    Ok(busy == 0)
}

/// Makes a SQLite file use a write-ahead log.
pub(in crate::db) fn use_write_ahead_log(connection: &mut Connection) -> Result<(), String> {
    #[derive(QueryableByName)]
    struct Mode {
        #[diesel(sql_type = Text)]
        journal_mode: String,
    }
    let Connection::Sqlite(sqlite) = connection else { return Ok(()) };
    let set = diesel::sql_query("PRAGMA journal_mode = WAL").get_result::<Mode>(sqlite);
    match set.map_err(|error| error.to_string())?.journal_mode.as_str() {
        "wal" => Ok(()),
        other => Err(format!("its journal_mode stays {other}, but must be wal")),
    }
}
