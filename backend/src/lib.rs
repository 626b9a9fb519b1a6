//! Ostrakon: product reviews on shards.
pub mod shard;
