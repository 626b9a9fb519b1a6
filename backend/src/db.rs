//! Rows and queries. The only place that knows diesel.
//!
//! A [`Database`] is one of `default` and `reviews-1 … reviews-N`. Its `read` and `write` run a
//! closure in one transaction; the functions of the modules below are what such closures call.
//! `engine` has what differs between SQLite and PostgreSQL; `server`, `health` and `watch` are
//! the way to a server that may be away; `context` is what a request carries along.

mod address;
mod cached;
mod citus;
mod context;
mod database;
mod engine;
mod error;
mod health;
mod log_size;
mod programs;
mod schema;
mod server;
mod sqlite_version;
mod time_limit;
mod watch;

pub mod acceptance;
pub mod accounts;
pub mod audit;
pub mod backfill;
pub mod backup;
pub mod cluster;
pub mod copy;
pub mod files;
pub mod ids;
pub mod inspect;
pub mod migrate;
pub mod moderation;
pub mod owner;
pub mod products;
pub mod ratings;
pub mod review_search;
pub mod reviews;
pub mod sessions;
pub mod tokens;
pub mod transfer;
pub mod verifications;

pub use address::Address;
pub use context::{Context, Positions, WaitsFor};
pub use database::{Answer, Database, Reads, ReplicaSettings, ReplicaState, RequestDatabase};
pub use engine::{
    Connection, Lock, Settled, announce_write, clock_ms, encoding, limit_lock_wait, lock,
    without_time_limit,
};
pub use error::{DbError, QueryError};
pub use server::Settings;
pub use sqlite_version::sqlite_version_problem;
