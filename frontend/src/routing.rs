//! The addresses of pages, and the two bundles that serve them.

pub mod bundles;
pub mod review_query;
pub mod search;
pub mod url;
