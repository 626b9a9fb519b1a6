//! The app: its files, and the pages that arrive with their content.

pub mod index_html;
pub mod prerender;
pub mod static_files;
