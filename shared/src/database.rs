//! The reviews databases, as the API shows them.

use serde::{Deserialize, Serialize};

/// What kind of database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A file on the server's disk.
    Sqlite,
}

/// Whether a database answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It answers.
    Up,
    /// It does not.
    Down,
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
    /// Buckets that it holds, of 1,024.
    #[cfg_attr(feature = "openapi", schema(example = 342, minimum = 0, maximum = 1024))]
    pub buckets: u32,
    /// Reviews that it holds; null while it is down.
    #[cfg_attr(feature = "openapi", schema(example = 1672))]
    pub reviews: Option<u64>,
    /// Its part of all reviews, from 0 to 1; null while any database is down, and without reviews.
    #[cfg_attr(feature = "openapi", schema(example = 0.3344, minimum = 0, maximum = 1))]
    pub share: Option<f64>,
}

/// All reviews databases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DatabaseList {
    /// In the order of their numbers.
    pub items: Vec<DatabaseInfo>,
}
