//! The databases of a cluster: setting up, migrating, moving, backing up, and sharing them.

mod backup;
mod citus;
mod clock;
mod consistency_token;
mod files;
mod processes;
mod rebalance;
mod schema;
mod setup;
mod transfer;
