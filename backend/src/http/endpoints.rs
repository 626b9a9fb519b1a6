//! The handlers, one file for each subject of the API.
//!
//! A handler extracts, makes one store call, and wraps the result. Its doc comment is the
//! operation's text in the OpenAPI document.

pub mod accounts;
pub mod admin_accounts;
pub mod admin_products;
pub mod admin_reviews;
pub mod audit;
pub mod crawlers;
pub mod databases;
pub mod health;
pub mod moderation;
pub mod my_reviews;
pub mod problems;
pub mod products;
pub mod rebalances;
pub mod reviews;
pub mod session;
