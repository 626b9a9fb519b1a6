//! Integration tests: behaviour through the API and the command line, on real SQLite files.
//!
//! One program, so that it links once. `app` starts a server of its own for each test; a module
//! a subject.

#![expect(clippy::unwrap_used, reason = "a test that panics says what is wrong")]

mod accounts;
#[macro_use]
mod app;
mod access;
mod admin;
mod bad_input;
mod cli;
mod cluster;
mod concurrency;
mod databases;
mod limits;
mod model;
mod moderation;
mod openapi;
mod origin;
mod own_reviews;
mod products;
mod reviews;
mod transfer;
