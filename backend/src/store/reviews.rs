//! Reviews: writing, listing, changing and moderating them.

pub mod admin;
pub mod attempts;
pub mod batch;
pub mod create;
pub mod list;
pub mod moderation;
pub mod own;
pub mod policy;
pub mod signature;
pub mod write_queue;
