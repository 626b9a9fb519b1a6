//! How a database is reached: its address, pools and health checks, and the context of a request.
//!
//! Look here for availability, replicas, limits and timeouts; what differs in SQL is in `dialect`.

pub mod address;
pub mod circuit_breaker;
pub mod connector;
pub mod database;
pub mod disk_space;
pub mod health_check;
pub mod pool;
pub mod request_context;
pub mod request_database;
pub mod settings;
