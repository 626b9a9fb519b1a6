//! The background work of a server: noticing changes of the shard map, and moving buckets.

use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::db::{Context, now_ms, processes};
use crate::store::cluster::rebalance::{self, Advance, Pacer};
use crate::store::error::StoreError;
use crate::store::routing::Shards;

/// How often the version of the map is read: within a second each process knows of a change.
const INTERVAL: Duration = Duration::from_millis(400);

/// How often a process notes which databases it can reach.
const NOTE_INTERVAL: Duration = Duration::from_secs(5);
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
    let mut noted: Option<(Instant, String)> = None;
    while let Some(shards) = shards.upgrade() {
        let is_due = noted.as_ref().is_none_or(|(at, _)| at.elapsed() > NOTE_INTERVAL);
        let watched = shards.refresh_map(&Context::default(), is_due).and_then(|()| {
            let open = shards.open_reviews();
            let names = open.iter().map(|database| database.name()).collect::<Vec<_>>().join(" ");
            let is_known = noted.as_ref().is_some_and(|(_, known)| *known == names);
            // Files have one process, so that its row need not prove that it is still there.
            if is_known && (!is_due || shards.default.is_file()) {
                return Ok(());
            }
            note_process(&shards, holder, &names)?;
            noted = Some((Instant::now(), names));
            Ok(())
        });
        if let Err(error) = watched {
            tracing::debug!(%error, "the shard map can't be watched");
        }
        drop(shards);
        thread::sleep(INTERVAL);
    }
}

fn move_buckets(shards: &Weak<Shards>, holder: &str) {
    let (mut failures, pacer) = (0, Pacer::start());
    while let Some(shards) = shards.upgrade() {
        let advance = rebalance::advance(&shards, holder, &pacer);
        drop(shards);
        match advance {
            Advance::Made => {
                failures = 0;
                continue;
            }
            Advance::Idle => thread::sleep(INTERVAL),
            Advance::Failed => {
                thread::sleep(rebalance::rest_after(failures));
                failures += 1;
            }
        }
        pacer.has_rested();
    }
}

/// Notes which databases this process can reach, with spaces between their names. Of files it is
/// the only process that serves them.
fn note_process(shards: &Shards, holder: &str, names: &str) -> Result<(), StoreError> {
    Ok(shards.default.write(&Context::default(), |connection| {
        let now_ms = now_ms(connection)?;
        let is_only = shards.default.is_file();
        let forget_before_ms = if is_only { i64::MAX } else { now_ms - FORGET_AFTER_MS };
        processes::note(connection, holder, names, now_ms, forget_before_ms)
    })?)
}
