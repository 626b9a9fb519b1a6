//! The size of a SQLite file's log.
//!
//! SQLite writes the log back to the file every [`CHECKPOINT_PAGES`] pages, but begins it anew only
//! at a moment when nobody reads from it. Where there is no such moment it grew without end (from 7
//! to 118 MB in a minute): when it is far too long, readers are waited for, and it is emptied.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::db::connection::pool::one_line;
use crate::db::dialect::engine::Connection;

/// Pages of a file's log, of 4 KiB, that are written back to the file at once. A page that was changed
/// many times meanwhile is written once; with SQLite's 1,000, writing back took a third of the time
/// of writing reviews.
const CHECKPOINT_PAGES: u64 = 16_000;
/// Bytes of a log of so many pages.
const TARGET_BYTES: u64 = CHECKPOINT_PAGES * 4_096;
/// Bytes of a log that is far too long.
const MAX_BYTES: u64 = TARGET_BYTES * 3 / 2;

/// Bytes of room that are hardly any.
const MIN_FREE_BYTES: u64 = 1 << 20;

/// How long readers are waited for; and how long not again, so that a long read (a verification, a
/// backup) slows writing down by a twentieth at most.
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

    /// What a connection is told when it is opened.
    pub fn pragmas() -> String {
        format!(
            "PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
             PRAGMA journal_size_limit = {TARGET_BYTES};"
        )
    }

    /// Empties the log if it is far too long. For the connection that writes, after a commit;
    /// `busy_timeout_ms` is what it waits for locks otherwise.
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
            // What was written is committed all the same.
            Err(error) => tracing::warn!(reason = one_line(&error), "the log can't be emptied"),
        }
    }

    /// Whether the disk has hardly room for another page.
    pub fn lacks_room(&self) -> bool {
        let Some(folder) = self.file.parent() else { return false };
        // What can't be asked is found out by writing.
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
        #[diesel(sql_type = diesel::sql_types::Integer)]
        busy: i32,
    }
    sqlite.batch_execute(&format!("PRAGMA busy_timeout = {}", READER_WAIT.as_millis()))?;
    let done = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(sqlite);
    sqlite.batch_execute(&format!("PRAGMA busy_timeout = {busy_timeout_ms}"))?;
    let Checkpoint { busy } = done?;
    Ok(busy == 0)
}
