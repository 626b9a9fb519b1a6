//! The positions of a client's consistency token.

use std::sync::Arc;

use crate::db::{Database, Positions};
use crate::store::cluster::Cluster;
use crate::store::routing::MAP;

impl Cluster<'_> {
    /// The positions of servers of this cluster.
    pub fn known_positions(&self, mut positions: Positions) -> Positions {
        positions.retain(|name, _| name == MAP || self.server(name).is_some());
        positions
    }

    /// The new token of the client: the positions of this request's writes and those seen before.
    /// Positions beyond the end of a server's log are invalid and left out, as are those that an
    /// unavailable server can't confirm.
    ///
    /// Returns `None` if it has to ask a server, which blocks, and `may_ask` is false.
    pub fn positions(&self, may_ask: bool) -> Option<Positions> {
        let mut positions = self.context.written();
        // Another process that does not know yet that a bucket has moved then reads the map again.
        if let Some(version) = self.shared.shards.recent_version() {
            positions.note(MAP, version);
        }
        let mut seen = self.context.seen().clone();
        let mut is_known = true;
        seen.retain(|name, position| match self.server(name) {
            // This request's own write is later.
            _ if positions.of(name) > 0 => false,
            None => false,
            Some(server) if server.has_surely_reached(position) => true,
            Some(server) if may_ask => {
                server.has_reached(self.context, position).unwrap_or_else(|error| {
                    tracing::warn!(%error, "a client's position can't be checked");
                    false
                })
            }
            Some(_) => {
                is_known = false;
                false
            }
        });
        positions.add_older(&seen);
        is_known.then_some(positions)
    }

    /// The database with this name, if it is on a server.
    fn server(&self, name: &str) -> Option<&Arc<Database>> {
        let shards = &self.shared.shards;
        let mut databases = shards.databases();
        databases.find(|database| database.name() == name).filter(|database| !database.is_file())
    }
}
