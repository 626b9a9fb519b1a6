//! What happens to every request before its handler runs, and to every answer after it.

pub mod connections;
pub mod consistency_token;
pub mod csrf;
pub mod response_headers;
pub mod unread_body;
