//! The endpoints, a file for each file of `backend/src/http/endpoints`, and what several share.

pub mod accounts;
mod admin;
mod audit;
pub mod concurrency;
mod crawlers;
mod credentials;
mod databases;
mod model;
mod moderation;
mod names;
mod own_reviews;
mod products;
mod reviews;
mod search;
mod write_queue;
