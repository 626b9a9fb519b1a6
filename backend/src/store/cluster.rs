//! The cluster: opening, migrating, verifying, backing up, restoring and transferring its databases.

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

use std::sync::Arc;

use crate::db::{Context, Database};
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
}
