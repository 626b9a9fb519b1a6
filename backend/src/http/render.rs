//! What the server draws itself, in the markup of the app's components (`frontend/src/components/`).
//!
//! A browser test compares the two. The content security policy refuses inline styles, by which the app
//! fills stars and bars; here the width of a picture does that.

pub mod card;
pub mod json_ld;
pub mod rating;
pub mod stars;
