//! What handlers return: JSON with validators, cached bytes, and problem details.

pub mod cache;
pub mod compression;
pub mod json;
pub mod problem;
