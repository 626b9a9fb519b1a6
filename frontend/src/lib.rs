//! The single-page app of Ostrakon: browse products, read reviews and write them; and, as a
//! second program, what is only for who is signed in: their account, and the administration.
//!
//! The page's header and footer stand in `index.html`, so that they are there before these
//! programs are; they fill what lies between them, by the address.

mod account_menu;
mod address;
mod api;
mod app;
mod attempt;
mod components;
mod drafts;
mod first_answers;
mod format;
mod handover;
mod http;
mod idempotency;
mod listing;
mod memory;
mod own_writes;
mod page;
mod pages;
mod paging;
mod programs;
mod request;
mod review_query;
mod session;
mod title;

pub use app::{members_app, public_app};
pub use programs::{is_members_address, load_members_program, start};
