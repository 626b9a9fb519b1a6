//! The endpoints, by subject. A file has the name of its file in `backend/src/http/endpoints`; the others
//! test what several endpoints share. Rebalances are in `cluster/rebalance`, and `failures` tests what
//! `/readyz` answers when a database is down.

mod accounts;
mod admin_accounts;
mod admin_products;
mod admin_reviews;
mod audit;
pub mod concurrency;
mod crawlers;
mod credentials;
mod databases;
mod model;
mod moderation;
mod my_reviews;
mod names;
mod problems;
mod products;
mod reviews;
mod search;
mod session;
mod write_queue;
