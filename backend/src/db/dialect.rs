//! What differs between SQLite, PostgreSQL and Citus.

pub mod citus;
pub mod engine;
pub mod prepared;
pub mod sqlite_version;
pub mod statement_timeout;
pub mod wal_size;
