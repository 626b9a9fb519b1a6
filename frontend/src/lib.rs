//! The single-page app of Ostrakon: browse products, read reviews and write them; and, as a
//! second program, what is only for who is signed in: their account, and the administration.
//!
//! The page's header and footer stand in `index.html`, so that they are there before these
//! programs are; they fill what lies between them, by the address.

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
