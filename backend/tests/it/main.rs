//! Integration tests: behaviour through the API and the command line, on real SQLite files, a real
//! PostgreSQL server and, where there is one, a Citus cluster.
//!
//! One program, so that it links once. `engine` makes a test for each engine of one, `place` gives each
//! databases of its own, `app` a server of its own; a module a subject.

#![expect(clippy::unwrap_used, reason = "a test that panics says what is wrong")]

#[macro_use]
mod engine;
mod access;
mod accounts;
mod admin;
mod app;
mod architecture;
mod audit;
mod backup;
mod bad_input;
mod batches;
mod behind_a_proxy;
mod bodies;
mod bounds;
mod cache;
mod citus;
mod cli;
mod clock;
mod cluster;
mod compression;
mod concurrency;
mod connections;
mod crawlers;
mod credentials;
mod databases;
mod failures;
mod files;
mod invisible;
mod limits;
mod model;
mod moderation;
mod names;
mod openapi;
mod origin;
mod own_reviews;
mod pages;
mod place;
mod positions;
mod postgres;
mod processes;
mod products;
mod reviews;
mod schema;
mod search;
mod storage;
mod transfer;
