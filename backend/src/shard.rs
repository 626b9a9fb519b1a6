//! Where a review lives: pure functions of ids, without IO.
//!
//! ```text
//! product ──home──► home buckets ──slot──► one bucket ──mint──► review id
//! review id ──hash──► bucket ──shard map──► database
//! ```
//!
//! Everything here is pinned when a cluster is created: another hash, another bucket count or
//! another spread would look for existing reviews in the wrong place. `tests` in the modules pin
//! the functions by golden vectors.

mod bucket;
mod home;
mod map;
mod mine_id;

pub use bucket::{BUCKETS, Bucket, HASH, bucket_of};
pub use home::{Spread, home_buckets, slot_of_author, slot_of_key};
pub use map::{DatabaseIndex, Owner, ShardMap};
pub use mine_id::mine_id;
