//! API requests, and the responses that the server sends with the page.

pub mod api;
pub mod fetched;
pub mod http;
pub mod idempotency;
pub mod preloaded;
mod problem_text;
