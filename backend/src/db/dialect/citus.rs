//! Citus: a PostgreSQL extension that shards by itself.
//!
//! A reviews database may be a Citus coordinator. Its tables are distributed by `bucket`, all in
//! the same way, so that what belongs to one review lies on one node. Everything else is as on
//! any PostgreSQL server: each key contains the bucket, and each query names it.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::db::dialect::engine::Connection;

/// The sharded tables of a reviews database, each after the tables that it refers to.
const SHARDED: [&str; 7] = [
    "review",
    "bucket_owner",
    "product_rating",
    "idempotency_key",
    "report",
    "review_event",
    "bucket_change",
];

pub(in crate::db) fn is_installed(connection: &mut Connection) -> QueryResult<bool> {
    let Connection::Postgres(connection) = connection else { return Ok(false) };
    let is_installed = "EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
    diesel::select(sql::<Bool>(is_installed)).get_result(connection)
}

/// Returns whether the extension is installed; if so, passes limits of transactions on to the
/// nodes.
pub(in crate::db) fn set_up(connection: &mut Connection) -> QueryResult<bool> {
    let is_installed = is_installed(connection)?;
    if is_installed {
        connection.batch_execute("SET citus.propagate_set_commands = 'local'")?;
    }
    Ok(is_installed)
}

/// Distributes the sharded tables that are not distributed yet; returns their names.
pub(in crate::db) fn distribute(connection: &mut Connection) -> QueryResult<Vec<&'static str>> {
    let mut distributed = Vec::new();
    if !is_installed(connection)? {
        return Ok(distributed);
    }
    for table in SHARDED {
        if is_distributed(connection, table)? {
            continue;
        }
        let with = if table == SHARDED[0] { "default" } else { SHARDED[0] };
        diesel::sql_query(format!(
            "SELECT create_distributed_table('{table}', 'bucket', colocate_with => '{with}')"
        ))
        .execute(connection)?;
        distributed.push(table);
    }
    Ok(distributed)
}

fn is_distributed(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    let is_distributed = format!(
        "EXISTS (SELECT 1 FROM pg_dist_partition
                 WHERE logicalrelid = '{table}'::regclass AND partmethod = 'h')"
    );
    diesel::select(sql::<Bool>(&is_distributed)).get_result(connection)
}

/// Returns whether a table is distributed; if so, lets this transaction create and drop triggers on
/// it. Citus calls triggers unsafe, because one that reads or writes could deadlock.
pub(in crate::db) fn allow_triggers(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    if !is_installed(connection)? || !is_distributed(connection, table)? {
        return Ok(false);
    }
    connection.batch_execute("SET LOCAL citus.enable_unsafe_triggers = on")?;
    Ok(true)
}

/// The size of the distributed tables on all nodes, in bytes.
pub(in crate::db) fn size(connection: &mut Connection) -> QueryResult<i64> {
    diesel::select(sql::<BigInt>(
        "(SELECT coalesce(sum(citus_total_relation_size(logicalrelid)), 0)::bigint
          FROM pg_dist_partition)",
    ))
    .get_result(connection)
}
