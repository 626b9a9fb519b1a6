//! The way to a database: its address, its pool, and whether its server answers.

pub mod address;
pub mod circuit_breaker;
pub mod database;
pub mod health_check;
pub mod pool;
pub mod request_context;
pub mod room;
