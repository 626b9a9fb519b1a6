//! Middleware: runs before and after the handler of each request.

pub mod connections;
pub mod consistency_token;
pub mod csrf;
pub mod response_headers;
pub mod unread_body;
