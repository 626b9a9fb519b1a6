//! What outlives a page: the session, drafts, changes of this visit, lists that Back brings back.

pub mod drafts;
pub mod history_cache;
pub mod local_changes;
pub mod paging;
pub mod session;
pub mod submission;
