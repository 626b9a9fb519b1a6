//! State beyond a component: forms, the session, drafts, local changes, lists.

pub mod drafts;
pub mod form_state;
pub mod history_cache;
pub mod list_state;
pub mod loaded_pages;
pub mod local_changes;
pub mod session;
pub mod success;
