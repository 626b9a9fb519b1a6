//! Watching the PostgreSQL servers of one database: does each answer, and how far have the
//! replicas followed the primary?

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::db::connection::pool::{self, Server, Settings};
use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;

/// How often each server is asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long positions of the primary are remembered: what lags more lags "at least" so much.
const HISTORY: Duration = Duration::from_secs(60);

/// The way of a database's write-ahead log: when the primary was where.
#[derive(Default)]
pub(in crate::db) struct WalHistory {
    history: Mutex<VecDeque<(Instant, u64)>>,
    /// The furthest position that is known to be reached.
    end: AtomicU64,
}

impl WalHistory {
    /// The furthest position that the primary's log is known to have reached.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// The primary's log has reached this position.
    pub fn advance(&self, position: u64) {
        self.end.fetch_max(position, Ordering::Relaxed);
    }

    fn record(&self, position: u64) {
        self.advance(position);
        let mut wal = self.lock();
        wal.push_back((Instant::now(), position));
        while wal.front().is_some_and(|(at, _)| at.elapsed() > HISTORY) && wal.len() > 1 {
            wal.pop_front();
        }
    }

    /// How long ago the primary's log was at a place that a replica at `replayed` has not reached.
    /// While the primary is away: how long before it went.
    fn lag(&self, replayed: u64) -> Duration {
        let wal = self.lock();
        let (Some((last, _)), Some((missing, _))) =
            (wal.back(), wal.iter().find(|(_, position)| *position > replayed))
        else {
            return Duration::ZERO;
        };
        (*last - *missing) + INTERVAL
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Instant, u64)>> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a replica has come.
#[derive(Default)]
pub(in crate::db) struct ReplayPosition(Mutex<Option<u64>>);

impl ReplayPosition {
    /// The position that it has replayed; None: not known.
    pub fn replayed(&self) -> Option<u64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far behind the primary it is.
    pub fn lag(&self, wal: &WalHistory) -> Option<Duration> {
        self.replayed().map(|replayed| wal.lag(replayed))
    }

    fn set(&self, replayed: Option<u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = replayed;
    }
}

/// Watches a primary until its server is stopped.
pub(in crate::db) fn watch_primary(
    label: String,
    server: &Arc<Server>,
    settings: Settings,
    wal: Arc<WalHistory>,
) {
    spawn(label, server, settings, move |at| {
        let ServerStatus { position, in_recovery } = at?;
        if in_recovery {
            return Err("it is a replica".to_owned());
        }
        wal.record(position);
        Ok(())
    });
}

/// Watches a replica until its server is stopped.
pub(in crate::db) fn watch_replica(
    label: String,
    server: &Arc<Server>,
    settings: Settings,
    replay: Arc<ReplayPosition>,
) {
    spawn(label, server, settings, move |at| {
        replay.set(at.as_ref().ok().map(|at| at.position));
        at.map(drop)
    });
}

/// Where a server is in the write-ahead log.
struct ServerStatus {
    position: u64,
    in_recovery: bool,
}

fn spawn(
    label: String,
    server: &Arc<Server>,
    settings: Settings,
    on_status: impl Fn(Result<ServerStatus, String>) -> Result<(), String> + Send + 'static,
) {
    let breaker = Arc::clone(&server.breaker);
    let address = server.address.clone();
    breaker.start_watch();
    let watch = move || {
        let mut connection = None;
        loop {
            breaker.probe_started();
            // A connection that was cut says nothing of the server: not the one that was kept, nor
            // a single new one.
            let anew = || pool::connect(&address, false, &settings).and_then(probe);
            let kept = connection.take().and_then(|kept| probe(kept).ok());
            let asked = kept.map_or_else(|| anew().or_else(|_| anew()), Ok);
            let at = asked.map(|(at, good)| {
                connection = Some(good);
                at
            });
            let answer = on_status(at);
            let reason = answer.as_ref().err().cloned();
            if breaker.probe_finished(answer) {
                match reason {
                    Some(reason) => tracing::error!(server = label, reason, "away"),
                    None => tracing::info!(server = label, "back"),
                }
            }
            if !breaker.wait(INTERVAL) {
                return;
            }
        }
    };
    let named = thread::Builder::new().name("watch".to_owned());
    if let Err(error) = named.spawn(watch) {
        // Without a watch each request finds out by itself.
        tracing::error!(%error, "no thread to watch a server");
    }
}

/// Asks on a connection, and returns it if it is good.
fn probe(mut connection: Connection) -> Result<(ServerStatus, Connection), String> {
    let at = server_status(&mut connection).map_err(|error| pool::one_line(&error))?;
    Ok((at, connection))
}

/// What a server says of itself.
fn server_status(connection: &mut Connection) -> QueryResult<ServerStatus> {
    let (position, in_recovery): (i64, bool) = diesel::select((
        sql::<BigInt>(&format!(
            "CASE WHEN pg_is_in_recovery() THEN {} ELSE {} END",
            bytes("pg_last_wal_replay_lsn()"),
            bytes("pg_current_wal_lsn()"),
        )),
        sql::<Bool>("pg_is_in_recovery()"),
    ))
    .get_result(connection)?;
    Ok(ServerStatus { position: position.cast_unsigned(), in_recovery })
}

/// Where the primary's write-ahead log ends now, in bytes: what was committed before lies below,
/// even what is not on the disk yet (`synchronous_commit = off`).
pub(in crate::db) fn wal_end(connection: &mut Connection) -> QueryResult<u64> {
    let end = KeepPrepared(diesel::select(sql::<BigInt>(&bytes("pg_current_wal_insert_lsn()"))));
    let end: i64 = end.get_result(connection)?;
    Ok(end.cast_unsigned())
}

/// A `pg_lsn` as the number of bytes that it is.
fn bytes(position: &str) -> String {
    format!("({position} - '0/0'::pg_lsn)::bigint")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_counted_from_what_is_missing() {
        let wal = WalHistory::default();
        assert_eq!(wal.lag(0), Duration::ZERO);
        let now = Instant::now();
        let at = |seconds_ago| now - Duration::from_secs(seconds_ago);
        wal.lock().extend([(at(3), 100), (at(2), 200), (at(1), 200), (at(0), 300)]);
        assert_eq!(wal.lag(300), Duration::ZERO);
        assert_eq!(wal.lag(299), INTERVAL);
        assert_eq!(wal.lag(199), Duration::from_secs(2) + INTERVAL);
        assert_eq!(wal.lag(0), Duration::from_secs(3) + INTERVAL);
    }
}
