//! Integration tests: behaviour through the API and the command line, on real SQLite files, a real
//! PostgreSQL server and, if one is configured, a Citus cluster.
//!
//! They are one program, so that it links once. `support` has what tests share, `routes` the endpoints
//! by subject, `http` what holds for any request, `cluster` the databases, `failures` servers and disks
//! that fail, `cli` the command line.

#![expect(clippy::unwrap_used, reason = "a test that panics says what is wrong")]

#[macro_use]
mod support;
mod architecture;
mod cli;
mod cluster;
mod failures;
mod http;
mod routes;
