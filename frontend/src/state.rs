//! State beyond a component: forms, the session, drafts, local changes, cached lists.

pub mod drafts;
pub mod form_state;
pub mod history_cache;
pub mod loaded_pages;
pub mod local_changes;
pub mod session;
