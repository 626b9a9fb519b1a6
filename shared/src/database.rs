//! The reviews databases, as the API shows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::string_enum::string_enum;

string_enum! {
    /// What kind of database it is.
    open Engine {
        /// A file on the server's disk.
        Sqlite => "sqlite",
        /// A PostgreSQL server.
        Postgres => "postgres",
    }
}

string_enum! {
    /// Whether a database answers.
    open Health {
        /// It answers.
        Up => "up",
        /// Its primary is away, a replica answers reads.
        ReadOnly => "read_only",
        /// It does not.
        Down => "down",
    }
}

/// A replica of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplicaInfo {
    /// Whether it answers: `up` or `down`.
    pub health: Health,
    /// How far it is behind the primary, in milliseconds, to half a second; null while that is not
    /// known.
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
    /// What kind of database it is.
    pub engine: Engine,
    /// Whether it answers.
    pub health: Health,
    /// Its replicas, in the order of the configuration.
    pub replicas: Vec<ReplicaInfo>,
    /// Buckets that it holds, of 1,024.
    #[cfg_attr(feature = "openapi", schema(example = 342, minimum = 0, maximum = 1024))]
    pub buckets: u32,
    /// Reviews that it holds, whatever their status; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = 1672))]
    pub reviews: Option<u64>,
    /// Its part of all reviews, from 0 to 1; null while any database is down, and without reviews.
    #[cfg_attr(feature = "openapi", schema(example = 0.3344, minimum = 0, maximum = 1))]
    pub share: Option<f64>,
    /// Bytes that it takes; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = 1_441_792))]
    pub size_bytes: Option<u64>,
    /// The migrations that it has, in order; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = json!(["20261122000000"])))]
    pub migrations: Option<Vec<String>>,
    /// The last time that it was verified, or is now; null: never.
    pub verification: Option<Verification>,
}

/// A check of one database: every rating recounted, every row looked at for its place.
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
    /// Reviews looked at so far.
    #[cfg_attr(feature = "openapi", schema(example = 1672))]
    pub reviews: u64,
    /// Findings so far, or of the whole.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub problem_count: u64,
    /// The first 100 findings, a line each.
    #[cfg_attr(feature = "openapi", schema(example = json!([])))]
    pub problems: Vec<String>,
}

/// All reviews databases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseList {
    /// In the order of their numbers.
    pub items: Vec<DatabaseInfo>,
}
