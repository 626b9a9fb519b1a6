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

/// The tables of a reviews database that have buckets; what others refer to comes first.
const SHARDED: [&str; 6] =
    ["review", "bucket_owner", "product_rating", "idempotency_key", "report", "review_event"];

pub(in crate::db) fn is_installed(connection: &mut Connection) -> QueryResult<bool> {
    let Connection::Postgres(connection) = connection else { return Ok(false) };
    let is_installed = "EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
    diesel::select(sql::<Bool>(is_installed)).get_result(connection)
}

/// Says whether the database has the extension; if so, has limits of a transaction hold on the nodes too.
pub(in crate::db) fn set_up(connection: &mut Connection) -> QueryResult<bool> {
    let is_installed = is_installed(connection)?;
    if is_installed {
        connection.batch_execute("SET citus.propagate_set_commands = 'local'")?;
    }
    Ok(is_installed)
}

/// Distributes those sharded tables that are not distributed yet; returns their names.
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

/// Lets this transaction create and drop triggers on a table if it is distributed; says whether it is.
/// Citus calls them unsafe because one that reads or writes could wait for itself.
pub(in crate::db) fn allow_triggers(connection: &mut Connection, table: &str) -> QueryResult<bool> {
    if !is_installed(connection)? || !is_distributed(connection, table)? {
        return Ok(false);
    }
    connection.batch_execute("SET LOCAL citus.enable_unsafe_triggers = on")?;
    Ok(true)
}

/// Bytes that the distributed tables take on all nodes.
pub(in crate::db) fn size(connection: &mut Connection) -> QueryResult<i64> {
    diesel::select(sql::<BigInt>(
        "(SELECT coalesce(sum(citus_total_relation_size(logicalrelid)), 0)::bigint
          FROM pg_dist_partition)",
    ))
    .get_result(connection)
}
