//! What tests are made of: engines, clusters of their own, servers of their own.

pub mod accounts;
pub mod app;
pub mod cli;
#[macro_use]
pub mod engine;
pub mod cluster;
pub mod postgres;
pub mod reserved_port;
pub mod wait;
