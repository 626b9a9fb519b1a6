//! What tests share: engines, clusters and servers of their own, accounts, the command line.

pub mod accounts;
pub mod cli;
#[macro_use]
pub mod engine;
#[macro_use]
pub mod app;
pub mod cluster;
pub mod postgres;
pub mod reserved_port;
pub mod small_disk;
pub mod wait;
