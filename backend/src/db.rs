//! Rows and queries. The only place that knows diesel.
//!
//! A [`Database`] is one of `default` and `reviews-1 … reviews-N`. Its `read` and `write` run a
//! closure in one transaction; the closures call the functions in `tables`. `dialect` has the
//! differences between the engines, `connection` the pools, health checks and request contexts.

mod connection;
mod dialect;
mod error;
mod programs;
mod schema;
mod tables;

pub mod backup;
pub mod bucket_copy;
pub mod copy;
pub mod files;
pub mod inspect;
pub mod migrate;
pub mod transfer;

pub use connection::address::Address;
pub use connection::database::{Database, ReadPreference, ReplicaSettings, ReplicaState};
pub use connection::request_context::{AwaitedServer, Context, Positions};
pub use connection::request_database::{Pending, RequestDatabase};
pub use connection::settings::Settings;
pub use dialect::engine::Connection;
pub use dialect::locks::{Lock, lock, lock_shared};
pub use dialect::low_watermark::{Settled, clock_ms, now_ms, register_writer};
pub use dialect::server::encoding;
pub use dialect::sqlite_version::sqlite_version_problem;
pub use dialect::transaction::{limit_lock_wait, without_time_limit};
pub use error::{DbError, QueryError, one_line};
pub use tables::{
    accounts, audit, backfill, cluster, idempotency_keys, ids, moderation, owner, processes,
    products, ratings, rebalances, review_checks, review_search, reviews, sessions, tokens,
    verifications,
};
