//! The app: static files and prerendered pages.

pub mod index_html;
pub mod prerender;
pub mod static_files;
