//! The address of a page.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::params::ParamsMap;
use wasm_bindgen::JsValue;

/// A path and a query, given without its question mark, as one text.
pub fn address(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

/// The address that the browser shows.
pub fn browser_address() -> String {
    let location = window().location();
    let search = location.search().unwrap_or_default();
    address(&location.pathname().unwrap_or_default(), search.trim_start_matches('?'))
}

/// Makes the browser show this address.
///
/// The router does that itself, except for an address that equals the last one it pushed, even
/// if the user has gone somewhere else by Back and Forward since then.
pub fn show_in_browser(address: &str) {
    if browser_address() == address {
        return;
    }
    if let Ok(history) = window().history() {
        // Where the browser refuses, the page is right all the same.
        _ = history.push_state_with_url(&JsValue::NULL, "", Some(address));
    }
}

/// The query of this page's address. It stays as it is once the app moves on to another page,
/// so that a page that is about to go does not load anything for its successor.
pub fn page_query() -> Memo<ParamsMap> {
    let location = use_location();
    let path = location.pathname.get_untracked();
    Memo::new(move |before: Option<&ParamsMap>| match before {
        Some(before) if *location.pathname.read() != path => before.clone(),
        _ => location.query.get(),
    })
}
