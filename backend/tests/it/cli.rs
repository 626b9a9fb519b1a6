//! The command line, as people run it.

mod accounts;
mod audit;
mod demo;
mod migrate;
mod reports;
mod serve;
mod usage;
