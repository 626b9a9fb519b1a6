//! Ostrakon: product reviews on shards.
pub mod db;
pub mod shard;
pub mod store;
