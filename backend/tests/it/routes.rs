//! The endpoints, a file for each file of `backend/src/http/endpoints`, and what several share.

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
