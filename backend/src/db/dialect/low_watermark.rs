//! The low watermark on PostgreSQL: the time before which no review is still being written, shown
//! by the writers' locks. On SQLite the process is the only writer and knows its ids in flight
//! (`store/routing/id_generator.rs`), so these functions return `None`, except [`now_ms`].

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use jiff::Timestamp;

use crate::db::dialect::engine::Connection;
use crate::db::dialect::locks::LOCK_KEYS;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::QueryError;

/// The upper 16 bits of the keys of locks that show which ids are in flight.
const WRITER_KEYS: i64 = LOCK_KEYS;

/// Milliseconds since the Unix epoch, by the database's clock, as SQL of PostgreSQL.
const NOW_MS: &str = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Takes a lock by which `settled` notices, in every process, that a review is being written.
/// Returns the time of the review's id, in milliseconds since the Unix epoch. `None`: the process
/// is the only writer, and uses its own clock.
///
/// The order matters. The lock's key is the time before it is taken; the id's time is read
/// afterwards. So a reader that reads the clock first, and then finds no lock, knows that later
/// writes get later ids.
pub fn register_writer(connection: &mut Connection) -> Result<Option<i64>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    // A volatile function is not optimized away, and OFFSET keeps the order.
    let now_ms = format!(
        "(SELECT {NOW_MS} FROM
             (SELECT pg_advisory_xact_lock_shared({} | {NOW_MS}) OFFSET 0) AS announced)",
        WRITER_KEYS << 48
    );
    Ok(Some(KeepPrepared(diesel::select(sql::<BigInt>(&now_ms))).get_result(postgres)?))
}

/// The longest that a write takes: a replica doesn't see the locks of writers.
const LONGEST_WRITE_MS: i64 = 60_000;

/// Times by a server's clock, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    /// All earlier reviews are committed, or never will be.
    pub oldest_ms: i64,
    /// The time when it was read.
    pub now_ms: i64,
}

/// The time before which all reviews of this database are settled. `None` as in
/// [`register_writer`]. Must run before the snapshot is taken that reads them.
pub(in crate::db) fn settled(connection: &mut Connection) -> QueryResult<Option<Settled>> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    let (now, now_ms): (i64, i64) = diesel::select((
        sql::<BigInt>(&format!(
            "CASE WHEN pg_is_in_recovery()
                  THEN coalesce((extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000)::bigint
                                - {LONGEST_WRITE_MS}, 0)
                  ELSE {NOW_MS} END"
        )),
        sql::<BigInt>(NOW_MS),
    ))
    .get_result(postgres)?;
    let oldest: Option<i64> = diesel::select(sql::<Nullable<BigInt>>(&format!(
        "(SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) FROM pg_locks
          WHERE locktype = 'advisory' AND classid::bigint >> 16 = {WRITER_KEYS}
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )))
    .get_result(postgres)?;
    let oldest_ms = oldest.map_or(now, |oldest| oldest.min(now));
    Ok(Some(Settled { oldest_ms, now_ms }))
}

/// The time by the clock that dates the database's rows, which is that of its server or, for a
/// file, of this machine; in milliseconds since the Unix epoch.
pub fn now_ms(connection: &mut Connection) -> Result<i64, QueryError> {
    Ok(clock_ms(connection)?.unwrap_or_else(|| Timestamp::now().as_millisecond()))
}

/// The time by the server's clock, in milliseconds since the Unix epoch. `None` as in
/// [`register_writer`].
pub fn clock_ms(connection: &mut Connection) -> Result<Option<i64>, QueryError> {
    let Connection::Postgres(postgres) = connection else { return Ok(None) };
    Ok(Some(diesel::select(sql::<BigInt>(NOW_MS)).get_result(postgres)?))
}
