//! What a server does beside answering requests: it notices changes of the shard map, and moves
//! buckets.

use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use crate::db::{Context, clock_ms, cluster, processes};
use crate::store::cluster::rebalance;
use crate::store::error::StoreError;
use crate::store::routing::Shards;

/// How often the version of the map is read: within a second each process knows of a change.
const INTERVAL: Duration = Duration::from_millis(400);

/// How often a process notes which databases it can reach, and for how long that counts.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const NOTE_VALID_MS: i64 = 15_000;
/// When the row of a process is removed that has ended.
const FORGET_AFTER_MS: i64 = 3_600_000;

/// Starts the thread that does the work, until no one uses the databases any more.
pub(in crate::store) fn start(shards: Weak<Shards>) -> std::io::Result<()> {
    let holder = rebalance::holder();
    let mut noted: Option<(Instant, i64)> = None;
    let work = move || {
        loop {
            let Some(shards) = shards.upgrade() else { return };
            let mut watched = watch_map(&shards);
            let version = shards.map().version();
            let is_old = |(at, of): (Instant, i64)| at.elapsed() > NOTE_INTERVAL || of != version;
            if watched.is_ok() && noted.is_none_or(is_old) {
                noted = Some((Instant::now(), version));
                watched = note_process(&shards, &holder);
            }
            if let Err(error) = watched {
                tracing::debug!(%error, "the shard map can't be watched");
            }
            let pause = rebalance::advance(&shards, &holder).unwrap_or(INTERVAL);
            drop(shards);
            thread::sleep(pause);
        }
    };
    thread::Builder::new().name("cluster".to_owned()).spawn(work).map(drop)
}

fn watch_map(shards: &Shards) -> Result<(), StoreError> {
    let context = Context::default();
    let version = shards.default.read_latest(&context, cluster::map_version)?;
    let known = shards.map().version();
    if version != known || !shards.all_open() {
        shards.reload_map(&context, known)?;
    }
    Ok(())
}

/// Notes which databases this process can reach. Files are served by one process, which is asked
/// instead.
fn note_process(shards: &Shards, holder: &str) -> Result<(), StoreError> {
    if shards.default.is_file() {
        return Ok(());
    }
    let names = shards.open_names();
    Ok(shards.default.write(&Context::default(), |connection| {
        let now_ms = clock_ms(connection)?.unwrap_or_default();
        processes::note(connection, holder, &names, now_ms, now_ms - FORGET_AFTER_MS)
    })?)
}
