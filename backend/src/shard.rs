//! Where a review is stored: pure functions of ids, without IO.
//!
//! ```text
//! product ──home──► home buckets ──slot──► one bucket ──mine──► review id
//! review id ──hash──► bucket ──shard map──► database
//! ```
//!
//! All of this is pinned when a cluster is created: with another hash, number of buckets or spread,
//! existing reviews would be searched in the wrong place. Golden vectors in the tests pin the
//! functions.

mod bucket;
mod home;
mod map;
mod mine_id;
mod plan;

pub use bucket::{BUCKETS, Bucket, HASH, bucket_of};
pub use home::{Spread, home_buckets, slot_of_author, slot_of_key};
pub use map::{DatabaseIndex, Owner, ShardMap, even_owner};
pub use mine_id::mine_id;
pub use plan::{PlannedMove, plan_moves};
