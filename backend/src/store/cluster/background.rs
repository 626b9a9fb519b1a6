//! What a server does beside answering requests: it notices changes of the shard map, and moves
//! buckets.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::db::{Context, clock_ms, cluster, processes};
use crate::store::cluster::rebalance::{self, Advance};
use crate::store::error::StoreError;
use crate::store::routing::Shards;

/// How often the version of the map is read: within a second each process knows of a change.
const INTERVAL: Duration = Duration::from_millis(400);

/// How often a process notes which databases it can reach, and for how long that counts.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
pub(super) const NOTE_VALID_MS: i64 = 15_000;
/// When the row of a process is removed that has ended.
const FORGET_AFTER_MS: i64 = 3_600_000;

/// Starts the threads that do the work, until nothing uses the databases any more.
pub(in crate::store) fn start(shards: &Arc<Shards>) -> io::Result<()> {
    let holder = rebalance::holder();
    let (watched, process) = (Arc::downgrade(shards), holder.clone());
    thread::Builder::new().name("map".to_owned()).spawn(move || watch(&watched, &process))?;
    let moved = Arc::downgrade(shards);
    thread::Builder::new().name("move".to_owned()).spawn(move || move_buckets(&moved, &holder))?;
    Ok(())
}

fn watch(shards: &Weak<Shards>, holder: &str) {
    let mut noted: Option<(Instant, i64)> = None;
    while let Some(shards) = shards.upgrade() {
        let is_due = noted.is_none_or(|(at, _)| at.elapsed() > NOTE_INTERVAL);
        let mut watched = watch_map(&shards, is_due);
        let version = shards.map().version();
        if watched.is_ok() && (is_due || noted.is_some_and(|(_, of)| of != version)) {
            noted = Some((Instant::now(), version));
            watched = note_process(&shards, holder);
        }
        if let Err(error) = watched {
            tracing::debug!(%error, "the shard map can't be watched");
        }
        drop(shards);
        thread::sleep(INTERVAL);
    }
}

fn move_buckets(shards: &Weak<Shards>, holder: &str) {
    let mut failures = 0;
    while let Some(shards) = shards.upgrade() {
        let advance = rebalance::advance(&shards, holder);
        drop(shards);
        match advance {
            Advance::Made => failures = 0,
            Advance::Idle => thread::sleep(INTERVAL),
            Advance::Failed => {
                thread::sleep(rebalance::rest_after(failures));
                failures += 1;
            }
        }
    }
}

/// Reads the map if it has changed. `reopen`: also tries databases again that could not be opened.
fn watch_map(shards: &Shards, reopen: bool) -> Result<(), StoreError> {
    let context = Context::default();
    let version = shards.default.read_latest(&context, cluster::map_version)?;
    if version != shards.map().version() || reopen && !shards.all_open() {
        shards.reload_and_open(&context)?;
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
