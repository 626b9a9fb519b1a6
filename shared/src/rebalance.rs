//! Rebalances: moving buckets between databases while the service runs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::database::BUCKETS;
use crate::json::{RequestBody, max_bytes, optional_integer};
use crate::problem::{FieldError, FieldErrorCode, FieldErrorParams};
use crate::string_enum::string_enum;

string_enum! {
    /// The state of a rebalance.
    open RebalanceState {
        /// A plan that has not been started.
        Planned => "planned",
        /// Buckets move, one after another.
        Running => "running",
        /// No further bucket moves until it is resumed.
        Paused => "paused",
        /// The bucket that was moving returns to its source.
        Aborting => "aborting",
        /// All buckets have moved.
        Finished => "finished",
        /// It was given up; buckets that had moved stay where they are.
        Aborted => "aborted",
    }
}

/// What moves from one database to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RebalancePart {
    /// The source database.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-1"))]
    pub source: String,
    /// The target database.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-4"))]
    pub target: String,
    /// The number of buckets.
    #[cfg_attr(feature = "openapi", schema(example = 86))]
    pub buckets: u64,
    /// The number of buckets that the target owns by now.
    #[cfg_attr(feature = "openapi", schema(example = 4))]
    pub moved_buckets: u64,
    /// The number of reviews in these buckets when they were planned.
    #[cfg_attr(feature = "openapi", schema(example = 420))]
    pub reviews: u64,
}

/// A bucket that is moving.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovingBucket {
    /// Its number.
    #[cfg_attr(feature = "openapi", schema(example = 127, minimum = 0, maximum = 1023))]
    pub bucket: u16,
    /// Its current database.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-1"))]
    pub source: String,
    /// Its new database.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-4"))]
    pub target: String,
    /// The number of its reviews when it was planned.
    #[cfg_attr(feature = "openapi", schema(example = 5))]
    pub reviews: u64,
    /// The number of its reviews that have been copied.
    #[cfg_attr(feature = "openapi", schema(example = 5))]
    pub copied: u64,
    /// Whether the target owns it already, and only the source's rows remain to be removed.
    pub committed: bool,
}

/// How long writes to buckets had to wait while their owner changed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WritePauses {
    /// The median.
    #[cfg_attr(feature = "openapi", schema(example = 9.1))]
    pub p50_ms: f64,
    /// The 99th percentile.
    #[cfg_attr(feature = "openapi", schema(example = 31.5))]
    pub p99_ms: f64,
    /// The longest.
    #[cfg_attr(feature = "openapi", schema(example = 40.2))]
    pub max_ms: f64,
}

/// A rebalance, planned, running or ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rebalance {
    /// Its number.
    #[cfg_attr(feature = "openapi", schema(example = 1, minimum = 1))]
    pub id: i64,
    /// The goal: `even`, `to 4 databases` or `drain reviews-2`.
    #[cfg_attr(feature = "openapi", schema(example = "even"))]
    pub goal: String,
    /// Its state.
    pub state: RebalanceState,
    /// When it was planned.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00Z"))]
    #[serde(deserialize_with = "crate::json::timestamp")]
    pub created_at: Timestamp,
    /// When it was started; null before.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T12:00:01Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub started_at: Option<Timestamp>,
    /// When it ended; null before.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T12:00:21Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub finished_at: Option<Timestamp>,
    /// What moves, by source and target.
    pub parts: Vec<RebalancePart>,
    /// The number of buckets to move.
    #[cfg_attr(feature = "openapi", schema(example = 256))]
    pub buckets: u64,
    /// The number of buckets that their target owns.
    #[cfg_attr(feature = "openapi", schema(example = 12))]
    pub moved_buckets: u64,
    /// The number of reviews in all buckets to move when they were planned.
    #[cfg_attr(feature = "openapi", schema(example = 1250))]
    pub reviews: u64,
    /// The number of reviews that have been copied.
    #[cfg_attr(feature = "openapi", schema(example = 61))]
    pub copied_reviews: u64,
    /// Reviews that the comparison of both sides found to differ, and that were copied again: 0,
    /// unless the program or a disk is faulty.
    #[cfg_attr(feature = "openapi", schema(example = 0))]
    pub repaired_reviews: u64,
    /// Reviews copied per second since it was started; null before.
    #[cfg_attr(feature = "openapi", schema(example = 1024.5))]
    pub reviews_per_second: Option<f64>,
    /// The estimated time left, in seconds; null if it has ended or is paused.
    #[cfg_attr(feature = "openapi", schema(example = 19))]
    pub seconds_left: Option<u64>,
    /// The maximum number of reviews copied per second; null: it adapts to the load of clients.
    #[cfg_attr(feature = "openapi", schema(example = 5000))]
    pub max_rate: Option<u32>,
    /// The buckets that are moving.
    pub moving: Vec<MovingBucket>,
    /// How long writes had to wait; null before the first bucket has moved.
    pub write_pauses: Option<WritePauses>,
    /// Why nothing moves; null while buckets move or need not move.
    #[cfg_attr(feature = "openapi", schema(example = "reviews-4: connection refused"))]
    pub waits_for: Option<String>,
    /// Since when; null if it is not waiting.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime, example = "2026-03-01T12:00:05Z"))]
    #[serde(default, deserialize_with = "crate::json::optional_timestamp")]
    pub waits_since: Option<Timestamp>,
    /// The commands that are allowed in this state.
    #[cfg_attr(feature = "openapi", schema(example = json!(["ostrakon rebalance pause"])))]
    pub next_steps: Vec<String>,
}

