//! Rows and queries. The only place that knows diesel.
//!
//! A [`Database`] is one of `default` and `reviews-1 … reviews-N`. Its `read` and `write` run a
//! closure in one transaction; the functions of the modules below are what such closures call.
//! `engine` has what differs between SQLite and PostgreSQL; `server`, `breaker` and `watch` are
//! the way to a server that may be away; `context` is what a request carries along.

mod connection;
mod dialect;
mod error;
mod programs;
mod tables;

pub mod backup;
pub mod copy;
pub mod files;
pub mod inspect;
pub mod migrate;
pub mod transfer;

pub use connection::address::Address;
pub use connection::database::{
    Database, Pending, ReadPreference, ReplicaSettings, ReplicaState, RequestDatabase,
};
pub use connection::pool::Settings;
pub use connection::request_context::{AwaitedServer, Context, Positions};
pub use dialect::engine::{
    Connection, Lock, Settled, clock_ms, encoding, limit_lock_wait, lock, register_writer,
    without_time_limit,
};
pub use dialect::sqlite_version::sqlite_version_problem;
pub use error::{DbError, QueryError};
pub use tables::{
    acceptance, accounts, audit, backfill, cluster, ids, moderation, owner, products, ratings,
    review_search, reviews, sessions, tokens, verifications,
};
