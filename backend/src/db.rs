//! Rows and queries. The only place that knows diesel.
//!
//! A [`Database`] is one of `default` and `reviews-1 … reviews-N`. Its `read` and `write` run a
//! closure in one transaction; the functions of the modules below are what such closures call.

mod connection;
mod error;
mod schema;

pub mod accounts;
pub mod cluster;
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
pub mod verifications;

pub use connection::{Connection, Database, Settings, sqlite_version_problem};
pub use error::{DbError, QueryError};
