//! The single-page app of Ostrakon: browse products, read and write reviews; and, as a second bundle,
//! the account and the administration for signed-in users.
//!
//! `index.html` contains the page's header and footer, so that they appear before the app is loaded.
//! The app fills the space between them according to the address.

mod app;
mod components;
mod dom;
mod format;
mod net;
mod pages;
mod routing;
mod state;

pub use app::{members_app, public_app};
pub use routing::bundles::{is_members_address, load_members_bundle, start};
