//! What differs between SQLite, PostgreSQL and Citus. No other file of queries matches on the
//! engine.

pub mod buckets;
pub mod citus;
pub mod conditions;
pub mod engine;
pub mod locks;
pub mod lookups;
pub mod low_watermark;
pub mod owner_cache;
pub mod prepared;
pub mod products_and_names;
pub mod read_only;
pub mod sequences;
pub mod server;
pub mod sqlite_version;
pub mod statement_timeout;
pub mod storage;
pub mod transaction;
pub mod wal_size;
