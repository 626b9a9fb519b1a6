//! Settings, rights, sessions and snapshots of a PostgreSQL server.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};

use crate::db::dialect::engine::Connection;
use crate::db::error::QueryError;

/// The encoding of texts (`UTF8`, `LATIN1` …) and the locale of the server's messages
/// (`en_US.UTF-8` …). `None`: SQLite, which stores texts as it gets them.
pub fn encoding(connection: &mut Connection) -> Result<Option<(String, String)>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    let setting = |name| sql::<Text>(&format!("current_setting('{name}')"));
    let settings = (setting("server_encoding"), setting("lc_messages"));
    Ok(Some(diesel::select(settings).get_result(postgres)?))
}

/// Tables that the program reads only, or only inserts into.
const MAP_TABLES: &str = "'database', 'shard_map', 'bucket_owner'";
const ADDED_TO_TABLES: &str = "'audit_entry'";

/// The first table in which this role lacks a right that a server needs. SQLite has no rights but
/// those of its file: see [`crate::db::Database::require_usable`].
pub(in crate::db) fn lacks_rights(
    connection: &mut Connection,
    tables: impl Iterator<Item = &'static str>,
) -> QueryResult<Option<String>> {
    let Connection::Postgres(_) = connection else { return Ok(None) };
    let names: Vec<_> = tables.map(|table| format!("'{table}'")).collect();
    // Queries report a missing table themselves.
    let query = format!(
        "(SELECT min(name) FROM unnest(ARRAY[{}]) AS name WHERE name NOT IN ({MAP_TABLES})
          AND (NOT has_table_privilege(to_regclass(name), 'SELECT')
               OR NOT has_table_privilege(to_regclass(name), 'INSERT')
               OR NOT has_table_privilege(to_regclass(name), 'UPDATE')
                  AND name NOT IN ({ADDED_TO_TABLES})))",
        names.join(", ")
    );
    diesel::select(sql::<Nullable<Text>>(&query)).get_result(connection)
}

/// The major version of a PostgreSQL server.
pub(in crate::db) fn server_version(connection: &mut Connection) -> QueryResult<u32> {
    let version = sql::<Integer>("current_setting('server_version_num')::integer / 10000");
    Ok(diesel::select(version).get_result::<i32>(connection)?.unsigned_abs())
}

/// The schema in which a PostgreSQL database keeps the tables.
pub(in crate::db) fn current_schema(connection: &mut Connection) -> QueryResult<String> {
    diesel::select(sql::<Text>("current_schema()::text")).get_result(connection)
}

/// Whether the schema in which the program creates its tables has any, apart from those of
/// extensions.
pub(in crate::db) fn has_tables(connection: &mut Connection) -> QueryResult<bool> {
    let has_tables = "EXISTS (SELECT 1 FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'f')
            AND NOT EXISTS (SELECT 1 FROM pg_depend
                WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e'))";
    diesel::select(sql::<Bool>(has_tables)).get_result(connection)
}

/// The number of other sessions of this program.
pub(in crate::db) fn sessions_of_others(connection: &mut Connection) -> QueryResult<i64> {
    let sessions = "(SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'ostrakon'
            AND pid <> pg_backend_pid())";
    diesel::select(sql::<BigInt>(sessions)).get_result(connection)
}

/// Begins a transaction that lasts as long as the connection; returns the name of its snapshot, for
/// other sessions.
pub(in crate::db) fn export_snapshot(connection: &mut Connection) -> QueryResult<String> {
    connection.batch_execute(
        "SET statement_timeout = 0;
         SET idle_in_transaction_session_timeout = 0;
         BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    )?;
    diesel::select(sql::<Text>("pg_export_snapshot()")).get_result(connection)
}
