//! What finds the databases of a request, and keeps lists exact while others write.

pub mod change_counters;
pub mod cursor;
pub mod id_generator;
pub mod scatter_gather;
