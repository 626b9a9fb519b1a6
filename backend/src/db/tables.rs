//! Rows and queries, one file for each subject. They run inside the transactions that
//! [`super::connection::database::Database`] begins.

pub mod accounts;
pub mod audit;
pub mod backfill;
pub mod cluster;
pub mod idempotency_keys;
pub mod ids;
pub mod moderation;
pub mod owner;
pub mod processes;
pub mod products;
pub mod ratings;
pub mod rebalances;
pub mod review_checks;
pub mod review_search;
pub mod reviews;
pub mod sessions;
pub mod tokens;
pub mod verifications;
