//! Begins, ends and limits transactions.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;

use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::dialect::statement_timeout::TimeLimit;
use crate::db::error::QueryError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::db) enum Mode {
    /// All queries see one snapshot.
    Read,
    /// SQLite: the only writer from the start. PostgreSQL: each query sees what is committed by
    /// then.
    Write,
}

pub(in crate::db) fn begin(connection: &mut Connection, mode: Mode) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => {
            let begin = if mode == Mode::Read { "BEGIN" } else { "BEGIN IMMEDIATE" };
            AnsiTransactionManager::begin_transaction_sql(sqlite, begin)
        }
        Connection::Postgres(postgres) => {
            let begin = match mode {
                Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                Mode::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            };
            AnsiTransactionManager::begin_transaction_sql(postgres, begin)
        }
    }
}

/// Ends the transaction that [`begin`] began: commits it if `result` is a success, otherwise rolls
/// it back.
pub(in crate::db) fn end<T>(
    connection: &mut Connection,
    result: Result<T, QueryError>,
) -> Result<T, QueryError> {
    match result {
        Ok(done) => {
            on_each_engine!(connection, c => AnsiTransactionManager::commit_transaction(c))?;
            Ok(done)
        }
        Err(error) => {
            // The pool detects that a connection can't roll back, and closes it.
            on_each_engine!(connection, c => AnsiTransactionManager::rollback_transaction(c)).ok();
            Err(error)
        }
    }
}

/// Limits how long this transaction waits for the locks of others. On SQLite a writer waits only
/// before it begins.
pub fn limit_lock_wait(connection: &mut Connection, longest: Duration) -> Result<(), QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    // 0 would mean no limit.
    let longest_ms = longest.as_millis().max(1);
    Ok(postgres.batch_execute(&format!("SET LOCAL lock_timeout = {longest_ms}"))?)
}

/// Removes the time limit of this transaction's queries.
pub fn without_time_limit(connection: &mut Connection) -> Result<(), QueryError> {
    match connection {
        Connection::Sqlite(_) => TimeLimit::lift(),
        Connection::Postgres(postgres) => {
            postgres.batch_execute("SET LOCAL statement_timeout = 0")?;
        }
    }
    Ok(())
}

/// Removes the time limit of statements on this connection. SQLite has a limit only for each read.
pub(in crate::db) fn remove_time_limit(connection: &mut Connection) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    postgres.batch_execute("SET statement_timeout = 0")
}
