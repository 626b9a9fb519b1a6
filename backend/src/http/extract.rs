//! Extractors, the arguments of handlers: bodies, parameters, credentials, client address.

pub mod auth;
pub mod body;
pub mod client_ip;
pub mod device;
pub mod idempotency_key;
pub mod if_match;
pub mod list_params;
pub mod local;
pub mod query;
mod serde_errors;
