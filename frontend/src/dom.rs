//! Access to the browser's document outside the app's components.

pub mod clipboard;
pub mod document;
pub mod takeover;
pub mod title;