/// The last rebalances, and which database owns each bucket now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RebalanceList {
    /// The rebalances, the newest first.
    pub items: Vec<Rebalance>,
    /// The names of the reviews databases, in order.
    #[cfg_attr(feature = "openapi", schema(example = json!(["reviews-1", "reviews-2"])))]
    pub databases: Vec<String>,
    /// For each of the 1,024 buckets its owner's index in `databases`, from 0.
    #[cfg_attr(feature = "openapi", schema(example = json!([0, 0, 1])))]
    pub owners: Vec<u16>,
}

/// The maximum number of reviews databases: each owns a bucket.
const MAX_DATABASES: i32 = BUCKETS as i32;
/// The maximum that a rate can be limited to, in reviews per second.
pub const MAX_RATE: i32 = 1_000_000;

/// A new plan: without any field, all databases are to own the same number of buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRebalance {
    /// The first N databases own all buckets.
    #[serde(
        default,
        deserialize_with = "optional_integer::<_, 1, MAX_DATABASES>",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1024, example = 4))]
    pub to_databases: Option<i32>,
    /// This database owns no bucket any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "reviews-2"))]
    pub drain: Option<String>,
}

impl RequestBody for NewRebalance {
    const MAX_BYTES: usize = max_bytes(100);
}

impl NewRebalance {
    /// The errors of this plan.
    pub fn validate(&self) -> Vec<FieldError> {
        let both = self.to_databases.is_some() && self.drain.is_some();
        let both = both.then(|| {
            let detail = "A plan is for `to_databases` or for `drain`, not for both.".to_owned();
            FieldError::at_field("drain", FieldErrorCode::InvalidValue, detail)
        });
        let number = range_error("to_databases", self.to_databases, MAX_DATABASES);
        number.into_iter().chain(both).collect()
    }
}

string_enum! {
    /// What to do with a rebalance.
    RebalanceAction {
        /// Start the plan; refused if the databases have changed since.
        Start => "start",
        /// Pause after the current bucket.
        Pause => "pause",
        /// Resume a paused rebalance.
        Resume => "resume",
        /// Only change `max_rate`.
        Throttle => "throttle",
        /// Undo the move of the bucket that is moving, and move no other. A plan that has not been
        /// started is removed.
        Abort => "abort",
    }
}

/// A change of a rebalance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RebalanceChange {
    /// The action.
    pub action: RebalanceAction,
    /// With `start` and `throttle`: the maximum number of reviews copied per second; null: it
    /// adapts to the load of clients.
    #[serde(
        default,
        deserialize_with = "optional_integer::<_, 1, MAX_RATE>",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000, example = 5000))]
    pub max_rate: Option<i32>,
}

impl RequestBody for RebalanceChange {
    const MAX_BYTES: usize = max_bytes(0);
}

impl RebalanceChange {
    /// The errors of this change.
    pub fn validate(&self) -> Vec<FieldError> {
        range_error("max_rate", self.max_rate, MAX_RATE).into_iter().collect()
    }
}

fn range_error(field: &'static str, value: Option<i32>, maximum: i32) -> Option<FieldError> {
    let value = value.filter(|value| !(1..=maximum).contains(value))?;
    let detail = format!("It must be a whole number from 1 to {maximum}.");
    let error = FieldError::at_field(field, FieldErrorCode::OutOfRange, detail);
    Some(error.with(FieldErrorParams::range(1, maximum.into(), Some(value.into()))))
}
