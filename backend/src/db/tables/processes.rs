//! The processes that serve the cluster.

use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::db::dialect::engine::{Connection, on_each_engine};
use crate::db::error::QueryError;
use crate::db::schema::process;

/// Notes that a process serves, and which reviews databases it can reach, with spaces between their
/// names; forgets other processes that were last seen before `forget_before_ms`. Times are
/// milliseconds since the Unix epoch.
pub fn note(
    connection: &mut Connection,
    name: &str,
    databases: &str,
    now_ms: i64,
    forget_before_ms: i64,
) -> Result<(), QueryError> {
    let values =
        (process::name.eq(name), process::seen_at.eq(now_ms), process::databases.eq(databases));
    on_each_engine!(connection, c => {
        diesel::insert_into(process::table)
            .values(values)
            .on_conflict(process::name)
            .do_update()
            .set((
                process::seen_at.eq(excluded(process::seen_at)),
                process::databases.eq(excluded(process::databases)),
            ))
            .execute(c)
    })?;
    let others = process::table.filter(process::name.ne(name));
    let old = others.filter(process::seen_at.lt(forget_before_ms));
    diesel::delete(old).execute(connection)?;
    Ok(())
}

/// Whether a process was seen since then.
pub fn is_any_seen(connection: &mut Connection, seen_since_ms: i64) -> Result<bool, QueryError> {
    let seen = process::table.filter(process::seen_at.ge(seen_since_ms));
    Ok(seen.count().get_result::<i64>(connection)? > 0)
}

/// The processes that were seen since then and can't reach one of these reviews databases.
pub fn lacking(
    connection: &mut Connection,
    databases: &[&str],
    seen_since_ms: i64,
) -> Result<Vec<(String, String)>, QueryError> {
    let rows: Vec<(String, String)> = process::table
        .filter(process::seen_at.ge(seen_since_ms))
        .order(process::name)
        .select((process::name, process::databases))
        .load(connection)?;
    let lacks = |(name, known): (String, String)| {
        let knows = |database: &str| known.split(' ').any(|known| known == database);
        let lacked = databases.iter().find(|database| !knows(database));
        lacked.map(|database| (name.clone(), (*database).to_owned()))
    };
    Ok(rows.into_iter().filter_map(lacks).collect())
}
