//! The app's two bundles: one for every visitor, one for signed-in users.
//!
//! Each contains its own pages only, so that readers do not download the administration. A link to a
//! page of the other bundle is loaded from the server, whose HTML names the right bundle.

use std::time::Duration;

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use wasm_bindgen::JsCast;

use crate::dom::document::element;
use crate::dom::takeover::Takeover;
use crate::routing::url::{address, show_in_browser};

/// Path prefixes of the pages in the members' bundle.
const MEMBERS_PATHS: [&str; 2] = ["/account", "/admin"];

/// Whether the current page belongs to the members' bundle.
pub fn is_members_address() -> bool {
    is_members_path(&window().location().pathname().unwrap_or_default())
}

fn is_members_path(path: &str) -> bool {
    let is_under = |begin: &str| {
        path.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    MEMBERS_PATHS.into_iter().any(is_under)
}

/// Loads the members' bundle, which `<meta name="members-bundle">` names.
pub fn load_members_bundle() {
    let document = document();
    let file = document
        .query_selector("meta[name=members-bundle]")
        .ok()
        .flatten()
        .and_then(|meta| meta.get_attribute("content"));
    let script = document.create_element("script").ok();
    if let (Some(file), Some(script), Some(body)) = (file, script, document.body()) {
        // These calls can't fail for a new element.
        _ = script.set_attribute("type", "module");
        _ = script.set_attribute("src", &file);
        _ = body.append_child(&script);
    }
}

/// Replaces the server's content, or the skeleton, by the app.
pub fn start(app: fn() -> AnyView) {
    let show = move || {
        let main = element("main").expect("index.html has it");
        let takeover = Takeover::begin(main.clone());
        main.set_inner_html("");
        mount_to(main.unchecked_into(), app).forget();
        takeover.finish();
    };
    // In a task of its own: the one in which the WASM starts is already long on a phone.
    set_timeout(show, Duration::ZERO);
}

/// A page of the other bundle: reloads the current address from the server.
#[component]
pub fn OtherBundle() -> impl IntoView {
    let location = use_location();
    let (path, search) = (location.pathname.get_untracked(), location.search.get_untracked());
    request_animation_frame(move || {
        // The router may not have pushed the address yet.
        show_in_browser(&address(&path, &search));
        // If the browser refuses, the user can still reload.
        _ = window().location().reload();
    });
    view! { <p class="muted">"Loading…"</p> }
}

#[cfg(test)]
mod tests {
    use super::is_members_path;

    #[test]
    fn each_page_is_in_one_bundle() {
        for path in ["/account", "/account/", "/account/reviews", "/admin", "/admin/queue"] {
            assert!(is_members_path(path), "{path}");
        }
        for path in ["/", "/products/1", "/sign-in", "/accounts", "/administer", ""] {
            assert!(!is_members_path(path), "{path}");
        }
    }
}
