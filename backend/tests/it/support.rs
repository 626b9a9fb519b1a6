//! What tests are made of: engines, clusters of their own, servers of their own.

pub mod app;
#[macro_use]
pub mod engine;
pub mod place;
pub mod postgres;
