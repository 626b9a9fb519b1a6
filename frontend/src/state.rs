//! What outlives a page: the session, drafts, changes of this visit, lists that Back brings back.

pub mod drafts;
pub mod history_cache;
pub mod loaded_pages;
pub mod local_changes;
pub mod session;
pub mod submission;
