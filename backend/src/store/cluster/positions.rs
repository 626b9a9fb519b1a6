//! The positions of a client's consistency token.

use std::sync::Arc;

use crate::db::{Database, Positions};
use crate::store::cluster::Cluster;

impl Cluster<'_> {
    /// The positions of servers of this cluster.
    pub fn known_positions(&self, mut positions: Positions) -> Positions {
        positions.retain(|name, _| self.server(name).is_some());
        positions
    }

    /// The new token of the client: the positions of this request's writes and those seen before.
    /// Positions beyond the end of a server's log are invalid and left out, as are those that an
    /// unavailable server can't confirm.
    ///
    /// `None`: a server must be asked, which blocks and needs `may_ask`.
    pub fn positions(&self, may_ask: bool) -> Option<Positions> {
        let mut positions = self.context.written();
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
        let database = match name.strip_prefix("reviews-") {
            Some(number) => shards.reviews.get(number.parse::<usize>().ok()?.checked_sub(1)?)?,
            None => &shards.default,
        };
        (database.name() == name && !database.is_file()).then_some(database)
    }
}
