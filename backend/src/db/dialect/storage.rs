//! Tables, size, free space and integrity, as the engine knows them.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};

use crate::db::dialect::citus;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;
use crate::db::schema::cluster;

pub(in crate::db) fn has_table(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    let exists = match connection {
        Connection::Sqlite(_) => {
            format!("EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '{table}')")
        }
        Connection::Postgres(_) => format!("to_regclass('{table}') IS NOT NULL"),
    };
    diesel::select(sql::<Bool>(&exists)).get_result(connection)
}

/// Updates what PostgreSQL knows about a table that has just been filled: until its own analysis
/// runs, the planner guesses. SQLite plans without statistics.
pub(in crate::db) fn analyze(connection: &mut Connection, table: &str) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    postgres.batch_execute(&format!("ANALYZE {table}"))
}

/// Writes a value that is already stored, as a test whether the database accepts writes.
pub fn touch(connection: &mut Connection) -> Result<(), QueryError> {
    diesel::update(cluster::table).set(cluster::id.eq(cluster::id)).execute(connection)?;
    Ok(())
}

/// Writes 1 MB, which needs new pages, and leaves nothing behind: fails if the disk is full. On a
/// Citus cluster it checks only the coordinator's disk. In a SQLite file it writes a page to the
/// log, because the file system tells the free space.
pub(in crate::db) fn probe_space(connection: &mut Connection) -> Result<(), QueryError> {
    if let Connection::Sqlite(_) = connection {
        return touch(connection);
    }
    for statement in [
        // Where the tables are, too.
        "SET LOCAL temp_tablespaces = ''",
        "CREATE TEMPORARY TABLE new_pages (filler TEXT) ON COMMIT DROP",
        "INSERT INTO new_pages SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
    ] {
        connection.batch_execute(statement)?;
    }
    Ok(())
}

/// The size of the database in bytes; of a SQLite file without its log.
pub(in crate::db) fn size(connection: &mut Connection) -> QueryResult<i64> {
    if citus::is_installed(connection)? {
        return citus::size(connection);
    }
    let size = match connection {
        Connection::Sqlite(_) => {
            "(SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)"
        }
        Connection::Postgres(_) => "pg_database_size(current_database())",
    };
    diesel::select(sql::<BigInt>(size)).get_result(connection)
}

/// See [`crate::db::Database::data_version`].
pub(in crate::db) fn data_version(connection: &mut Connection) -> QueryResult<i64> {
    let version = sql::<BigInt>("(SELECT data_version FROM pragma_data_version)");
    KeepPrepared(diesel::select(version)).get_result(connection)
}

/// The errors that the engine finds in its storage, one a line. PostgreSQL has no such check
/// without extensions: if its data checksums are on, it checks pages as it reads them.
pub(in crate::db) fn integrity_errors(connection: &mut Connection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let Connection::Sqlite(sqlite) = connection else { return Ok(Vec::new()) };
    let lines: Vec<Line> = diesel::sql_query("PRAGMA quick_check").load(sqlite)?;
    Ok(lines.into_iter().map(|line| line.quick_check).filter(|line| line != "ok").collect())
}
