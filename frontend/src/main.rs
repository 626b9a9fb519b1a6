//! The single-page app of Ostrakon: browse products, read reviews and write them.
//!
//! The page's header and footer stand in `index.html`, so that they are there before this
//! program is; it fills what lies between them, by the address.

mod account_menu;
mod address;
mod api;
mod app;
mod attempt;
mod components;
mod drafts;
mod format;
mod http;
mod idempotency;
mod listing;
mod memory;
mod own_writes;
mod page;
mod pages;
mod paging;
mod request;
mod review_query;
mod session;
mod title;

use leptos::prelude::{document, mount_to};
use wasm_bindgen::JsCast;

fn main() {
    let main = document()
        .get_element_by_id("main")
        .expect("index.html has it")
        .unchecked_into::<web_sys::HtmlElement>();
    // What stands there is the skeleton for the time until now.
    main.set_inner_html("");
    mount_to(main, app::App).forget();
}
