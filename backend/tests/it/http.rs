//! What holds for requests to any endpoint: extractors, middleware, responses and pages, as in
//! `backend/src/http`.

mod access;
mod account_header;
mod bad_input;
mod bodies;
mod bounds;
mod cache;
mod compression;
mod connections;
mod csrf;
mod invisible_characters;
mod openapi;
pub mod prerender;
mod rate_limits;
mod reverse_proxy;
