//! Ostrakon: product reviews on shards.
//!
//! A request flows down, and imports point down:
//!
//! ```text
//! HTTP ─► http/      thin handlers: extract, one store call, wrap
//!         store/     what the product does: review a product, page through reviews, rate
//!         shard/     pure: ids, buckets, shard map
//!         db/        diesel: connections, rows, queries, migrations
//! ```
//!
//! The command line ([`cli`]) uses the same store as requests do.

pub mod cli;
pub mod config;
pub mod db;
pub mod demo;
pub mod http;
pub mod shard;
pub mod store;
pub mod text;
