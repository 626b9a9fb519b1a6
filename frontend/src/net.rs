//! Calls of the API, and what the server has sent with the page.

pub mod api;
pub mod fetched;
pub mod http;
pub mod idempotency;
pub mod preloaded;
