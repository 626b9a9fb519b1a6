//! The cluster: opening, migrating, verifying, backing up, restoring and transferring its
//! databases.
//!
//! One file for each command or concern of operators. Start with `setup` (what is configured),
//! `open` (at start-up) or `rebalance`.

pub mod backfill;
pub mod background;
pub mod backup;
pub mod grow;
pub mod ids;
pub mod migrate;
pub mod open;
pub mod overview;
pub mod positions;
pub mod rebalance;
pub mod restore;
pub mod seed;
pub mod setup;
pub mod transfer;
pub mod verification;
pub mod verify;

use std::io;
use std::sync::Arc;

use crate::db::{Context, Database};
use crate::store::error::StoreError;
use crate::store::routing::change_counters::Subject;
use crate::store::routing::{Routing, Shards};
use verification::RunningVerifications;

/// The shared state of the cluster.
pub(in crate::store) struct Shared {
    shards: Arc<Shards>,
    running: RunningVerifications,
}

impl Shared {
    pub fn new(shards: Arc<Shards>) -> Shared {
        Shared { shards, running: RunningVerifications::default() }
    }
}

/// The cluster, for one request or command.
#[derive(Clone, Copy)]
pub struct Cluster<'a> {
    shared: &'a Shared,
    context: &'a Context,
}

impl<'a> Cluster<'a> {
    pub(in crate::store) fn new(shared: &'a Shared, context: &'a Context) -> Cluster<'a> {
        Cluster { shared, context }
    }

    fn routing(&self) -> Routing<'a> {
        Routing { shards: &self.shared.shards, context: self.context }
    }

    /// The reviews databases, in order.
    pub fn reviews_databases(&self) -> Vec<&'a Arc<Database>> {
        self.shared.shards.reviews()
    }

    /// Starts the background work of a server: noticing changes of the shard map, and moving buckets.
    pub fn start_background(&self) -> io::Result<()> {
        background::start(&self.shared.shards)
    }

    /// Reads the shard map again, and tries again to open databases that could not be opened.
    pub fn reopen_databases(&self) -> Result<(), StoreError> {
        self.shared.shards.reload_and_open(self.context)
    }

    /// The number of concurrent reads per database, if all databases are files.
    pub fn file_readers(&self) -> Option<usize> {
        self.shared.shards.file_readers()
    }

    /// The number of changes of a subject by this process. Public responses read at the same count
    /// are equal, except for writes of other processes.
    pub fn change_count(&self, subject: Subject) -> u64 {
        self.shared.shards.change_counters.get(subject)
    }

    /// A number that changes with every commit of any process to any database. `None` if unknown:
    /// servers have no such number, and a file may be unreadable.
    pub fn data_version(&self) -> Option<i64> {
        self.shared.shards.data_version()
    }
}
