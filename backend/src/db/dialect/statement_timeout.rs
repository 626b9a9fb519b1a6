//! The timeout of a read on SQLite, like `statement_timeout` on PostgreSQL.
//!
//! SQLite calls a [progress handler] that may interrupt a statement. Diesel 2.3 can't install one,
//! so this module installs it on each new connection. This is the only unsafe code of the project.
//!
//! [progress handler]: https://sqlite.org/c3ref/progress_handler.html
#![expect(unsafe_code, reason = "diesel has no function for SQLite's progress handler")]

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::Once;
use std::time::{Duration, Instant};

use libsqlite3_sys as ffi;

/// Steps of SQLite's virtual machine between two checks of the clock: less than a millisecond. A
/// read of fewer steps never fails, however slow the machine is.
const STEPS: c_int = 10_000;

thread_local! {
    /// The deadline of this thread's read.
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Limits this thread's reads until it is dropped.
#[must_use]
pub(in crate::db) struct TimeLimit {
    outer: Option<Instant>,
}

impl TimeLimit {
    pub fn start(limit: Duration) -> TimeLimit {
        TimeLimit { outer: DEADLINE.replace(Instant::now().checked_add(limit)) }
    }

    /// Removes the limit of this thread's read.
    pub fn lift() {
        DEADLINE.set(None);
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        DEADLINE.set(self.outer);
    }
}

/// Makes every SQLite connection that is opened from now on observe the limits.
pub(in crate::db) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: `watch` has the signature of an extension's entry point, and is never unloaded.
        let code = unsafe { ffi::sqlite3_auto_extension(Some(watch)) };
        assert_eq!(code, ffi::SQLITE_OK, "SQLite takes an extension unless memory is exhausted");
    });
}

/// SQLite calls this for each new connection.
unsafe extern "C" fn watch(
    connection: *mut ffi::sqlite3,
    _error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    // SAFETY: the connection is open, and `is_late` needs no argument that would have to outlive
    // it.
    unsafe { ffi::sqlite3_progress_handler(connection, STEPS, Some(is_late), null_mut()) };
    ffi::SQLITE_OK
}

/// SQLite calls this on the thread that runs the statement; anything but 0 interrupts it.
unsafe extern "C" fn is_late(_: *mut c_void) -> c_int {
    c_int::from(DEADLINE.get().is_some_and(|deadline| Instant::now() > deadline))
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    use super::*;

    #[test]
    fn a_read_ends_when_its_time_is_up() {
        install();
        let mut connection = SqliteConnection::establish(":memory:").unwrap();
        let mut count = |rows: u32| {
            connection.batch_execute(&format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
                 SELECT count(*) FROM n"
            ))
        };
        let many = 100_000;
        count(many).unwrap();
        let limit = TimeLimit::start(Duration::ZERO);
        assert_eq!(count(many).unwrap_err().to_string(), "interrupted");
        count(10).unwrap();
        {
            let _inner = TimeLimit::start(Duration::from_secs(600));
            count(many).unwrap();
        }
        assert!(count(many).is_err(), "the outer limit holds again");
        TimeLimit::lift();
        count(many).unwrap();
        drop(limit);
        count(many).unwrap();
    }
}
