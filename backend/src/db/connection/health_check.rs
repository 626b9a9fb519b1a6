//! Health checks of the PostgreSQL servers of a database: availability, and the lag of replicas.
//!
//! Look here when a server is reported as down, or a replica is left out. Requests only read the
//! results: the circuit breaker, and the replayed position.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use crate::db::connection::connector;
use crate::db::connection::pool::Server;
use crate::db::connection::settings::Settings;
use crate::db::dialect::engine::Connection;
use crate::db::dialect::prepared::KeepPrepared;
use crate::db::error::one_line;

/// The interval between probes.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long positions of the primary are kept: the maximum measurable lag.
const HISTORY: Duration = Duration::from_secs(60);

/// The positions of the primary's write-ahead log over time.
#[derive(Default)]
pub(in crate::db) struct WalHistory {
    history: Mutex<VecDeque<(Instant, u64)>>,
    /// The highest known position.
    end: AtomicU64,
}

impl WalHistory {
    /// The highest known position of the primary's log.
    pub fn end(&self) -> u64 {
        self.end.load(Ordering::Relaxed)
    }

    /// Records a position of the primary.
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

    /// The lag of a replica at `replayed`; while the primary is down, its lag at that time.
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

/// The replay position of a replica.
#[derive(Default)]
pub(in crate::db) struct ReplayPosition(Mutex<Option<u64>>);

impl ReplayPosition {
    /// The replayed position; None: unknown.
    pub fn replayed(&self) -> Option<u64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its lag behind the primary.
    pub fn lag(&self, wal: &WalHistory) -> Option<Duration> {
        self.replayed().map(|replayed| wal.lag(replayed))
    }

    fn set(&self, replayed: Option<u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = replayed;
    }
}

/// Probes a primary until its server is dropped.
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

/// Probes a replica until its server is dropped.
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

/// The state of a server.
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
            // One closed connection does not mean that the server is down: neither the kept one nor
            // a new one.
            let anew = || connector::connect(&address, false, &settings).and_then(probe);
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
        // Without health checks each request detects failures itself.
        tracing::error!(%error, "the thread that watches a server can't be started");
    }
}

/// Probes a server on a connection, and returns it for reuse.
fn probe(mut connection: Connection) -> Result<(ServerStatus, Connection), String> {
    let at = server_status(&mut connection).map_err(|error| one_line(&error))?;
    Ok((at, connection))
}

/// Queries the state of a server.
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

/// The end of the primary's write-ahead log in bytes, above all earlier commits, even those not yet
/// on disk (`synchronous_commit = off`).
pub(in crate::db) fn wal_end(connection: &mut Connection) -> QueryResult<u64> {
    let end = KeepPrepared(diesel::select(sql::<BigInt>(&bytes("pg_current_wal_insert_lsn()"))));
    let end: i64 = end.get_result(connection)?;
    Ok(end.cast_unsigned())
}

/// SQL that converts a `pg_lsn` to bytes.
fn bytes(position: &str) -> String {
    format!("({position} - '0/0'::pg_lsn)::bigint")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_the_age_of_the_oldest_missing_record() {
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
