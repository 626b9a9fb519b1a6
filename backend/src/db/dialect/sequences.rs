//! The ids that the engine gives to the rows of a table.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};

use crate::db::dialect::engine::Connection;

/// Moves the next id of a table behind the ids of its rows, after rows were inserted with explicit
/// ids. SQLite does this itself.
pub(in crate::db) fn reset_sequence(connection: &mut Connection, table: &str) -> QueryResult<()> {
    let Connection::Postgres(postgres) = connection else { return Ok(()) };
    postgres.batch_execute(&format!(
        "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
    ))
}

/// The last id that the engine gave in a table, even if its row has been deleted since.
pub(in crate::db) fn last_id(connection: &mut Connection, table: &str) -> QueryResult<i64> {
    let given = match connection {
        Connection::Sqlite(_) => format!("SELECT seq FROM sqlite_sequence WHERE name = '{table}'"),
        Connection::Postgres(_) => {
            format!(
                "SELECT pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass)"
            )
        }
    };
    let used = format!("SELECT max(id) FROM {table}");
    let ids: (Option<i64>, Option<i64>) = diesel::select((
        sql::<Nullable<BigInt>>(&format!("({given})")),
        sql::<Nullable<BigInt>>(&format!("({used})")),
    ))
    .get_result(connection)?;
    Ok(ids.0.max(ids.1).unwrap_or_default())
}

/// Makes `last + 1` the next id of a table. SQLite counts ids only in tables that never reuse one;
/// in the others the rows tell the next.
pub(in crate::db) fn set_sequence(
    connection: &mut Connection,
    table: &str,
    last: i64,
) -> QueryResult<()> {
    let statements = match connection {
        _ if last == 0 => return Ok(()),
        Connection::Sqlite(_) => format!(
            "DELETE FROM sqlite_sequence WHERE name = '{table}';
             INSERT INTO sqlite_sequence (name, seq)
                 SELECT name, {last} FROM sqlite_schema
                 WHERE name = '{table}' AND sql LIKE '%AUTOINCREMENT%';"
        ),
        Connection::Postgres(_) => {
            format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})")
        }
    };
    connection.batch_execute(&statements)
}
