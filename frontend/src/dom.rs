//! What the app asks of the browser's document beside its own elements.

pub mod document;
pub mod takeover;
pub mod title;
