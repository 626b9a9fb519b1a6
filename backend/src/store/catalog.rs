//! Products and their ratings.

pub mod admin;
pub mod products;
pub mod ratings;
