//! What the app asks of the browser's document beside its own elements.

pub mod document;
pub mod handover;
pub mod title;
