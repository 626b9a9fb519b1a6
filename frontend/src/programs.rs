//! The two programs that the app consists of: one for all, one for moderators and admins.
//!
//! Each knows its own pages only. An address of the other one is loaded from the server, which
//! begins with the right program.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

use crate::address::address;
use crate::page::element;

/// Where all pages of the administration are.
const ADMIN_PATH: &str = "/admin";

/// Whether the browser shows a page of the administration.
pub fn is_admin_address() -> bool {
    let path = window().location().pathname().unwrap_or_default();
    path.strip_prefix(ADMIN_PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Loads the program for it. Its file is named in the page's head.
pub fn load_admin_program() {
    let document = document();
    let file = document
        .query_selector("meta[name=admin-program]")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"));
    let script = document.create_element("script").ok();
    if let (Some(file), Some(script), Some(body)) = (file, script, document.body()) {
        // A new element takes any attribute, and a body any element.
        _ = script.set_attribute("type", "module");
        _ = script.set_attribute("src", &file);
        _ = body.append_child(&script);
    }
}

/// Shows an app in the page.
pub fn start(app: fn() -> AnyView) {
    let main = element("main").expect("index.html has it");
    // What stands there is the skeleton for the time until now.
    main.set_inner_html("");
    mount_to(main.unchecked_into(), app).forget();
}

/// A page of the other program.
#[component]
pub fn OtherProgram() -> impl IntoView {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    // Where the browser refuses, there is still the way to reload.
    _ = window().location().assign(&address(&path, &search));
    view! { <p class="muted">"Loading…"</p> }
}
