//! Addresses of pages.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;
use wasm_bindgen::JsValue;

/// Joins a path and a query without a question mark.
pub fn address(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

/// The address in the browser's address bar.
pub fn browser_address() -> String {
    let location = window().location();
    let search = location.search().unwrap_or_default();
    address(&location.pathname().unwrap_or_default(), search.trim_start_matches('?'))
}

/// Shows an address in the browser's address bar.
///
/// The router does that itself, except for an address that equals the last one it pushed, even if the
/// user has moved by Back or Forward since then.
pub fn show_in_browser(address: &str) {
    if browser_address() == address {
        return;
    }
    if let Ok(history) = window().history() {
        // If the browser refuses, the page's content is still right.
        _ = history.push_state_with_url(&JsValue::NULL, "", Some(address));
    }
}

/// The query of this page's address. It stays unchanged when the app moves on to another page, so that
/// the old page does not load anything for the new address.
pub fn page_query() -> Memo<ParamsMap> {
    let location = use_location();
    let path = location.pathname.get_untracked();
    Memo::new(move |before: Option<&ParamsMap>| match before {
        Some(before) if *location.pathname.read() != path => before.clone(),
        _ => location.query.get(),
    })
}
