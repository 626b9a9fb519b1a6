//! The connection to either engine, and statements that run on both.
//!
//! The other files of this folder hold the differences between the engines, by subject;
//! [`crate::db::connection::connector`] holds those in connecting.

pub use multi::{AnyConnection as Connection, MultiBackend};

mod multi {
    use diesel::{PgConnection, SqliteConnection};

    /// The connection that queries run on.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        Sqlite(SqliteConnection),
        Postgres(PgConnection),
    }
}

/// Runs a query that diesel can't write for both engines at once, on the one that this is.
macro_rules! on_each_engine {
    ($connection:expr, $c:ident => $query:expr) => {
        match $connection {
            $crate::db::dialect::engine::Connection::Sqlite($c) => $query,
            $crate::db::dialect::engine::Connection::Postgres($c) => $query,
        }
    };
}
pub(in crate::db) use on_each_engine;

/// Inserts rows: on a server by one statement; on a file one by one, which is as fast and keeps one
/// statement prepared.
macro_rules! insert_rows {
    ($connection:expr, $table:expr, $rows:expr) => {
        match $connection {
            $crate::db::dialect::engine::Connection::Sqlite(sqlite) => {
                for row in $rows {
                    diesel::insert_into($table).values(row).execute(sqlite)?;
                }
            }
            $crate::db::dialect::engine::Connection::Postgres(postgres) => {
                if !$rows.is_empty() {
                    diesel::insert_into($table).values($rows).execute(postgres)?;
                }
            }
        }
    };
}
pub(in crate::db) use insert_rows;

/// Executes a statement with rows: on a server once with all of them; on a file once for each, as
/// [`insert_rows`].
macro_rules! execute_with_rows {
    ($connection:expr, $rows:expr, $statement:expr) => {
        match $connection {
            $crate::db::dialect::engine::Connection::Sqlite(sqlite) => {
                for row in $rows.chunks(1) {
                    $statement(row).execute(sqlite)?;
                }
            }
            $crate::db::dialect::engine::Connection::Postgres(postgres) => {
                if !$rows.is_empty() {
                    $statement($rows).execute(postgres)?;
                }
            }
        }
    };
}
pub(in crate::db) use execute_with_rows;
