//! The guards of a transfer: the source refuses writes, and no server opens the target until it is
//! complete.
//!
//! A trigger on each table makes the source read-only, for every process and every transaction,
//! also those that started earlier. Creating the trigger waits for transactions that have written.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::db::copy;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::sequences::{last_id, set_sequence};
use crate::db::dialect::storage::{analyze, has_table};
use crate::db::dialect::transaction::without_time_limit;
use crate::db::error::QueryError;
use crate::db::migrate::Kind;
use crate::db::schema::{transfer_source, transfer_target};
use crate::db::tables::cluster::{self, Pins};

pub use crate::db::dialect::read_only::{make_read_only, make_writable};

/// Every table of this kind of database.
pub fn table_names(kind: Kind) -> impl Iterator<Item = &'static str> {
    let own = ["cluster", "backfill", "__diesel_schema_migrations"];
    copy::tables(kind).iter().map(|table| table.name).chain(own)
}

/// Whether the database has none of the tables of its kind.
pub fn is_empty(connection: &mut Connection, kind: Kind) -> Result<bool, QueryError> {
    for table in table_names(kind) {
        if has_table(connection, table)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The id of the transfer that has made this cluster read-only.
pub fn source_id(connection: &mut Connection) -> Result<Option<String>, QueryError> {
    if !has_table(connection, "transfer_source")? {
        return Ok(None);
    }
    Ok(transfer_source::table.select(transfer_source::id).first(connection).optional()?)
}

/// Records in the source's `default` that a transfer begins, unless one has begun; returns the id
/// of that one.
pub fn mark_source(connection: &mut Connection, new_id: &str) -> Result<String, QueryError> {
    if let Some(id) = source_id(connection)? {
        return Ok(id);
    }
    connection.batch_execute("CREATE TABLE transfer_source (id TEXT NOT NULL PRIMARY KEY)")?;
    diesel::insert_into(transfer_source::table)
        .values(transfer_source::id.eq(new_id))
        .execute(connection)?;
    Ok(new_id.to_owned())
}

pub fn unmark_source(connection: &mut Connection) -> Result<(), QueryError> {
    Ok(connection.batch_execute("DROP TABLE IF EXISTS transfer_source")?)
}

/// The transfer or restore that fills this database, and the name of the database that it becomes.
pub fn marker(connection: &mut Connection) -> Result<Option<(String, String)>, QueryError> {
    if !has_table(connection, "transfer_target")? {
        return Ok(None);
    }
    Ok(transfer_target::table.first(connection).optional()?)
}

/// Marks an empty database as being filled by a transfer or restore.
pub fn mark_target(
    connection: &mut Connection,
    id: &str,
    database: &str,
) -> Result<(), QueryError> {
    connection.batch_execute(
        "CREATE TABLE transfer_target (id TEXT NOT NULL PRIMARY KEY, database TEXT NOT NULL)",
    )?;
    diesel::insert_into(transfer_target::table)
        .values((transfer_target::id.eq(id), transfer_target::database.eq(database)))
        .execute(connection)?;
    Ok(())
}

/// Whether the id of a marker is that of a restore, not of a transfer.
pub fn is_by_restore(id: &str) -> bool {
    id.starts_with("restore")
}

/// Replaces the id in the marker.
pub fn update_marker(connection: &mut Connection, id: &str) -> Result<(), QueryError> {
    diesel::update(transfer_target::table).set(transfer_target::id.eq(id)).execute(connection)?;
    Ok(())
}

/// Tables whose ids the engine gives.
const SEQUENCES: [&str; 7] =
    ["product", "account", "session", "api_token", "audit_entry", "rebalance", "bucket_move"];

/// The last id that was given in each table of `SEQUENCES`.
pub fn last_ids(connection: &mut Connection) -> Result<[i64; 7], QueryError> {
    let mut ids = [0; 7];
    for (id, table) in ids.iter_mut().zip(SEQUENCES) {
        *id = last_id(connection, table)?;
    }
    Ok(ids)
}

/// Continues the ids after these, so that no id is given twice, not even that of a deleted row.
pub fn set_sequences(connection: &mut Connection, last_ids: [i64; 7]) -> Result<(), QueryError> {
    for (id, table) in last_ids.into_iter().zip(SEQUENCES) {
        set_sequence(connection, table, id)?;
    }
    Ok(())
}

/// Completes a filled database: it becomes a member of the cluster.
pub fn finalize(connection: &mut Connection, kind: Kind, pins: &Pins) -> Result<(), QueryError> {
    cluster::insert_pins(connection, pins)?;
    release(connection, kind)
}

/// Removes the marker from a filled database with pins, so that servers accept it.
pub fn release(connection: &mut Connection, kind: Kind) -> Result<(), QueryError> {
    without_time_limit(connection)?;
    for table in table_names(kind) {
        analyze(connection, table)?;
    }
    Ok(connection.batch_execute("DROP TABLE transfer_target")?)
}
