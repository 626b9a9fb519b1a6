//! The reviews databases, as the API shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

/// The number of buckets of every cluster; it never changes.
pub const BUCKETS: u16 = 1024;

string_enum! {
    /// The engine of a database.
    open Engine {
        /// A file on the server's disk.
        Sqlite => "sqlite",
        /// A PostgreSQL server.
        Postgres => "postgres",
    }
}

string_enum! {
    /// Whether a database is available.
    open Health {
        /// The primary answers.
        Up => "up",
        /// The primary is down; a replica answers reads.
        ReadOnly => "read_only",
        /// Neither the primary nor a replica answers.
        Down => "down",
    }
}

/// A replica of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplicaInfo {
    /// `up` or `down`.
    pub health: Health,
    /// Its lag behind the primary in milliseconds, to half a second; null while unknown.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub lag_ms: Option<u64>,
}

/// One reviews database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseInfo {
    /// `reviews-1` to `reviews-N`.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-1"))]
    pub name: String,
    /// The engine of a database.
    pub engine: Engine,
    /// Whether it is available.
    pub health: Health,
    /// Its replicas, in the order of the configuration.
    pub replicas: Vec<ReplicaInfo>,
    /// The number of buckets that it owns, of 1,024.
    #[cfg_attr(feature = "openapi", schema(example = 342, minimum = 0, maximum = 1024))]
    pub buckets: u32,
    /// The number of its reviews of any status; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = 1672))]
    pub reviews: Option<u64>,
    /// Its share of all reviews, from 0 to 1; null if any database is down, or without reviews.
    #[cfg_attr(feature = "openapi", schema(example = 0.3344, minimum = 0, maximum = 1))]
    pub share: Option<f64>,
    /// Its size in bytes; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = 1_441_792))]
    pub size_bytes: Option<u64>,
    /// Its applied migrations, in order; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = json!(["20261122000000"])))]
    pub migrations: Option<Vec<String>>,
    /// The running or last verification; null if there was none.
    pub verification: Option<Verification>,
}

/// A verification of one database: recounts its ratings and checks the bucket and database of each
/// row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verification {
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub started_at: Timestamp,
    /// When it ended; null while it is running.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T12:00:01Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub finished_at: Option<Timestamp>,
    /// Reviews checked so far.
    #[cfg_attr(feature = "openapi", schema(example = 1672))]
    pub reviews: u64,
    /// Problems found so far.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub problem_count: u64,
    /// The first 100 problems, one line each.
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub problems: Vec<String>,
}

/// All reviews databases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseList {
    /// The databases, by number.
    pub items: Vec<DatabaseInfo>,
}
