//! How long SQLite works at the queries of one read, as PostgreSQL's `statement_timeout` limits it.
//!
//! SQLite has a progress handler for that, which diesel 2.3 does not offer. So a query that may
//! read many rows asks a function about each of them, which fails when the time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, SqliteConnection, serialize};

use crate::db::dialect::engine::Connection;

/// What SQLite says when the time is up: PostgreSQL's words.
const TOO_LONG: &str = "canceling statement due to statement timeout";

/// Rows between two looks at the clock.
const ROWS: u32 = 64;

diesel::define_sql_function! {
    /// Fails when the time is up.
    fn ostrakon_in_time() -> Bool;
}

#[derive(Clone)]
pub(in crate::db) struct TimeLimit {
    began: Instant,
    /// Nanoseconds after that.
    deadline: Arc<AtomicU64>,
    /// Rows that were asked about since the limit was set.
    rows: Arc<AtomicU32>,
}

impl TimeLimit {
    /// A connection's limit; none until one is set. A server has its own.
    pub fn of(connection: &mut Connection) -> QueryResult<TimeLimit> {
        let began = Instant::now();
        let (deadline, rows) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::default());
        let limit = TimeLimit { began, deadline, rows };
        if let Connection::Sqlite(sqlite) = connection {
            limit.register(sqlite)?;
        }
        Ok(limit)
    }

    fn register(&self, sqlite: &mut SqliteConnection) -> QueryResult<()> {
        let limit = self.clone();
        ostrakon_in_time_utils::register_nondeterministic_impl(sqlite, move || {
            let row = limit.rows.fetch_add(1, Ordering::Relaxed);
            InTime(row % ROWS != ROWS - 1 || !limit.is_over())
        })
    }

    /// From now on, so long.
    pub fn start(&self, limit: Duration) {
        let deadline = self.began.elapsed() + limit;
        self.deadline.store(deadline.as_nanos() as u64, Ordering::Relaxed);
        self.rows.store(0, Ordering::Relaxed);
    }

    /// Removes the limit.
    pub fn lift(&self) {
        self.deadline.store(u64::MAX, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.began.elapsed().as_nanos() as u64 > self.deadline.load(Ordering::Relaxed)
    }
}

/// That a query's time is not up, for a query that may read many rows.
pub(in crate::db) fn in_time(connection: &Connection) -> SqlLiteral<Bool> {
    match connection {
        Connection::Sqlite(_) => sql("ostrakon_in_time()"),
        Connection::Postgres(_) => sql("TRUE"),
    }
}

/// What the function returns: an error when it is not.
#[derive(Debug)]
struct InTime(bool);

impl ToSql<Bool, Sqlite> for InTime {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if !self.0 {
            return Err(TOO_LONG.into());
        }
        out.set_value(1);
        Ok(IsNull::No)
    }
}
