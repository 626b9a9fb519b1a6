//! Components that the server renders, in the markup of the app's (`frontend/src/components/`): a
//! browser test compares the two.
//!
//! The app fills stars and bars by styles. In HTML, the content security policy refuses inline
//! styles, so here the width of an SVG element does that.

pub mod card;
pub mod json_ld;
pub mod rating;
pub mod stars;
